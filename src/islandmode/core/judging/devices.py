"""Judging the devices: is each as it was before, what did others change there, and when did the Islandmode object go. Pure.

No device says who changed something; what, where and between which moments is told, because that is what a person who asks
"who?" needs to find it in the device's own log.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime

from islandmode.core.judging.pairs import MOVES_WITH_ROLE, changed_roles
from islandmode.core.judging.timeline import of_kind
from islandmode.core.plan import Plan
from islandmode.core.record import Record
from islandmode.core.unfinished import armed
from islandmode.core.verdict import Finding, Result

CONFIGURATIONS = ("running", "saved")


def judge_devices(plan: Plan, records: Sequence[Record], restored: Collection[str] = ()) -> list[Finding]:
    """Judge the isolation points: restore seen, and configuration after as before; `restored` are the points that others saw restored."""
    found = []
    touched = armed(records)
    for name in plan.points:
        if name in touched and name not in restored and not any(of_kind(records, "restore.seen", point=name)):
            sentence = f"STRANDED: {name} was not seen restored{_kept_out(records, name)}. Restore it by hand now, with the commands of the card."
            found.append(Finding(code="stranded", result=Result.INCONCLUSIVE, sentence=sentence))
        if plan.points[name].capabilities.asks_person:
            # A person changed no configuration; whether they put all of it back, the probes of every way say.
            continue
        if name not in restored and not any(
            of_kind(records, "configuration.read", point=name, when="after", outcome="done")
        ):
            sentence = f"The configuration of {name} after restore was not read; whether it is as before is not known."
            found.append(Finding(code="configuration-unread", result=Result.INCONCLUSIVE, sentence=sentence))
    moved = changed_roles(records)
    for record in of_kind(records, "configuration.compared"):
        if record.data["ours"] or not record.data["same"]:
            found += _compared(plan, record, failed_over=record.data["point"] in moved)
    return found


def _kept_out(records: Sequence[Record], point: str) -> str:
    """Say what the last attempt to restore a point met, where that was written down."""
    whys = [str(record.data["why"]).rstrip(".") for record in of_kind(records, "restore.unseen", point=point)]
    return f" ({whys[-1]})" if whys and whys[-1] else ""


def _compared(plan: Plan, record: Record, *, failed_over: bool) -> Iterator[Finding]:
    """Judge one part of one device that differs: an Islandmode object that is left, edits of other people, and what they loaded again."""
    data, rests_on = record.data, (record.seq,)
    where = f"{data['part']} configuration" if data["part"] in CONFIGURATIONS else data["part"]
    if data["ours"]:
        point = plan.points.get(data["point"])
        there = f" there{point.mended_as if point is not None else ', as root'}" if data["part"] == "saved" else ""
        sentence = f"{data['point']}: an Islandmode object is left in its {where}. Do{there}: {data.get('mend', '')}"
        yield Finding(code="ours-left", result=Result.INCONCLUSIVE, sentence=sentence, records=rests_on)
    lines, anew, lost = ("; ".join(data.get(key, ())) for key in ("changed", "anew", "lost"))
    if lost:
        sentence = (
            f"{data['point']}: its {where} are not as before the drill, whose isolation took an interface down ({lost}). Unless somebody removed that "
            "meanwhile, enter it there again; the whole of it stands in the artifacts of the run."
        )
        yield Finding(code="not-back", result=Result.INCONCLUSIVE, sentence=sentence, records=rests_on)
    if anew:
        sentence = (
            f"{data['point']}: somebody loaded parts of its {where} again during the drill ({anew}); the rules there are "
            "the same as before, and their counters began anew."
        )
        yield Finding(code="loaded-again", result=Result.HELD, sentence=sentence, records=rests_on)
    if lines or not (anew or lost or data["ours"] or data["same"]):
        what = f" ({lines})" if lines else ""
        if failed_over and data["part"] in MOVES_WITH_ROLE:
            sentence = (
                f"{data['point']}: its {where} differ from before the drill{what}, as they do where a member of a pair changes its role; "
                "nothing here put that back."
            )
            yield Finding(code="moved-with-role", result=Result.HELD, sentence=sentence, records=rests_on)
            return
        sentence = f"{data['point']}: somebody else edited its {where} during the drill{what}; that edit was kept."
        yield Finding(code="edited-meanwhile", result=Result.HELD, sentence=sentence, records=rests_on)


def told_of_loss(records: Sequence[Record], stop: Record) -> str:
    """Say between which moments the objects that a stop misses went, and what else changed there; "" for any other stop."""
    if stop.data["by"] != "dead_man":
        return ""
    point = str(stop.data["why"]).split(":")[0]
    readings = [
        record
        for record in records
        if record.kind in ("arm.result", "dead_man.read", "dead_man.renew")
        and record.seq < stop.seq
        and record.data["point"] == point
        and record.data.get("outcome") == "done"
    ]
    gone = [name for name, left in readings[-1].data["armed_s"].items() if left is None] if readings else []
    there = [
        reading for reading in readings[:-1] if all(reading.data["armed_s"].get(name) is not None for name in gone)
    ]
    if not gone or not there:
        return ""
    return (
        f" {', '.join(gone)} last stood there at {_time(there[-1])} and no longer at {_time(readings[-1])} UTC."
        f"{_also_changed(records, point)}"
    )


def _time(record: Record) -> str:
    return f"{datetime.fromtimestamp(record.utc_us / 1_000_000, UTC):%H:%M:%S.%f}"[:-5]


def _also_changed(records: Sequence[Record], point: str) -> str:
    """Name what else differs on a device after the drill; nothing is said where nobody could compare."""
    compared = list(of_kind(records, "configuration.compared", point=point))
    if not compared:
        return ""
    changed = [
        f"{record.data['part']} ({'; '.join((*record.data.get('changed', ()), *again))})"
        for record in compared
        if not record.data["same"]
        for again in [[f"loaded again: {line}" for line in record.data.get("anew", ())]]
    ]
    told = f"Also changed there: {', '.join(changed)}." if changed else "Nothing else changed there."
    return f" {told} Who did it, only the device's own log can tell."
