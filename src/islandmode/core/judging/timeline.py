"""What a journal says of when things were: orders, stages, and the windows in which probes are judged. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from islandmode.core.record import Record

BEFORE, AFTER = "before", "after"


@dataclass(frozen=True)
class Window:
    """A stretch of a run by name: `before`, a stage, or `after`; with the records that bound it."""

    name: str
    start_us: int
    end_us: int
    records: tuple[int, ...]
    complete: bool = True

    @property
    def length_us(self) -> int:
        """Tell how long it was."""
        return self.end_us - self.start_us


@dataclass(frozen=True)
class GivenBack:
    """A conduit that a planned restore gave back before the others: when that was ordered, and when its devices had shown it."""

    ordered_us: int
    seen_us: int | None


@dataclass(frozen=True)
class Timeline:
    """A run's moments, in the conductor's monotonic microseconds; None where they never came."""

    start_us: int
    windows: tuple[Window, ...]
    restore_ordered_us: int | None
    """When the first of what was isolated was to come back: that ends the holds."""
    restore_seen_us: int | None
    isolate_answered_us: dict[str, int]
    """By stage. A stage of which only the order is on record has none: perhaps the command never left."""
    rest_ordered_us: int | None = None
    """When everything that was not given back in an order was to come back."""
    given_back: Mapping[str, GivenBack] = field(default_factory=dict)
    """By conduit, where the drill has an order of its return to service."""

    def back_ordered_us(self, conduit: str | None) -> int | None:
        """Give when a conduit was to come back."""
        given = self.given_back.get(conduit or "")
        if given is not None:
            return given.ordered_us
        return self.restore_ordered_us if self.rest_ordered_us is None else self.rest_ordered_us

    @property
    def back_from_us(self) -> int | None:
        """Give from when on something must have passed to prove that the plant is back; None where no restore was ordered.

        What passed before every device was seen restored says nothing: an isolate that was under way when the restore was ordered may
        have come into effect after that.
        """
        if self.restore_ordered_us is None:
            return None
        return max(self.restore_ordered_us, self.restore_seen_us or 0)

    def window(self, name: str) -> Window | None:
        """Find a window by name."""
        return next((window for window in self.windows if window.name == name), None)

    def at(self, moment_us: int) -> Window | None:
        """Find the window that a moment lies in."""
        return next((window for window in self.windows if window.start_us <= moment_us < window.end_us), None)

    def seconds(self, moment_us: int) -> float:
        """Give a moment as seconds from the start of the run."""
        return round((moment_us - self.start_us) / 1_000_000, 6)

    @property
    def edges(self) -> tuple[int, ...]:
        """Give the times at which episodes must end: those of windows, and when each stage was said to be isolated.

        Without the latter, a sample from before that moment and a sample that was asked in the hold and answered after restore,
        with nothing bad between them, would together look like a leak.
        """
        return (
            *(edge for window in self.windows for edge in (window.start_us, window.end_us)),
            *self.isolate_answered_us.values(),
            *(given.ordered_us for given in self.given_back.values()),
            *((self.rest_ordered_us,) if self.given_back and self.rest_ordered_us is not None else ()),
        )


def of_kind(records: Sequence[Record], kind: str, **data: Any) -> Iterator[Record]:
    """Yield records of a kind whose data have these values."""
    for record in records:
        if record.kind == kind and all(record.data.get(key) == value for key, value in data.items()):
            yield record


def last_us(records: Sequence[Record]) -> int:
    """Give the time of the last record."""
    return records[-1].monotonic_us if records else 0


def timeline_of(stages: Sequence[str], records: Sequence[Record], others: Sequence[Record] = ()) -> Timeline:
    """Read the timeline of a run off its journal, and off the guardian's: the first of the two to restore ends the isolation."""
    orders = {stage: order for stage in stages if (order := _order_us(records, stage)) is not None}
    restore = next(of_kind(records, "restore.ordered"), None)
    taken = taken_over(records, others)
    rest = [record.monotonic_us for record in (restore, taken) if record is not None]
    given_back = _given_back(records, min(rest, default=None))
    restores = [*rest, *(given.ordered_us for given in given_back.values())]
    end_us = min(restores, default=last_us(records))
    windows: list[Window] = []
    began = next(of_kind(records, "baseline.started"), None)
    if began is not None:
        windows.append(Window(BEFORE, began.monotonic_us, min([*orders.values(), end_us]), (began.seq,)))
    reached = [stage for stage, order_us in orders.items() if order_us <= end_us]
    for number, stage in enumerate(reached):
        next_us = orders[reached[number + 1]] if number + 1 < len(reached) else end_us
        rests_on = tuple(record.seq for record in records if record.data.get("stage") == stage)
        ended = of_kind(records, "hold.ended", stage=stage, complete=True)
        # A conductor that only slept says that it held to the end what the guardian had restored by then.
        complete = any(record.monotonic_us <= end_us for record in ended)
        windows.append(Window(stage, orders[stage], next_us, rests_on, complete))
    verified = next(of_kind(records, "verify.done"), None)
    if restores:
        after_us = verified.monotonic_us if verified is not None else last_us(records)
        first = next(of_kind(records, "return.ordered"), None) if given_back else None
        rests_on = tuple(record.seq for record in (first, restore) if record is not None)
        windows.append(Window(AFTER, end_us, max(after_us, end_us + 1), rests_on))
    return Timeline(
        start_us=records[0].monotonic_us if records else 0,
        windows=tuple(windows),
        restore_ordered_us=end_us if restores else None,
        restore_seen_us=_seen_us(records, others),
        isolate_answered_us={
            stage: answered for stage in stages if (answered := _answered_us(records, stage)) is not None
        },
        rest_ordered_us=min(rest, default=None),
        given_back=given_back,
    )


