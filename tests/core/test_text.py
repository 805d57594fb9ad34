from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from islandmode.core.text import cleaned, how_many, in_words, share_text

ROWS = {
    "Tank 3 – 40 °C, Füllung": "Tank 3 – 40 °C, Füllung",
    "\x1b[2J\x1b]0;x\x07": "\\x1b[2J\\x1b]0;x\\x07",
    "Tank \ud83d": "Tank \\ud83d",
    "a\nb\tc\r": "a\\nb\\tc\\r",
    "\u202egood\u2066": "\\u202egood\\u2066",
    "\u2028\u2029\x85\x9b": "\\u2028\\u2029\\x85\\x9b",
    "\U0001f389": "\U0001f389",
    "a\\x1b": "a\\x1b",
}


@pytest.mark.parametrize("text", ROWS, ids=lambda text: ascii(text)[:20])
def test_what_steers_a_terminal_or_cannot_be_written_is_an_escape(text: str) -> None:
    assert cleaned(text) == ROWS[text]


def test_lines_stay_lines_where_that_is_asked_for() -> None:
    assert cleaned("interface eth1\n\tip \x1b[31m\r\n", lines=True) == "interface eth1\n\tip \\x1b[31m\\r\n"


@given(text=st.text(st.characters()), lines=st.booleans())
def test_any_text_can_be_written_and_cleaning_it_again_changes_nothing(text: str, *, lines: bool) -> None:
    once = cleaned(text, lines=lines)
    assert once.encode().decode() == once
    assert cleaned(once, lines=lines) == once
    kept = once.replace("\n", "").replace("\t", "") if lines else once
    assert kept.isprintable() or all(letter.isprintable() or letter.isspace() for letter in kept)
    assert not any(ord(letter) < 32 or 127 <= ord(letter) < 160 for letter in kept)


@pytest.mark.parametrize(("number", "said"), [(0, "0 times"), (1, "1 time"), (2, "2 times"), (21, "21 times")])
def test_a_noun_has_the_number_of_what_is_counted(number: int, said: str) -> None:
    assert how_many(number, "time") == said


@pytest.mark.parametrize(
    ("names", "words"), [(["a"], "a"), (["a", "b"], "a and b"), (["cell", "dmz", "line"], "cell, dmz and line")]
)
def test_names_have_commas_and_one_and(names: list[str], words: str) -> None:
    assert in_words(names) == words


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (0.0, "0%"),
        (1 / 300, "less than 1%"),
        (0.01, "1%"),
        (3 / 18, "17%"),
        (0.99, "99%"),
        (299 / 300, "more than 99%"),
        (1.0, "100%"),
    ],
)
def test_all_and_nothing_are_said_only_where_they_are_true(share: float, words: str) -> None:
    assert share_text(share) == words
