"""Run the query layer on its port until a signal stops it."""

from functools import partial

from pipeline.config.settings import Settings
from pipeline.http.app import Pages, create_app, no_pages
from pipeline.http.server.run import query_layer_address, run_server


def serve(settings: Settings, pages: Pages = no_pages) -> None:
    """Answer queries until SIGTERM or SIGINT, then finish those in progress within `settings.stop_seconds`.

    Raises:
        UsageError: as `run_server`.
    """
    run_server(partial(create_app, pages=pages), settings, query_layer_address(settings))
