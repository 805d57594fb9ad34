"""What of a drill's intent changed, in words that a person of the plant understands."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable

import pytest
from hypothesis import given as over
from hypothesis import settings
from hypothesis import strategies as st

from islandmode.core.intent import changes_told, read_intent
from islandmode.core.planning.digest import drill_digest, drill_intent
from islandmode.core.text import cleaned
from tests.core.given import Documents, given, put


def intent_of(spoil: Callable[[Documents], object] = lambda _: None) -> dict[str, object]:
    values = given(spoil)
    read = json.loads(drill_intent(values.drill, values.site, values.probes))
    assert isinstance(read, dict)
    return read


ROWS: dict[str, Callable[[Documents], object]] = {
    "limits.restore_within was 10 s and is now 30 s": lambda d: put(d.drill, "limits", "restore_within", "30 s"),
    "stages.vendors.hold was 8 s and is now 30 s": lambda d: put(d.drill, "stages", 0, "hold", "30 s"),
    "order of the stages was vendors then corporate and is now corporate then vendors": lambda d: d.drill[
        "stages"
    ].reverse(),
    "abort_when.plc-filler.bad_for was 2 s and is now 3 s": lambda d: put(d.drill, "abort_when", 0, "bad_for", "3 s"),
    "severed has no longer office-canary": lambda d: d.drill["severed"].remove("office-canary"),
    "probes.plc-filler.timeout was 800 ms and is now 200 ms": lambda d: put(
        d.probes, "plc-filler", "timeout", "200 ms"
    ),
    "service.target was >= 40 bottles/min and is now some": lambda d: put(d.drill, "service", "target", "some"),
    "limits.undo_tier was A and is now B": lambda d: put(d.drill, "limits", "undo_tier", "B"),
}


@pytest.mark.parametrize("told", ROWS)
def test_a_change_is_named(told: str) -> None:
    assert told in changes_told(intent_of(), intent_of(ROWS[told]))


def test_many_changes_are_counted() -> None:
    told = changes_told({}, intent_of())
    assert told.count(";") == 4
    assert "more change" in told.rsplit(";", 1)[1]


def test_nothing_changed_says_nothing() -> None:
    assert changes_told(intent_of(), intent_of()) == ""


def test_only_the_bytes_behind_a_digest_are_an_intent() -> None:
    values = given()
    kept = drill_intent(values.drill, values.site, values.probes)
    digest = drill_digest(values.drill, values.site, values.probes)
    assert read_intent(kept, digest) == intent_of()
    assert read_intent(kept + b" ", digest) is None
    assert read_intent(b"[1]", hashlib.sha256(b"[1]").hexdigest()) is None
    assert read_intent(b"{", hashlib.sha256(b"{").hexdigest()) is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)
keys = st.sampled_from(["stages", "abort_when", "left_open", "limits", "continuity", "probes", "other"])
intents = st.dictionaries(keys, json_values, max_size=5)


@settings(max_examples=40, deadline=None)
@over(intents, intents)
def test_whatever_two_intents_hold_is_told_in_words_that_steer_no_terminal(
    before: dict[str, object], now: dict[str, object]
) -> None:
    told = changes_told(before, now)
    assert cleaned(told) == told
    assert changes_told(now, now) == ""
