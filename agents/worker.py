"""Settings in, a running worker out: the Faust app under Faust's own worker, until it is told to stop."""

import logging

import faust

from agents.app import create_app
from pipeline.config.logging import configure_logging
from pipeline.config.settings import Settings

log = logging.getLogger(__name__)


def run_worker(settings: Settings) -> None:
    """Run both agents until SIGTERM or Ctrl-C; then finish what is in hand, commit, and leave the group.

    Raises:
        SystemExit: always; status 0 after a stop, 1 after an error that waiting cannot mend.
        UsageError: the address for metrics and probes is taken.
    """
    configure_logging(settings)
    app = create_app(settings)
    app.probes.listen()
    worker = faust.Worker(app, loglevel=settings.log_level, override_logging=False, quiet=True)
    worker.spinner = None  # it draws on a terminal, also where there is none
    try:
        worker.execute_from_commandline()
    finally:
        if app.fatal is not None:  # after all that Faust has to say about it, so that it is read
            log.critical("this worker has ended: %s", app.fatal)
