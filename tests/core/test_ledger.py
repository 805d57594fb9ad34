"""The ledger's form: whatever is changed in it shows, by the chain or by a checkpoint."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from islandmode.core.ledger import (
    BEGUN,
    ENDED,
    KEPT_CLOSED,
    OPENED,
    WITHOUT_RESULT,
    Checkpoint,
    Ledger,
    attempts_of,
    attempts_told,
    checkpoint_of,
    clock_set_back,
    next_line,
    read_checkpoint,
    read_ledger,
    unlike_checkpoint,
    with_line,
)
from islandmode.core.verdict import Restoration

LEAVES = [bytes.fromhex(leaf) for leaf in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657")]
ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
)
"""Of the tests of Certificate Transparency, which RFC 6962 describes."""


def ledger(*entries: tuple[str, dict[str, Any]], utc: str = "2026-11-28T02:54:12.000000Z") -> Ledger:
    """Make a ledger of entries, opened first."""
    made = Ledger()
    for kind, data in ((OPENED, {"ledger": "07c1f533e7617d78"}), *entries):
        made = with_line(made, next_line(made, kind, utc, data))
    return made


def begun(run: str, digest: str = "d1", drill: str = "quarterly") -> tuple[str, dict[str, Any]]:
    return BEGUN, {"run": run, "mode": "rehearsal", "site": "riverside", "drill": drill, "drill_digest": digest}


def ended(run: str, line: int, result: str = "held") -> tuple[str, dict[str, Any]]:
    return ENDED, {"run": run, "begun": line, "result": result, "restoration": "proven", "sums": "ab"}


TWO = ledger(begun("run-1"), ended("run-1", 2, "breached"), begun("run-2"), ended("run-2", 4))


@pytest.mark.parametrize("size", range(1, len(ROOTS) + 1))
def test_the_root_is_that_of_rfc_6962(size: int) -> None:
    at = checkpoint_of(Ledger(kept=tuple(LEAVES[:size])))
    assert at is not None
    assert base64.b64decode(at.root).hex() == ROOTS[size - 1]


def test_a_ledger_is_read_as_it_was_written() -> None:
    assert read_ledger(b"".join(TWO.kept)) == TWO
    assert TWO.why == ""
    assert read_ledger(b"") == Ledger()


@given(st.integers(0), st.integers(0, 255))
def test_a_changed_byte_shows_in_the_chain_or_by_the_checkpoint(place: int, byte: int) -> None:
    whole = b"".join(TWO.kept)
    place %= len(whole)
    changed = read_ledger(whole[:place] + bytes([byte]) + whole[place + 1 :])
    at = checkpoint_of(TWO)
    assert at is not None
    if byte == whole[place]:
        assert unlike_checkpoint(changed, at) == changed.why == ""
    else:
        assert unlike_checkpoint(changed, at)
        # The last line alone is held by no other.
        assert changed.why or changed.torn or changed.kept[:-1] == TWO.kept[:-1]


@given(st.lists(st.integers(0, len(TWO.kept) - 1), max_size=8))
def test_lines_that_are_taken_out_put_in_or_moved_show(order: list[int]) -> None:
    again = read_ledger(b"".join(TWO.kept[number] for number in order))
    follows = order == list(range(len(order)))
    assert (again.why == "") == follows
    at = checkpoint_of(TWO)
    assert at is not None
    assert (unlike_checkpoint(again, at) == "") == (order == list(range(len(TWO.kept))))


def test_a_later_state_follows_on_a_checkpoint_and_an_earlier_does_not() -> None:
    at = checkpoint_of(TWO, 3)
    assert at is not None
    assert unlike_checkpoint(TWO, at) == ""
    assert unlike_checkpoint(ledger(begun("run-1")), at) == (
        "It has 2 lines that can be believed, and had 3 when the checkpoint was made."
    )
    other = ledger(begun("run-1"), ended("run-1", 2, "held"), begun("run-2"), ended("run-2", 4))
    assert unlike_checkpoint(other, at) == "Its first 3 lines are not those of which the checkpoint was made."
    anew = Checkpoint("0123456789abcdef", at.size, at.root, at.sha256)
    assert unlike_checkpoint(TWO, anew) == (
        "The checkpoint is of ledger 0123456789abcdef, and this is ledger 07c1f533e7617d78."
    )
    assert checkpoint_of(Ledger()) is None
    assert checkpoint_of(TWO, 99) is None


def test_a_checkpoint_is_read_in_both_of_its_forms() -> None:
    at = checkpoint_of(TWO)
    assert at is not None
    assert len(base64.b64decode(at.root)) == 32
    assert read_checkpoint(at.note()) == at
    assert read_checkpoint(f"{at.note()}\n— riverside AAAA\n") == at
    told = read_checkpoint(f"attempt 2, {at.told().replace('sha256 ', chr(10) + 'sha256 ')}.")
    assert told == Checkpoint(at.ledger, at.size, "", at.sha256)
    assert unlike_checkpoint(TWO, told) == ""
    assert read_checkpoint("ledger 07c1f533e7617d78, 3 lines") is None
    # A root that is not of these lines is not passed over for the sum beside it.
    assert unlike_checkpoint(TWO, Checkpoint(at.ledger, at.size, "A" * 43 + "=", at.sha256))


def test_a_line_that_was_never_whole_is_torn_and_not_wrong() -> None:
    for length in range(1, len(TWO.kept[-1])):
        read = read_ledger(b"".join(TWO.kept[:-1]) + TWO.kept[-1][:length])
        assert (read.torn, read.why, len(read.lines)) == (True, "", 4)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"{}", "cannot be read"),
        (b"[" * 100_000, "cannot be read"),
        (b'{"line":true,"kind":"x","utc":""}', "cannot be read"),
        (b"\xff", "cannot be read"),
        (b'{"line":7,"kind":"x","utc":""}', "has number 7: a line was taken out, put in or moved"),
        (b'{"line":6,"kind":"x","utc":""}', "does not follow from the line before it: one of the two was changed"),
        (next_line(TWO, OPENED, "", {}).rstrip(), "opens a ledger"),
    ],
)
def test_a_line_of_another_form_is_named(line: bytes, why: str) -> None:
    read = read_ledger(b"".join(TWO.kept) + line + b"\n")
    assert read.why == f"line 6 {why}"
    assert read.lines == TWO.lines


def test_a_kind_of_a_later_version_is_left_alone() -> None:
    later = ledger(begun("run-1"), ("approved", {"plan": "x"}), ended("run-1", 2))
    assert read_ledger(b"".join(later.kept)) == later
    assert [attempt.result for attempt in attempts_of(later)] == ["held"]


def test_attempts_are_told_by_drill_with_their_results() -> None:
    made = ledger(
        begun("a"),
        ended("a", 2, "breached"),
        begun("b", "d2"),
        begun("c", drill="another"),
        ended("c", 5),
        begun("d", "d2"),
        ended("d", 7),
    )
    mine = attempts_of(made, "riverside", "quarterly")
    assert [(attempt.run, attempt.result) for attempt in mine] == [
        ("a", "breached"),
        ("b", WITHOUT_RESULT),
        ("d", "held"),
    ]
    assert attempts_told(mine, "d2") == (
        "3 on the ledger: 1 breached, 1 without result, 1 held; 2 of them of the drill as it is now"
    )
    assert attempts_told(mine, "d3").endswith("; none of them of the drill as it is now")
    assert attempts_told(mine[:1], "d1") == "1 on the ledger: 1 breached"
    assert attempts_told((), "d1") == "none on the ledger"
    assert len(attempts_of(made)) == 4


def test_the_first_word_on_how_a_run_ended_stands() -> None:
    made = ledger(begun("a"), ended("a", 2, "breached"), ended("a", 2, "held"))
    assert [attempt.result for attempt in attempts_of(made)] == ["breached"]


def test_a_clock_that_was_set_back_is_named() -> None:
    made = ledger(begun("a"))
    earlier = with_line(made, next_line(made, ENDED, "2025-01-01T00:00:00.000000Z", {}))
    assert clock_set_back(made) == ()
    assert clock_set_back(earlier) == (3,)


def test_what_a_line_says_is_shown_and_steers_nothing() -> None:
    made = ledger(begun("a\x1b[2J"))
    assert attempts_of(read_ledger(b"".join(made.kept)))[0].run == "a\\x1b[2J"
    assert json.loads(made.kept[1])["run"] == "a\x1b[2J"


def test_the_ledger_and_a_verdict_say_kept_closed_in_the_same_word() -> None:
    assert Restoration.KEPT_CLOSED.value == KEPT_CLOSED
