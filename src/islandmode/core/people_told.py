"""What people were asked in a run, what they confirmed and what they noted, in order: for a report and a terminal. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from islandmode.core.record import Record

SAID_TO_CONFIRM = "it confirms nothing"
"""How a record begins that says why a confirmation was not taken."""


@dataclass(frozen=True)
class Said:
    """One thing that people were asked, said, or had noted."""

    at_us: int
    """When, in UTC."""
    who: str
    what: str


def people_told(records: Sequence[Record], others: Sequence[Record] = ()) -> tuple[Said, ...]:
    """Tell it in the order in which it was recorded; `others` are the guardian's records."""
    told = (Said(record.utc_us, *words) for record in (*records, *others) if (words := _words(record)) is not None)
    return tuple(sorted(told, key=lambda said: said.at_us))


def moment_told(at_us: int) -> str:
    """Say a moment as a time of day."""
    return f"{datetime.fromtimestamp(at_us / 1_000_000, UTC):%H:%M:%S} UTC"


def _words(record: Record) -> tuple[str, str] | None:
    data = record.data
    if record.kind == "hand.asked":
        return "asked", str(data["told"])
    if record.kind == "hand.confirmed":
        what = {"be there": "is there and ready", "isolate": "says it is isolated", "restore": "says it is restored"}
        author = f", typed by account {data['author']}"
        return str(data["person"]), f"{data['point']}: {what.get(str(data['act']), str(data['act']))}{author}"
    if record.kind == "return.waits":
        return "asked", f"the word to restore {', '.join(map(str, data['conduits']))}, within {data['within_s']:g} s"
    if record.kind == "return.word":
        return str(
            data["person"]
        ), f"gave the word for step {data['step']} of the return, typed by account {data['author']}"
    if record.kind == "go.asked":
        return "asked", f"the go of the plant floor, by {data['latest']} at the latest"
    if record.kind == "go.answered":
        who = str(data["person"]) or "plant floor"
        return who, f"{data['outcome']}: {data['why']}, typed by account {data['author']}"
    if record.kind in ("closed.said", "run.closed"):
        return str(data["person"]), _said_to_close(record)
    if record.kind == "note":
        return str(data["author"]), f"note: {data['text']}"
    if record.kind == "request.ignored" and str(data["why"]).startswith(SAID_TO_CONFIRM):
        return "not taken", f"{data['file']}: {data['why']}"
    return None


def _said_to_close(record: Record) -> str:
    data = record.data
    typed = f"typed by account {data['author']}"
    if record.kind == "closed.said":
        return f"keeps {data['conduit']} closed, {typed}"
    by_word = ", ".join(map(str, data.get("by_word", ())))
    drained = f", and by their own word that {by_word} drained" if by_word else ""
    return f"confirmed that the service is back{drained}, which closes the run; {typed}"
