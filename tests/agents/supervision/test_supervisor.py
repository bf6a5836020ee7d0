"""Real processes are restarted when they die, every death is reported, and none is left behind."""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest

from agents.supervision import restarts, supervisor
from agents.supervision.child import Launch, Program
from agents.supervision.supervisor import GivenUpError, Supervisor
from pipeline.runtime.errors import TransientError

WITHIN = 60.0
SLEEPS = "import time; print('hello', flush=True); time.sleep(600)"
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('hello', flush=True); time.sleep(600)"


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restarts, "FIRST_PAUSE", 0.01)


class Stage:
    """A folder of logs, what was said, and programs that write their process id first."""

    def __init__(self, folder: Path, stop_seconds: float = 0.5) -> None:
        self.folder = folder
        self.said: list[str] = []
        self.news = asyncio.Event()
        self.supervisor = Supervisor(folder, stop_seconds, self.say)

    def say(self, text: str) -> None:
        self.said.append(text)
        self.news.set()

    async def until_said(self, text: str, times: int = 1) -> None:
        while sum(text in said for said in self.said) < times:
            self.news.clear()
            await asyncio.wait_for(self.news.wait(), WITHIN)

    def program(
        self,
        name: str,
        code: str,
        on_death: Callable[[], str] = str,
        halts: tuple[str, ...] = (),
        *,
        is_needed: bool = False,
    ) -> Program:
        """A program that is ready once its present process has said hello."""
        starts: list[int] = []

        def launch() -> Launch:
            starts.append(len(starts))
            pid_file = self.folder / f"{name}.{len(starts)}.pid"
            words = [sys.executable, "-c", f"import os; open({str(pid_file)!r}, 'w').write(str(os.getpid()))\n{code}"]
            return Launch(words, {}, self._said_hello(name, len(starts)))

        return Program(name, launch, on_death, halts, is_needed)

    def _said_hello(self, name: str, times: int) -> Callable[[], Awaitable[None]]:
        async def probe() -> None:
            if (self.folder / f"{name}.log").read_text().count("hello") < times:
                raise TransientError("it has not said hello")

        return probe

    def pid(self, name: str, start: int) -> int:
        return int((self.folder / f"{name}.{start}.pid").read_text())

    def alive(self) -> list[int]:
        """The processes that run, of all that were started."""
        return [pid for file in self.folder.glob("*.pid") if is_alive(pid := int(file.read_text()))]


