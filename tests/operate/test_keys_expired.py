"""A person all of whose keys have expired signs nothing any more, and `validate` says so."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from islandmode.operate.check import told_of_people
from islandmode.store.people import SIGNERS, people_read, shown
from tests.operate.approvals_given import PROJECT


def test_validate_says_whose_keys_have_all_expired() -> None:
    read = people_read(PROJECT / "examples" / "millbrook")
    assert read.people is not None
    last = max(line.valid_before for line in read.people.signers)
    before, after = (
        told_of_people(read, moment)[shown(SIGNERS)] for moment in (datetime(2026, 11, 1, tzinfo=UTC), last)
    )
    assert "has expired" not in before
    assert after.startswith(before)
    assert "; every key of ot-engineer" in after
    assert told_of_people(people_read(Path("/nowhere")), last) == {}
