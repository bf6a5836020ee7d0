"""Templates escape everything: none writes a text as it came, and none has a script or a style of its own."""

import re
from importlib.resources import files
from pathlib import Path

import pytest

from pipeline.console.assets import Assets
from pipeline.console.output.rendering import environment
from tests.paths import ROOT

TEMPLATES = sorted((ROOT / "pipeline" / "console" / "templates").rglob("*.html"))
UNSAFE = re.compile(r"\|\s*safe|autoescape|<script(?![^>]*\bsrc=)|\son[a-z]+=|\sstyle=|<style")


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_template_can_write_what_is_not_escaped(path: Path) -> None:
    assert not UNSAFE.search(path.read_text())


def test_every_value_is_escaped_and_made_visible() -> None:
    template = environment(Assets()).from_string("<p title='{{ text }}'>{{ text }}</p>{{ text|exact }}")
    text = "'<b>\u202e"
    shown = "&#39;&lt;b&gt;\u27e8U+202E\u27e9"
    assert template.render(text=text) == f"<p title='{shown}'>{shown}</p>&#39;&lt;b&gt;\u202e"


def test_one_visit_is_not_called_visits() -> None:
    template = environment(Assets()).from_string('{% from "macros.html" import unit %}{{ unit(n, "visit", "visits") }}')
    shown = [re.sub("<.*?>", "", template.render(n=number)) for number in (0, 1, 2)]
    assert shown == [" visits", " visit", " visits"]


def test_templates_are_data_of_the_package() -> None:
    assert (files("pipeline.console") / "templates" / "base.html").is_file()
