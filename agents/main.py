"""Define the module-level `app` that `faust -A agents.main worker` looks for, from the environment."""

import os

from agents.app import create_app
from pipeline.config.load import load_settings

app = create_app(load_settings(os.environ))
