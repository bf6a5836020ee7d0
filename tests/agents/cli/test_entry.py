"""An interrupt at any moment of the start ends a command without a traceback."""

import signal
import subprocess
import sys

from tests.paths import ROOT

INTERRUPTED_IMPORT = """
import os, signal, sys
class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == "agents.cli.main":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupting())
signal.signal(signal.SIGINT, signal.{handler})
sys.argv = ["turnfold", "--version"]
from agents.cli.entry import main
main()
"""
LATER = """
import os, signal
import agents.cli.main
agents.cli.main.load_settings = lambda _: os.kill(os.getpid(), signal.SIGINT)
import sys
sys.argv = ["turnfold", "status"]
from agents.cli.entry import main
main()
"""
IGNORED = """
import os, signal, sys
from agents.cli.entry import main
signal.signal(signal.SIGINT, signal.default_int_handler)
def interrupt(frame, event, argument):
    in_callback = event == "call" and frame.f_code.co_name == "cb" and "importlib" in frame.f_code.co_filename
    if in_callback and "agents.cli.commands.query.watch" in sys.modules:
        sys.setprofile(None)
        os.kill(os.getpid(), signal.SIGINT)
sys.setprofile(interrupt)
sys.argv = ["turnfold", "watch", "TRAVELBOT1"]
main()
"""
"""An interrupt in what Python calls at the end of an import, whose exceptions it ignores."""


def ended(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )


def test_an_interrupt_during_the_imports_prints_nothing() -> None:
    found = ended(INTERRUPTED_IMPORT.format(handler="default_int_handler"))
    assert (found.returncode, found.stdout, found.stderr) == (-signal.SIGINT, "", "")


def test_interrupts_that_the_caller_ignores_stay_ignored() -> None:
    found = ended(INTERRUPTED_IMPORT.format(handler="SIG_IGN"))
    assert (found.returncode, found.stderr) == (0, "")
    assert found.stdout.startswith("turnfold ")


def test_a_later_interrupt_ends_the_command_as_before() -> None:
    found = ended(LATER)
    assert (found.returncode, found.stderr) == (130, "\n")


def test_an_interrupt_that_python_ignores_comes_again() -> None:
    found = ended(IGNORED)
    assert (found.returncode, found.stderr) == (130, "\n")
