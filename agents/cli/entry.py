"""Start the command line; an interrupt at any moment of the start ends it, and as quietly as a later one."""

import signal
from typing import NoReturn


def main() -> NoReturn:
    """Run the command line and end the process, as `agents.cli.main.main` does."""
    handler = signal.getsignal(signal.SIGINT)
    if handler is signal.default_int_handler:  # which would print where the import stood; shells may ignore SIGINT
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from agents.cli.main import main as run  # noqa: PLC0415 - what an interrupt may end
    from agents.cli.signals import raise_ignored_interrupts  # noqa: PLC0415 - likewise

    raise_ignored_interrupts()  # commands import more
    signal.signal(signal.SIGINT, handler)
    run()


if __name__ == "__main__":
    main()