def is_alive(pid: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False


def test_what_is_killed_comes_back_each_time_and_says_so(tmp_path: Path) -> None:
    async def play() -> None:
        stage = Stage(tmp_path)
        async with stage.supervisor as supervisor:
            supervisor.start(stage.program("one", SLEEPS, lambda: "; its memory is gone"))
            supervisor.start(stage.program("two", SLEEPS))
            await asyncio.gather(supervisor.ready("one", WITHIN), supervisor.ready("two", WITHIN))
            for times in range(1, 4):
                os.kill(stage.pid("one", times), signal.SIGKILL)
                await stage.until_said("one is ready again", times)
            assert len(stage.alive()) == 2
        assert stage.alive() == []
        assert stage.said[0].startswith("one was killed by signal 9 (Killed); restarting it in 0.01 s; its memory")
        assert not any("two" in said for said in stage.said), "a stop is no news"

    asyncio.run(play())


def test_what_runs_and_is_not_ready_for_longer_than_a_moment_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a worker while the disk is full: nothing dies, and nothing is folded."""
    monkeypatch.setattr(supervisor, "WATCH_SECONDS", 0.01)
    failing: list[str] = []
    probed = asyncio.Event()

    async def probe() -> None:
        probed.set()
        if failing:
            raise TransientError(failing.pop())

    async def play() -> None:
        stage = Stage(tmp_path)
        words = [sys.executable, "-c", SLEEPS]
        async with stage.supervisor as running:
            running.start(Program("worker", lambda: Launch(words, {}, probe), is_watched=True))
            await running.ready("worker", WITHIN)
            failing.append("a moment")
            while failing:
                probed.clear()
                await asyncio.wait_for(probed.wait(), WITHIN)
            failing.extend(["the disk is full" + "!" * 1_000] * 3)
            await stage.until_said("worker is ready again")
        assert [said[:38] for said in stage.said] == ["worker is not ready: the disk is full!", "worker is ready again"]
        assert len(stage.said[0]) < 500

    asyncio.run(play())


def test_what_must_not_see_another_start_ends_first_and_comes_back_after_it(tmp_path: Path) -> None:
    bye = "import signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit(print('bye', flush=True)))\n"

    async def play() -> None:
        stage = Stage(tmp_path)
        reads = f"print('found', open({str(tmp_path / 'reader.log')!r}).read().split(), flush=True)\n"
        async with stage.supervisor as supervisor:
            (tmp_path / "reader.log").touch()
            supervisor.start(stage.program("source", reads + SLEEPS, halts=("reader", "nobody")))
            supervisor.start(stage.program("reader", bye + SLEEPS))
            await asyncio.gather(supervisor.ready("source", WITHIN), supervisor.ready("reader", WITHIN))
            os.kill(stage.pid("source", 1), signal.SIGKILL)
            await stage.until_said("reader is ready again")
            assert "source is ready again" in stage.said
            assert "found ['hello', 'bye']" in (tmp_path / "source.log").read_text()
            assert len(stage.alive()) == 2
        assert stage.alive() == []

    asyncio.run(play())


def test_what_nobody_needs_stops_at_the_same_time_and_before_what_is_needed(tmp_path: Path) -> None:
    def ending(name: str, condition: str) -> str:
        """Return code that says after SIGTERM that it ends, and then does so once the condition holds."""
        return f"""
import signal, sys, time
def said(name, text): return text in open("{tmp_path}/" + name + ".log").read()
def end(*_):
    print("{name} ends", flush=True)
    while not ({condition}): time.sleep(0.01)
    sys.exit(print("{name} has ended", flush=True))
signal.signal(signal.SIGTERM, end)
{SLEEPS}"""

    found = "print(said('one', 'one has ended') and said('two', 'two has ended'), flush=True) or True"

    async def play() -> None:
        stage = Stage(tmp_path, stop_seconds=WITHIN)
        async with stage.supervisor as supervisor:
            supervisor.start(stage.program("one", ending("one", "said('two', 'two ends')")))
            supervisor.start(stage.program("needed", ending("needed", found), is_needed=True))
            supervisor.start(stage.program("two", ending("two", "said('one', 'one ends')")))
            await asyncio.gather(*(supervisor.ready(name, WITHIN) for name in ("one", "two", "needed")))
        assert stage.alive() == []

    asyncio.run(play())
    assert (tmp_path / "needed.log").read_text().split("\n") == ["hello", "needed ends", "True", "needed has ended", ""]


def test_what_dies_before_it_was_ever_ready_is_given_up_at_once(tmp_path: Path) -> None:
    async def play() -> GivenUpError:
        stage = Stage(tmp_path)
        async with stage.supervisor as supervisor:
            supervisor.start(stage.program("one", "print('no such folder'); raise SystemExit(3)"))
            return await asyncio.wait_for(supervisor.given_up(), WITHIN)

    given_up = asyncio.run(play())
    assert given_up.name == "one"
    assert "one exited with status 3" in str(given_up)
    assert str(given_up).endswith("no such folder"), "its last words"


def test_what_dies_again_and_again_is_given_up_and_the_rest_ends_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restarts, "MAX_PAUSE", 0.02)
    flag = tmp_path / "broken"
    code = f"import os\nif os.path.exists({str(flag)!r}): raise SystemExit('cannot go on')\n{SLEEPS}"

    async def play() -> None:
        stage = Stage(tmp_path)
        async with stage.supervisor as supervisor:
            supervisor.start(stage.program("one", code))
            supervisor.start(stage.program("two", SLEEPS))
            await asyncio.gather(supervisor.ready("one", WITHIN), supervisor.ready("two", WITHIN))
            flag.touch()
            os.kill(stage.pid("one", 1), signal.SIGKILL)
            given_up = await asyncio.wait_for(supervisor.given_up(), WITHIN)
            assert str(given_up).endswith("cannot go on")
            assert len(stage.said) == restarts.MAX_EARLY_EXITS
        assert stage.alive() == []

    asyncio.run(play())


def test_a_stop_in_a_pause_starts_nothing_and_a_deaf_process_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restarts, "FIRST_PAUSE", 600.0)
    monkeypatch.setattr(restarts, "MAX_PAUSE", 600.0)

    async def play() -> None:
        stage = Stage(tmp_path)
        async with stage.supervisor as supervisor:
            supervisor.start(stage.program("one", SLEEPS))
            supervisor.start(stage.program("deaf", DEAF))
            await asyncio.gather(supervisor.ready("one", WITHIN), supervisor.ready("deaf", WITHIN))
            os.kill(stage.pid("one", 1), signal.SIGKILL)
            await stage.until_said("restarting it in 600 s")
        assert stage.alive() == []
        assert not (tmp_path / "one.2.pid").exists()

    asyncio.run(asyncio.wait_for(play(), WITHIN))


def test_who_waits_for_what_is_not_ready_is_told_why(tmp_path: Path) -> None:
    async def play() -> None:
        stage = Stage(tmp_path)
        async with stage.supervisor as supervisor:
            supervisor.start(stage.program("one", "import time; time.sleep(600)"))
            with pytest.raises(TransientError, match=r"one is not ready after 0\.5 s: it has not said hello"):
                await supervisor.ready("one", 0.5)

    asyncio.run(play())
