"""Codes of a go sheet: written, read whatever their capitals and spaces, and told apart from what can be no code."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from islandmode.core.digest_words import WORDS
from islandmode.core.go_code import CODE_BITS, CODE_WORDS, NotACode, code_of, code_sha256, read_code

NUMBERS = st.integers(0, (1 << CODE_BITS) - 1)
DIGEST = "ab" * 32


@given(NUMBERS)
def test_a_code_is_six_words_that_are_read_again(number: int) -> None:
    code = code_of(number)
    assert len(code.split()) == CODE_WORDS == 6
    assert read_code(f"  {code.upper().replace(' ', '   ')}\n") == read_code(code.replace(" ", ", ")) == code
    bits = "".join(f"{WORDS.index(word):011b}" for word in code.split())
    assert int(bits, 2) == number


@given(NUMBERS, NUMBERS)
def test_two_codes_have_two_hashes(one: int, other: int) -> None:
    hashes = {code_sha256(DIGEST, "approval-x", code_of(number)) for number in (one, other)}
    assert len(hashes) == len({one, other})


def test_a_hash_is_of_the_plan_the_approval_and_the_code() -> None:
    said = f"islandmode/go/v1\n{DIGEST}\napproval-x\n{code_of(0)}\n"
    assert code_sha256(DIGEST, "approval-x", code_of(0)) == hashlib.sha256(said.encode()).hexdigest()
    assert code_sha256(DIGEST, "approval-y", code_of(0)) != code_sha256(DIGEST, "approval-x", code_of(0))


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("abandon ability able about above", "A code has 6 words, and there are 5."),
        ("", "A code has 6 words, and there are 0."),
        ("abandon " * 7, "A code has 6 words, and there are 7."),
        ("abandn ability able about above absent", "abandn is no word of the list (near it: abandon, brand)."),
        ("7KQ4-9XZD abandon", "7kq4-9xzd is no word of the list."),
        ("zzzz " * 40, "zzzz is no word of the list."),
    ],
)
def test_what_can_be_no_code_is_said_without_any_code(typed: str, sentence: str) -> None:
    with pytest.raises(NotACode) as refused:
        read_code(typed)
    assert str(refused.value) == sentence
