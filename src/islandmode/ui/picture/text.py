"""Text in a drawing: how wide it is at most, where it breaks, and its SVG.

No font is known where a picture is made, nor where it is looked at. So widths are rounded up from those of DejaVu Sans,
the widest of the fonts that a reader's machine takes for `sans-serif`: text that fits in it fits in the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

INK, SOFT = "#1d2730", "#4d5963"
NARROW = frozenset(" ijlftrIJ.,:;'|!()[]/\\-`\"")
WIDE = frozenset("mMW@%")
BROAD = frozenset("w&+=<>#~")
NARROW_EM, USUAL_EM, CAPITAL_EM, BROAD_EM, WIDE_EM, FOREIGN_EM = 0.42, 0.64, 0.8, 0.84, 1.0, 1.1
BOLD, LEADING, LATIN_END = 1.18, 1.28, 0x250


@dataclass(frozen=True)
class Line:
    """One line of text with its look."""

    text: str
    size: float
    bold: bool = False
    soft: bool = False

    @property
    def width(self) -> float:
        """Give the room that the line needs at most."""
        return text_width(self.text, self.size, bold=self.bold)

    @property
    def height(self) -> float:
        """Give the room from this line to the next."""
        return round(self.size * LEADING, 1)


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """Give the room that a text needs at most."""
    return round(sum(map(_em, text)) * size * (BOLD if bold else 1), 1)


def _em(character: str) -> float:
    if character in NARROW:
        return NARROW_EM
    if character in WIDE:
        return WIDE_EM
    if character in BROAD:
        return BROAD_EM
    if character.isascii():
        return CAPITAL_EM if character.isupper() else USUAL_EM
    # Latin letters with accents are as wide as plain letters; a sign or a letter of another script may be a whole square.
    return CAPITAL_EM if character.isalpha() and ord(character) < LATIN_END else FOREIGN_EM


def wrapped(text: str, size: float, limit: float, *, bold: bool = False, soft: bool = False) -> tuple[Line, ...]:
    """Break a text into lines no wider than the limit: between words, and within a word that is wider by itself."""
    lines: list[str] = []
    for word in _printable(text).split():
        joined = f"{lines[-1]} {word}" if lines else word
        if lines and text_width(joined, size, bold=bold) <= limit:
            lines[-1] = joined
        else:
            lines += _pieces(word, size, limit, bold=bold)
    return tuple(Line(line, size, bold, soft) for line in lines)


def _pieces(word: str, size: float, limit: float, *, bold: bool) -> list[str]:
    pieces = [""]
    for character in word:
        if pieces[-1] and text_width(pieces[-1] + character, size, bold=bold) > limit:
            pieces.append("")
        pieces[-1] += character
    return pieces


def _printable(text: str) -> str:
    """Replace what may not stand in XML; a control character in somebody's label must not spoil the picture."""
    return "".join(letter if letter.isprintable() else "\ufffd" if not letter.isspace() else " " for letter in text)


def width_of(lines: tuple[Line, ...]) -> float:
    """Give the room that the widest of some lines needs."""
    return max((line.width for line in lines), default=0.0)


def height_of(lines: tuple[Line, ...]) -> float:
    """Give the room that some lines need one below the other."""
    return round(sum(line.height for line in lines), 1)


def text_at(x: float, baseline: float, line: Line, *, anchor: str = "start") -> str:
    """Draw a line of text."""
    weight = ' font-weight="700"' if line.bold else ""
    side = "" if anchor == "start" else f' text-anchor="{anchor}"'
    colour = f' fill="{SOFT}"' if line.soft else ""
    place = f'x="{x:g}" y="{baseline:g}" font-size="{line.size:g}"'
    return f"<text {place}{weight}{side}{colour}>{escape(_printable(line.text))}</text>"


def lines_at(x: float, top: float, lines: tuple[Line, ...]) -> str:
    """Draw lines of text one below the other."""
    drawn = []
    for line in lines:
        drawn.append(text_at(x, round(top + line.size, 1), line))
        top += line.height
    return "".join(drawn)
