"""A console of rich through which nothing reaches a terminal that it would obey."""

from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType  # noqa: TID251 - made safe here
from rich.segment import Segment

from pipeline.runtime.printable import printable_lines


class SafeConsole(Console):
    """A console that makes printable whatever is printed; what the console itself tells the terminal stays."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Render as ever, segment by segment."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(printable_lines(segment.text), segment.style)