def _given_back(records: Sequence[Record], rest_us: int | None) -> dict[str, GivenBack]:
    """Find what came back in the drill's own order; what was ordered after the order to restore everything, as by a conductor that slept, counts as that."""
    found: dict[str, GivenBack] = {}
    for record in of_kind(records, "return.ordered"):
        if rest_us is not None and record.monotonic_us >= rest_us:
            continue
        answers = list(of_kind(records, "return.result", step=record.data["step"]))
        for conduit in record.data["conduits"]:
            mine = [answer for answer in answers if conduit in answer.data["conduits"]]
            is_seen = bool(mine) and all(answer.data["outcome"] == "done" for answer in mine)
            seen_us = max(answer.data["answered_us"] for answer in mine) if is_seen else None
            found[conduit] = GivenBack(record.monotonic_us, seen_us)
    return found


def taken_over(records: Sequence[Record], others: Sequence[Record]) -> Record | None:
    """Give the guardian's word that it restores, if it came before the conductor's own order to."""
    ordered = next(of_kind(records, "restore.ordered"), None)
    took = next(_beside(records, others, "guardian.took_over"), None)
    if took is None or (ordered is not None and ordered.monotonic_us <= took.monotonic_us):
        return None
    return took


def _beside(records: Sequence[Record], others: Sequence[Record], kind: str) -> Iterator[Record]:
    """Yield what another process of the same boot recorded: only there do its times mean the same."""
    boot = records[0].boot_id if records else ""
    return (record for record in of_kind(others, kind) if record.boot_id == boot)


def _seen_us(records: Sequence[Record], others: Sequence[Record]) -> int | None:
    """Give when the last point was seen restored, each by the process that saw it first."""
    seen: dict[str, int] = {}
    for record in (*of_kind(records, "restore.seen"), *_beside(records, others, "restore.seen")):
        point, answered_us = record.data["point"], record.data["answered_us"]
        seen[point] = min(answered_us, seen.get(point, answered_us))
    return max(seen.values(), default=None)


def _answered_us(records: Sequence[Record], stage: str) -> int | None:
    """Give when the last device answered that a stage is isolated, or when it was held without that being on record.

    A device that refused, or did not say, isolated nothing that anybody may rest on: what still passed until the restore is no leak.
    """
    results = list(of_kind(records, "isolate.result", stage=stage))
    answered = [record.data["answered_us"] for record in results]
    held = [record.monotonic_us for record in of_kind(records, "hold.started", stage=stage)]
    if any(record.data["outcome"] != "done" for record in results):
        return max(held, default=None)
    return max(answered or held, default=None)


def _order_us(records: Sequence[Record], stage: str) -> int | None:
    """Give when a stage was ordered: when the first command left, or, if no command ended, when the order was written down."""
    sent = [record.data["asked_us"] for record in of_kind(records, "isolate.result", stage=stage)]
    written = [record.monotonic_us for record in of_kind(records, "isolate.intent", stage=stage)]
    return min(sent or written, default=None)
