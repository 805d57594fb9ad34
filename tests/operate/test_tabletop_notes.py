"""The tabletop rung by a signed note: what counts, and one sentence for each that does not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from islandmode.core.approval import TabletopNote, document_bytes, read_document
from islandmode.core.errors import InputError, Refused
from islandmode.core.promotion import Rung
from islandmode.operate import signing
from islandmode.operate.promoting import rungs_of
from islandmode.operate.tabletop_signing import sign_tabletop
from tests.operate.approvals_given import DRILL, At, Plant, copy_of, make_plant

NOW = datetime(2027, 1, 4, 9, 0, tzinfo=UTC)
HELD_ON = "2027-01-02"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Plant:
    return replace(make_plant(tmp_path_factory.mktemp("made")), asked=NOW)


@pytest.fixture
def plant(made: Plant, tmp_path: Path) -> Plant:
    return copy_of(made, tmp_path)


def sign(plant: Plant, person: str = "shift-lead", held_on: str = HELD_ON, *others: str) -> TabletopNote:
    return sign_tabletop(plant.order(person), DRILL, held_on, others or ("engineer",))[0]


def rung(plant: Plant, now: datetime = NOW) -> Rung:
    found = rungs_of(plant.workspace, plant.plan(), {}, clock=At(now))
    return next(each for each in found if each.name == "tabletop")


def test_a_signed_note_counts_and_is_called_no_more_than_that(plant: Plant) -> None:
    assert "There is no signed note of a tabletop of this drill; talk the drill through" in rung(plant).told
    assert " tabletop quarterly-isolation --held-on YYYY-MM-DD --with NAME --key KEY" in rung(plant).told
    note = sign(plant)
    stands = rung(plant)
    assert stands.stands
    assert stands.told == (
        f"by a signed note, approvals/{note.id}.json (2027-01-02, signed by shift-lead as plant-operations, "
        "2 persons took part); that counts until 2028-01-02"
    )
    assert note.took_part == ("shift-lead", "engineer")
    assert read_document(document_bytes(note)) == note


def test_the_oldest_day_that_counts_is_signed(plant: Plant) -> None:
    assert "-20260105-" in sign(plant, "shift-lead", "2026-01-05").id
    assert rung(plant).stands


def test_it_is_too_old_after_a_year_by_the_policy_that_ships(plant: Plant) -> None:
    sign(plant)
    found = rung(plant, NOW + timedelta(days=364))
    assert not found.stands
    assert "The newest tabletop of this drill is of 2027-01-02, and one counts for 365 d;" in found.told


def test_it_is_for_one_drill_digest(plant: Plant) -> None:
    note = sign(plant)
    plant.edit(f"drills/{DRILL}.yaml", "restore_within: 10 s", "restore_within: 12 s")
    found = rung(plant)
    assert not found.stands
    assert f"approvals/{note.id}.json of 2027-01-02, was of the drill as it was before;" in found.told


def test_an_unsigned_note_says_so(plant: Plant) -> None:
    plant.file(sign(plant), ".json.sig").unlink()
    assert "does not count: nobody signed it;" in rung(plant).told
    assert not rung(plant).stands


def test_a_note_that_was_changed_says_so(plant: Plant) -> None:
    note = sign(plant)
    plant.file(note).write_bytes(document_bytes(note.model_copy(update={"held_on": "2027-01-03"})))
    assert "does not count: its signature does not hold" in rung(plant).told


@pytest.mark.parametrize(
    ("person", "changed", "why"),
    [
        (
            "engineer",
            {"person": "engineer", "role": "ot-engineering"},
            "role ot-engineering does not sign for a live run",
        ),
        ("engineer", {"person": "engineer"}, "engineer does not have role plant-operations"),
        ("shift-lead", {"held_on": "2027-01-06"}, "its day, 2027-01-06, is still to come"),
        ("shift-lead", {"took_part": ("engineer", "plant-manager")}, "shift-lead, who signed it, did not take part"),
        ("shift-lead", {"took_part": ("shift-lead", "shift-lead")}, "it names a person twice"),
        (
            "shift-lead",
            {"took_part": ("shift-lead", "ghost")},
            "ghost, who took part by it, is nobody in people.yaml",
        ),
        ("engineer", {}, "it says that shift-lead signed it, and engineer did"),
    ],
)
def test_a_note_that_was_forged_past_the_program_does_not_count(
    plant: Plant, person: str, changed: dict[str, object], why: str
) -> None:
    note = sign(plant)
    for ending in (".json", ".json.sig"):
        plant.file(note, ending).unlink()
    plant.forge(TabletopNote.model_validate(note.model_dump() | changed), person)
    found = rung(plant)
    assert not found.stands
    assert f"does not count: {why}" in found.told


def test_a_signature_for_another_purpose_does_not_count(plant: Plant) -> None:
    note = sign(plant)
    plant.forge(note, "shift-lead", "approval@islandmode")
    assert "it was signed for approval@islandmode, and not for tabletop@islandmode" in rung(plant).told


def test_a_note_can_be_revoked(plant: Plant) -> None:
    note = sign(plant)
    signing.revoke(plant.order("plant-manager"), note.id, "Nobody from the shift was there")
    assert "revoked it at 2027-01-04T09:00:00Z: Nobody from the shift was there" in rung(plant).told


@pytest.mark.parametrize(
    ("person", "held_on", "others", "why"),
    [
        ("engineer", HELD_ON, ("shift-lead",), "role ot-engineering does not sign for a live run of this drill"),
        ("shift-lead", "2027-02-30", ("engineer",), "--held-on must be a day, such as 2027-01-09."),
        ("shift-lead", "2027-01-06", ("engineer",), "its day, 2027-01-06, is still to come"),
        (
            "shift-lead",
            "0001-01-01",
            ("engineer",),
            "its day, 0001-01-01, is too long ago, as one counts for 365 d",
        ),
        ("shift-lead", "2026-01-03", ("engineer",), "its day, 2026-01-03, is too long ago"),
        ("shift-lead", HELD_ON, ("nobody",), "nobody is nobody in people.yaml; known: engineer, "),
        ("shift-lead", HELD_ON, ("shift-lead",), "nobody talks a drill through alone"),
    ],
)
def test_what_would_not_count_is_not_signed(
    plant: Plant, person: str, held_on: str, others: tuple[str, ...], why: str
) -> None:
    with pytest.raises((InputError, Refused)) as refused:
        sign(plant, person, held_on, *others)
    assert why in str(refused.value)
    assert str(refused.value).endswith("Nothing was signed.")
    assert not (plant.workspace / "approvals").exists()
