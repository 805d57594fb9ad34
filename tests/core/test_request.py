"""What anybody may find in the folder of requests: one good request, and every way of not being one, told apart."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from islandmode.core.request import SIZE_MAX_BYTES, NotARequest, Request, read_request, write_request

NOW = 1_800_000_000_000_000
GOOD = Request("abort", "run-1", "a1b2", "ines", NOW + 60_000_000)


def read(data: bytes, **changed: Any) -> Request | NotARequest:
    given: dict[str, Any] = {"run": "run-1", "now_utc_us": NOW, "known": frozenset(), **changed}
    return read_request(data, **given)


def document(**changed: Any) -> bytes:
    return json.dumps({**json.loads(write_request(GOOD)), **changed}).encode()


def test_a_request_is_read_as_it_was_written() -> None:
    assert read(write_request(GOOD)) == GOOD
    assert read(document(more="a later field")) == GOOD


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "it is not a request"),
        (b"abort please\n", "it is not a request"),
        (b"[]", "it is not a request"),
        (b"\xff\xfe\x00", "it is not a request"),
        (b"[" * 3000, "it is not a request"),
        (write_request(GOOD)[:-20], "it is half-written"),
        (document(v=2), "it was written by a newer version (format 2, this one reads 1)"),
        (document(v=True), "it is not a request"),
        (document(id=7), "it lacks a part of a request, or has one of another type"),
        (document(not_after_utc_us=True), "it lacks a part of a request, or has one of another type"),
        (document(run="run-2"), "it is meant for run run-2"),
        (
            document(kind="isolate"),
            "it asks for isolate, which this version does not know; it knows abort, confirm, return, keep-closed, note, go",
        ),
        (document(kind="confirm"), "it is a request to confirm and does not say its point"),
        (document(kind="confirm", point="plug", ask="7"), "it is a request to confirm and does not say its person"),
        (
            document(kind="confirm", point="plug", ask=7, person="x"),
            "it is a request to confirm and does not say its ask",
        ),
        (document(kind="note"), "it is a request to note and does not say its text"),
        (document(kind="note", text=" \n"), "it is a request to note and does not say its text"),
        (document(not_after_utc_us=NOW - 3_000_000), "it is too old: it was good until 3 s ago"),
        (document(not_after_utc_us=-(10**3000)), "the moment until which it is good is out of range"),
        (document(not_after_utc_us=10**3000), "the moment until which it is good is out of range"),
        (b" " * SIZE_MAX_BYTES + b"{", f"it is longer than {SIZE_MAX_BYTES} bytes"),
    ],
)
def test_what_is_no_request_says_why(data: bytes, why: str) -> None:
    assert read(data) == NotARequest(why)


@pytest.mark.parametrize(
    "request_",
    [
        replace(GOOD, kind="confirm", point="plug", ask="7", person="R. Ortiz"),
        replace(GOOD, kind="note", text="it rains"),
    ],
)
def test_a_confirmation_and_a_note_are_read_as_they_were_written(request_: Request) -> None:
    assert read(write_request(request_)) == request_


def test_a_stop_carries_nothing_of_the_other_requests() -> None:
    assert set(json.loads(write_request(GOOD))) == {"v", "kind", "run", "id", "author", "not_after_utc_us"}


def test_the_same_request_counts_once() -> None:
    assert read(write_request(GOOD), known=frozenset({"a1b2"})) == NotARequest("it is repeated")


@given(st.binary(max_size=300))
def test_no_bytes_raise_and_none_by_chance_are_a_request(data: bytes) -> None:
    assert isinstance(read(data), NotARequest)


@given(st.integers(0, len(write_request(GOOD)) - 1), st.integers(0, 7))
def test_a_flipped_bit_is_never_another_wish(at: int, bit: int) -> None:
    """A flipped bit may spoil an author's name; it never makes a request of another run or of another kind."""
    data = bytearray(write_request(GOOD))
    data[at] ^= 1 << bit
    found = read(bytes(data))
    if isinstance(found, Request):
        assert (found.kind, found.run) == ("abort", "run-1")
