"""The environment in, a module-level `app` out: what `faust -A agents.main worker` looks for."""

import os

from agents.app import create_app
from pipeline.config.load import load_settings

app = create_app(load_settings(os.environ))
