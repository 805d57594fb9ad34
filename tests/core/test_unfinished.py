"""What a run still owes, from its journals: unknown counts as isolated."""

from __future__ import annotations

from typing import Any

import pytest

from islandmode.core.record import Record
from islandmode.core.unfinished import never_looked, owed

PLANNED = {"east": ("remote-access",), "west": ("corporate-dmz", "corporate-line3")}
EAST = ("arm.intent", {"point": "east", "conduits": ["remote-access"]})
WEST = ("arm.intent", {"point": "west", "conduits": ["corporate-dmz", "corporate-line3"]})
SEEN_EAST, SEEN_WEST = ("restore.seen", {"point": "east"}), ("restore.seen", {"point": "west"})


def records(*steps: tuple[str, dict[str, Any]]) -> list[Record]:
    return [Record(seq, "riverside", "run-1", "w", "boot", 1, 1, kind, data) for seq, (kind, data) in enumerate(steps)]


@pytest.mark.parametrize(
    ("conductor", "others", "left"),
    [
        ([], [], []),
        ([EAST], [], ["east"]),
        ([EAST, WEST], [], ["east", "west"]),
        ([EAST, ("arm.result", {"point": "east", "outcome": "unknown"})], [], ["east"]),
        ([EAST, ("arm.result", {"point": "east", "outcome": "not done"})], [], []),
        ([EAST, ("arm.cancelled", {"point": "east"})], [], []),
        ([EAST, WEST, ("arm.cancelled", {"point": "west"})], [], ["east"]),
        ([EAST, ("arm.cancelled", {"point": "east"}), EAST], [], ["east"]),
        ([EAST, WEST, SEEN_EAST], [], ["west"]),
        ([EAST, WEST, SEEN_EAST], [SEEN_WEST], []),
        ([EAST], [SEEN_WEST], ["east"]),
        ([EAST], [("guardian.agrees", {"point": "east"})], []),
        ([], [("guardian.owes", {"point": "east", "conduits": ["remote-access"]})], ["east"]),
        (
            [],
            [("guardian.owes", {"point": "east", "conduits": ["remote-access"]}), ("guardian.paid", {"point": "east"})],
            [],
        ),
        (None, [], ["east", "west"]),
        (None, [SEEN_EAST], ["west"]),
        (None, [SEEN_EAST, SEEN_WEST], []),
    ],
)
def test_what_is_owed(
    conductor: list[tuple[str, dict[str, Any]]] | None, others: list[tuple[str, dict[str, Any]]], left: list[str]
) -> None:
    own = None if conductor is None else records(*conductor)
    assert owed(PLANNED, own, records(*others)) == {name: PLANNED[name] for name in left}


TOOK, ENDED = ("guardian.took_over", {"why": "The conductor is gone."}), ("guardian.ended", {"restored": True})
LOOKED = ("saved.looked", {"point": "east", "ours": [], "unread": []})
COMPARED = ("configuration.compared", {"point": "east", "part": "saved", "same": True, "ours": False})


@pytest.mark.parametrize(
    ("conductor", "others", "left"),
    [
        ([], [TOOK, SEEN_EAST, SEEN_WEST], {"east", "west"}),
        ([], [TOOK, SEEN_EAST, SEEN_WEST, LOOKED], {"west"}),
        # The conductor lived to compare; one that never took over owed no look; one that ended has looked, or was told to end.
        ([COMPARED], [TOOK, SEEN_EAST], set()),
        ([], [SEEN_EAST], set()),
        ([], [TOOK, SEEN_EAST, ENDED], set()),
        ([], [TOOK], set()),
    ],
)
def test_a_guardian_that_died_before_it_had_looked_leaves_that_to_somebody(
    conductor: list[tuple[str, dict[str, Any]]], others: list[tuple[str, dict[str, Any]]], left: set[str]
) -> None:
    assert never_looked(records(*conductor), records(*others)) == left
