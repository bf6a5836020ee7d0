"""Settings in, a running worker out: the Faust app under Faust's own worker, until it is told to stop."""

import logging

import faust

from agents.app import create_app
from pipeline.settings import Settings


def run_worker(settings: Settings) -> None:
    """Run both agents until SIGTERM or Ctrl-C; then finish what is in hand, commit, and leave the group.

    Raises:
        SystemExit: always; status 0 after a stop, 1 after an error that waiting cannot mend.
    """
    logging.basicConfig(
        level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s", force=True
    )
    faust.Worker(
        create_app(settings), loglevel=settings.log_level, override_logging=False, quiet=True
    ).execute_from_commandline()
