"""Run the Faust app under Faust's own worker until it is stopped."""

import logging

import faust

from agents.app import create_app
from pipeline.config.logging import configure_logging
from pipeline.config.settings import Settings

log = logging.getLogger(__name__)


def run_worker(settings: Settings) -> None:
    """Run both agents until SIGTERM or Ctrl-C; then finish the batches being processed, commit, and leave the group.

    Raises:
        SystemExit: always; status 0 after a stop, 1 after an error that no retry can solve.
        UsageError: the address of metrics and probes is in use.
    """
    configure_logging(settings)
    app = create_app(settings)
    app.probes.listen()
    worker = faust.Worker(app, loglevel=settings.log_level, override_logging=False, quiet=True)
    worker.spinner = None  # it draws on the terminal even if there is none
    try:
        worker.execute_from_commandline()
    finally:
        if app.fatal is not None:  # after all of Faust's own messages, so that it is the last one
            log.critical("this worker has ended: %s", app.fatal)
