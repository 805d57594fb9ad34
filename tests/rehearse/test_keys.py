"""The lab's account among the machine's own groups."""

from __future__ import annotations

import pytest

from islandmode.rehearse.keys import group_with_account


@pytest.mark.parametrize(
    ("machine", "made"),
    [
        ("root:x:0:\n", "root:x:0:\nislandmode:x:47110:\n"),
        ("frrvty:x:105:frr\nfrr:x:106:\n", "frrvty:x:105:frr,islandmode\nfrr:x:106:\nislandmode:x:47110:\n"),
        ("frrvty:x:105:\n", "frrvty:x:105:islandmode\nislandmode:x:47110:\n"),
    ],
)
def test_the_account_may_talk_to_frr_where_that_is_installed(machine: str, made: str) -> None:
    assert group_with_account(machine) == made
