"""A table in which no name is cut: where its words do not fit beside each other, each row is a few lines instead.

People copy names from these tables, and two names may differ in their last letters only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

BETWEEN = 2
"""Room between two columns."""
INDENT = 2


@dataclass(frozen=True)
class NameTable:
    """Rows under a head, as wide as the console is; the first cell of a row names it."""

    head: Sequence[str]
    rows: Sequence[Sequence[str | Text]]
    has_head: bool = True

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw the rows beside each other where every word has room, else one below the other."""
        cells = [[_text(cell) for cell in row] for row in self.rows]
        head = [_text(title if self.has_head else "") for title in self.head]
        columns = list(zip(head, *cells, strict=True))
        widths = _widths(columns, options.max_width - BETWEEN * (len(head) - 1))
        if widths is None:
            yield from self._lines(cells)
            return
        table = Table(box=None, pad_edge=False, padding=(0, BETWEEN, 0, 0), show_header=self.has_head)
        for title, width in zip(head, widths, strict=True):
            table.add_column(title, width=width, overflow="fold")
        for row in cells:
            table.add_row(*row)
        yield table

    def _lines(self, cells: Sequence[Sequence[Text]]) -> RenderResult:
        for first, *others in cells:
            yield Text.assemble(first, overflow="fold")
            told = [
                Text.assemble(f"{title}: " if self.has_head else "", cell)
                for title, cell in zip(self.head[1:], others, strict=True)
                if cell.plain
            ]
            if told:
                yield Padding(Text("; ", overflow="fold").join(told), (0, 0, 0, INDENT), expand=False)


def _text(cell: str | Text) -> Text:
    return cell if isinstance(cell, Text) else Text(cell)


def _widths(columns: Sequence[Sequence[Text]], room: int) -> list[int] | None:
    """Share the room out to columns, none narrower than its longest word; None where that does not fit."""
    least = [max(_longest(cell.plain.split()) for cell in column) for column in columns]
    most = [max(_longest(cell.plain.splitlines()) for cell in column) for column in columns]
    spare = room - sum(least)
    if spare < 0:
        return None
    widths = list(least)
    # Those that want little get it first, so that the rest is for the columns with much to say.
    wanting = sorted(range(len(columns)), key=lambda place: most[place] - least[place])
    for left, place in zip(range(len(columns), 0, -1), wanting, strict=True):
        more = min(most[place] - least[place], spare // left)
        widths[place] += more
        spare -= more
    return widths


def _longest(words: Sequence[str]) -> int:
    return max(map(cell_len, words), default=0)
