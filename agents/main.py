"""The environment in, a module-level `app` out: what `faust -A agents.main worker` looks for."""

import os

from agents.app import create_app
from pipeline.environment import read_settings

app = create_app(read_settings(os.environ))
