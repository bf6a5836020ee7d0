"""Generate deploy/example.env from the settings: each with its meaning and default.

python -m tests.deploy.example_env
"""

import ast
import inspect
import textwrap
from collections.abc import Iterator

import msgspec

from agents.cli.main import EMPTY, settings_and_defaults
from pipeline.config.settings import Settings
from tests.deploy.files import DEPLOY

PATH = DEPLOY / "example.env"
HEAD = """\
# Every setting of Turnfold, as an environment variable, with its default. Uncomment what differs.
# Lists are separated by commas: a,b; mappings are lists of pairs: BOTAAAAAA1=600,BOTBBBBBB2=60.
"""
WIDTH = 118


def rendered() -> str:
    """Render the file."""
    meanings = dict(_meanings())
    parts = [HEAD]
    for (variable, shown), field in zip(settings_and_defaults(), msgspec.structs.fields(Settings), strict=True):
        lines = textwrap.wrap(meanings[field.name], WIDTH, initial_indent="# ", subsequent_indent="# ")
        parts.append("\n".join([*lines, f"#{variable}={'' if shown == EMPTY else shown}", ""]))
    return "\n".join(parts)


def _meanings() -> Iterator[tuple[str, str]]:
    """Yield each field of the settings with the docstring below it."""
    (declared,) = ast.parse(inspect.getsource(Settings)).body
    assert isinstance(declared, ast.ClassDef)
    for field, meaning in zip(declared.body, declared.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            assert isinstance(meaning, ast.Expr), f"{field.target.id} has no docstring"
            assert isinstance(meaning.value, ast.Constant)
            yield field.target.id, " ".join(str(meaning.value.value).split())


if __name__ == "__main__":
    PATH.write_text(rendered())
