"""What every page of a report is made of: sections, tables, moments, and the frame that prints on every page. All text is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from html import escape

from islandmode.ui.report.style import STYLE

HOUR_S, MINUTE_S = 3600, 60


@dataclass(frozen=True)
class Moments:
    """Turns seconds of a run into what a wall clock beside the operations host showed."""

    start_utc_us: int
    zone: tzinfo = UTC

    def _at(self, seconds: float) -> datetime:
        start = datetime.fromtimestamp(self.start_utc_us / 1_000_000, UTC)
        return (start + timedelta(seconds=seconds)).astimezone(self.zone)

    def clock(self, seconds: float) -> str:
        """Give the time of day, with the day where it is no longer the first."""
        moment, first = self._at(seconds), self._at(0)
        day = "" if moment.date() == first.date() else f"{moment:%Y-%m-%d} "
        return f"{day}{moment:%H:%M:%S}.{moment.microsecond // 100_000}"

    def whole(self, seconds: float) -> str:
        """Give day and time."""
        return f"{self._at(seconds):%Y-%m-%d %H:%M:%S}"

    @property
    def zone_told(self) -> str:
        """Name the time zone, and how far it is from UTC."""
        name, ahead = self._at(0).tzname() or "", self._at(0).utcoffset() or timedelta()
        minutes = round(ahead.total_seconds() / MINUTE_S)
        offset = f"UTC{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
        return "UTC" if name == "UTC" else f"{name} ({offset})" if name[:1].isalpha() else offset


def lasted(seconds: float) -> str:
    """Write a duration as people say it."""
    if seconds < MINUTE_S:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    hours, minutes, rest = whole // HOUR_S, whole % HOUR_S // MINUTE_S, whole % MINUTE_S
    return f"{hours} h {minutes:02d} min {rest:02d} s" if hours else f"{minutes} min {rest:02d} s"


def document(title: str, running: str, parts: Iterable[str], *, lab: bool) -> str:
    """Put the parts of a report into one HTML document that needs nothing else."""
    mark = '<div class="mark" aria-hidden="true">LAB</div>' if lab else ""
    said = "<strong>LAB: a rehearsal, not the plant</strong> · " if lab else ""
    header = f'<p class="running">{said}Islandmode · {escape(running)}</p>'
    # The table makes browsers repeat its head on every printed page; nothing else does so reliably.
    body = f'<table class="page"><thead><tr><td>{header}</td></tr></thead><tbody><tr><td>{"".join(parts)}</td></tr></tbody></table>'
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>"
        f"<body>{mark}{body}</body></html>\n"
    )


def section(title: str, body: str) -> str:
    """Put a heading over a body."""
    return f"<section><h2>{escape(title)}</h2>{body}</section>"


def box(what: str, said: str, kind: str, body: str) -> str:
    """Draw one of the large boxes at the top; its word says what its colour does."""
    return (
        f'<div class="box {escape(kind)}"><span class="what">{escape(what)}</span>'
        f'<span class="said">{escape(said)}</span>{body}</div>'
    )


def facts(listed: Iterable[tuple[str, str]]) -> str:
    """List facts by name."""
    cells = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in listed)
    return f'<dl class="facts">{cells}</dl>'


def table(head: Sequence[str], rows: Iterable[Sequence[str]], kind: str = "") -> str:
    """Draw a table; cells are HTML, so the caller must escape their text."""
    top = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    body = "".join(
        "<tr>"
        + "".join(f'<td data-h="{escape(name)}">{cell}</td>' for name, cell in zip(head, row, strict=True))
        + "</tr>"
        for row in rows
    )
    return (
        f'<div class="wide"><table class="data {kind}"><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def card(kind: str, word: str, listed: Iterable[tuple[str, str]]) -> str:
    """Draw one thing that failed: a word, and beneath it what, when, whose and what to do; the values are HTML."""
    cells = "".join(f"<dt>{escape(name)}</dt><dd>{value}</dd>" for name, value in listed if value)
    return f'<div class="failed {escape(kind)}"><strong>{escape(word)}</strong><dl>{cells}</dl></div>'


def bullets(items: Iterable[str]) -> str:
    """List sentences; they are HTML."""
    listed = "".join(f"<li>{item}</li>" for item in items)
    return f"<ul>{listed}</ul>" if listed else ""
