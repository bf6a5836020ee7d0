"""A connection in; its end, where the client does not take what was written."""

import asyncio


class Taking:
    """Looks after a connection while something is left to be taken: in each span of time a client takes its part.

    Without it, an answer that is larger than what the system buffers would be kept for as long as the client likes.
    """

    def __init__(self, transport: asyncio.Transport, seconds: float, least: int) -> None:
        self._transport = transport
        self._seconds = seconds
        self._least = least
        self._timer: asyncio.TimerHandle | None = None

    def watch(self) -> None:
        """From now on, `least` bytes have to be taken every so many seconds, or all of them."""
        if self._timer is None:
            self._look_later(self._transport.get_write_buffer_size())

    def rest(self) -> None:
        """Nothing has to be taken any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look_later(self, left: int) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._seconds, self._look, left)

    def _look(self, before: int) -> None:
        self._timer = None
        left = self._transport.get_write_buffer_size()
        if left and before - left < self._least:
            self._transport.abort()
        elif left:
            self._look_later(left)
