"""Text that others write into files that we read: whatever it is, it can be kept, and steers no terminal."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from islandmode.core.request import NotARequest, Request, read_request, write_request
from islandmode.core.spool_lines import read_sample

ANY = st.text(st.characters(categories=None), max_size=60) | st.text(
    st.sampled_from("\x1b[2J\r\n\t\x07\x9b\ud83d\u202e\u2028\ue000ab"), max_size=30
)


def is_harmless(text: str) -> bool:
    """Tell whether a text is plain: nothing that a terminal obeys, and UTF-8 can write it."""
    text.encode("utf-8")
    return all(letter.isprintable() or letter.isspace() for letter in text) and not set(text) & set(
        "\x1b\r\x0b\x85\u2028"
    )


@given(ANY)
def test_what_a_far_worker_says_is_cleaned_where_it_is_read(text: str) -> None:
    row = {"v": 1, "probe": "plc", "seq": 1, "asked_us": 1, "answered_us": 2, "seen": "bad", "value": text, "why": text}
    sample = read_sample(json.dumps({**row, "sender": text}).encode())
    assert sample is not None
    assert all(is_harmless(said) and len(said) < 4000 for said in (str(sample.value), sample.why, sample.sender))


@given(ANY)
def test_who_asks_for_an_abort_cannot_steer_a_terminal(text: str) -> None:
    data = write_request(Request("abort", "run", "id", text, 2**60))
    found = read_request(data, run="run", now_utc_us=0, known=frozenset())
    assert isinstance(found, NotARequest) or is_harmless(found.author)
