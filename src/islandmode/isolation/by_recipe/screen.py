"""What a terminal would show of a device's output: lines, of which the last may still grow. Pure.

Devices go back in a line to take a page's mark away or to draw what was typed again; what is read is what is seen in the end.
"""

from __future__ import annotations

import re

TAIL_MAX = 16 * 1024
"""A line that is longer is text, and nothing that waits for an answer."""
_MOVES = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_TOKEN = re.compile(
    r"\x1b\[([0-?]*)[ -/]*([@-~])|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[ -/]*[0-~]|([\x00-\x1f\x7f-\x9f])|([^\x00-\x1f\x7f-\x9f]+)"
)
_MORE = re.compile(
    r"\s*(?:-+ ?more ?(?:\(\d{1,3}%\) ?)?-+|<-+ ?more ?-+>|\(more\)|press any key to (?:continue|scroll)[^\n]{0,60})\s*",
    re.IGNORECASE,
)


def shown(line: str) -> str:
    """Give what a terminal shows of one line, without blanks at its end."""
    if _MOVES.search(line) is None:
        return line.rstrip()
    cells: list[str] = []
    at = 0
    for token in _TOKEN.finditer(line):
        if token[4] is not None:
            cells[at : at + len(token[4])] = token[4]
            at += len(token[4])
        elif token[3] is not None:
            if token[3] == "\t":
                cells[at : at + 1] = "\t"
                at += 1
            at = max(at - 1, 0) if token[3] == "\b" else 0 if token[3] == "\r" else at
        elif token[2] is not None:
            at = _moved(cells, at, token[1], token[2])
    return "".join(cells).rstrip()


def _moved(cells: list[str], at: int, told: str, what: str) -> int:
    """Do what a control sequence says to the line, and give the place in it; colours and all else are nothing here."""
    number = int(told) if told.isdigit() else 0
    if what == "K":
        if number in {1, 2}:
            cells[:at] = " " * min(at, len(cells))
        if number in {0, 2}:
            del cells[at:]
    elif what == "D":
        at = max(at - max(number, 1), 0)
    elif what == "G":
        at = min(max(number, 1) - 1, len(cells))
    elif what == "C":
        at = min(at + max(number, 1), len(cells))
    return at


def is_page_mark(line: str) -> bool:
    """Tell whether a line is what stands below a page and waits for a key."""
    return _MORE.fullmatch(line) is not None


def without_page_mark(line: str) -> str:
    """Take off a page's mark that the device left at the beginning of a line."""
    found = _MORE.match(line) if "ore" in line[:20].lower() else None
    return line if found is None else line[found.end() :]


def as_wrapped(line: str) -> str:
    """Give a line's letters where going back to its beginning may mean that it goes on below: so line editors wrap what is typed."""
    return _TOKEN.sub(lambda token: token[4] or ("\n" if token[3] == "\r" else ""), line).strip()


class Screen:
    """Takes in what a device prints, in pieces."""

    def __init__(self) -> None:
        """Show nothing yet."""
        self.lines: list[str] = []
        """Lines that are whole, as they are shown."""
        self.raw: list[str] = []
        """The same, as they came; only until the line that was sent is found."""
        self.keeps_raw = False
        self._tail = ""
        self.size = 0

    def add(self, text: str) -> None:
        """Take in more."""
        self.size += len(text)
        *whole, self._tail = (self._tail + text).split("\n")
        self.lines.extend(without_page_mark(shown(line)) for line in whole)
        if self.keeps_raw:
            self.raw.extend(whole)

    @property
    def tail(self) -> str:
        """The line that may still grow, as it is shown; empty where it is too long to be a prompt or a question."""
        return shown(self._tail) if len(self._tail) <= TAIL_MAX else ""

    @property
    def at_margin(self) -> bool:
        """Whether nothing stands in the last line: what comes next begins a line."""
        return len(self._tail) <= TAIL_MAX and not shown(self._tail)

    @property
    def text(self) -> str:
        """All that is shown."""
        return "\n".join((*self.lines, self.tail))


def echo_of(line: str) -> re.Pattern[str]:
    """Find a line that was sent where it is shown back, at the end of a line or wrapped over several, or only its end after a `$`.

    A device that runs out of room in a line shows the end of what was typed, behind a mark.
    """
    letters = [re.escape(letter) for letter in line if not letter.isspace()]
    whole = r"\s*".join(letters)
    least = 8
    if len(letters) <= least:
        return re.compile(whole + r"[ \t]*$", re.MULTILINE)
    end = r"\s*".join(letters[-least:])
    return re.compile(rf"(?:{whole}|\$[^\n]{{0,300}}{end})[ \t]*$", re.MULTILINE)
