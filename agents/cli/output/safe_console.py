"""Define a rich console that escapes control characters in everything that it prints."""

from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType  # noqa: TID251 - made safe here
from rich.segment import Segment

from pipeline.runtime.printable import printable_lines


class SafeConsole(Console):
    """A console that makes all text printable, except for rich's own control codes."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Render, and make each segment printable."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(printable_lines(segment.text), segment.style)
