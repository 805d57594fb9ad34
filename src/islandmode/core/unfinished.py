"""What a run still owes the plant: points on which its objects may stand because nobody was seen to restore them.

What is unknown counts as isolated, and the guardian's word that something was armed counts as much as the conductor's. A journal
whose last line is cut off is complete for this purpose, since an intent is durable before its action. A journal that was
altered, or cannot be read, vouches for nothing, and the whole plan is owed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from islandmode.core.judging.timeline import of_kind
from islandmode.core.record import ARMING, Record

UNTOUCHED = ("arm.cancelled", "guardian.paid")
SEEN = ("restore.seen", "guardian.agrees")
SAVED = "saved.looked"
Owed = Mapping[str, tuple[str, ...]]
"""Conduits by isolation point."""


def owed(planned: Owed, conductor: Sequence[Record] | None, others: Sequence[Record]) -> dict[str, tuple[str, ...]]:
    """Say what is owed by a run's journals: the conductor's, None if it vouches for nothing, and those of all other writers."""
    standing = dict(planned) if conductor is None else armed((*others, *conductor))
    records = (*(conductor or ()), *others)
    # A guardian that agrees has looked for itself.
    seen = {str(record.data.get("point", "")) for kind in SEEN for record in of_kind(records, kind)}
    return {point: conduits for point, conduits in standing.items() if point not in seen}


def names_what_it_arms(record: Record) -> bool:
    """Tell whether a record says what may be armed on which point; a record that is spoilt, or of another version, may not."""
    point, conduits = record.data.get("point"), record.data.get("conduits")
    return (
        isinstance(point, str) and isinstance(conduits, list) and all(isinstance(conduit, str) for conduit in conduits)
    )


def left_in_saved(others: Sequence[Record]) -> frozenset[str]:
    """Name the points whose saved configuration has, or may have, an object, by the last look of every restore afterwards."""
    last = {str(record.data.get("point", "")): record.data for record in of_kind(others, SAVED)}
    return frozenset(point for point, data in last.items() if data.get("ours") or data.get("unread"))


def never_looked(conductor: Sequence[Record], others: Sequence[Record]) -> frozenset[str]:
    """Name the points that a guardian restored and whose saved configuration nobody read, because conductor and guardian died first.

    A guardian that was told to end says so, and a guardian that ends by itself has looked.
    """
    if not any(of_kind(others, "guardian.took_over")) or any(of_kind(others, "guardian.ended")):
        return frozenset()
    seen = {str(record.data.get("point", "")) for kind in SEEN for record in of_kind(others, kind)}
    read = {str(record.data.get("point", "")) for record in of_kind(others, SAVED)}
    read |= {str(record.data.get("point", "")) for record in of_kind(conductor, "configuration.compared")}
    return frozenset(seen - read)


def armed(records: Sequence[Record]) -> dict[str, tuple[str, ...]]:
    """Give the points on which something was, or may have been, armed, by what these records say."""
    found: dict[str, tuple[str, ...]] = {}
    for record in records:
        point = str(record.data.get("point", ""))
        if record.kind in ARMING:
            found[point] = tuple(record.data.get("conduits") or ())
        elif record.kind in UNTOUCHED or (record.kind == "arm.result" and record.data.get("outcome") == "not done"):
            # Never asked, or refused by the device: what stands there is somebody else's.
            found.pop(point, None)
    return found
