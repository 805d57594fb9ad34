"""What the go of a run is held against, from the files of a workspace: approvals, sheets, keys, and what earlier runs heard."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest

from islandmode.core.approval import Approval
from islandmode.core.drill import Mode
from islandmode.core.errors import InputError, Refused
from islandmode.core.go import NAMESPACE, Answer, GoOutcome, KeyFound, Said, decide
from islandmode.core.moments import utc_text
from islandmode.core.request import Request, write_request
from islandmode.core.sshsig import BEGIN as HEAD
from islandmode.core.sshsig import END as FOOT
from islandmode.operate import going, signing
from islandmode.operate.answering import Spoken, _said, answer, clock_time
from islandmode.operate.conducting import Conducting
from islandmode.operate.going import go_desk, key_found, refuse_go, said_before
from islandmode.operate.ground import PlantGround
from islandmode.run.go_desk import GoDesk
from islandmode.store import people
from islandmode.store.run_request import RunRequest
from islandmode.store.rundir import RunDirectory
from islandmode.system.ssh_signature import sign
from tests.operate.approvals_given import BEGIN, DRILL, END, WITHIN, At, Plant, copy_of, make_plant
from tests.operate.test_go_sheet import approve, codes_on
from tests.run.test_lifeline_pipes import until

SHIFT = WITHIN + timedelta(hours=6)


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Plant:
    """Give a plant whose shift lead approved with a go sheet, and the security lead too."""
    plant = make_plant(tmp_path_factory.mktemp("signed"))
    plant.request()
    approve(plant, plant.workspace.parent / "go.html")
    plant.approve("security-lead")
    return plant


@pytest.fixture
def plant(signed: Plant, tmp_path: Path) -> Plant:
    return copy_of(signed, tmp_path)


@pytest.fixture
def codes(signed: Plant) -> list[str]:
    return codes_on(signed.workspace.parent / "go.html")


def desk_of(plant: Plant, run: str = "run-1") -> GoDesk:
    return go_desk(plant.workspace, plant.plan(), run, At(WITHIN))[1]


def lead_of(plant: Plant) -> Approval:
    documents = (each.kept.document for each in plant.standing().approvals)
    return next(each for each in documents if isinstance(each, Approval) and each.person == "shift-lead")


def told(desk: GoDesk, code: str) -> tuple[GoOutcome, str]:
    found = decide(desk.question, desk.said, Answer("go", "run-1", "operator", code, shift_ends=SHIFT), WITHIN, ())
    return found.outcome, found.why


def test_a_code_of_the_sheet_is_a_go_and_the_window_is_that_of_the_approvals(plant: Plant, codes: list[str]) -> None:
    desk = desk_of(plant)
    assert [told(desk, code)[0] for code in codes] == [GoOutcome.GO, GoOutcome.GO]
    assert (utc_text(desk.question.begins), utc_text(desk.question.ends)) == (BEGIN, END)
    assert desk.question.may == {"shift-lead", "plant-manager"}
    assert desk.said == Said()
    assert anyio.run(desk.still) == ""
    assert desk_of(plant).question.nonce != desk.question.nonce


def test_a_code_of_a_revoked_approval_is_told_so(plant: Plant, codes: list[str]) -> None:
    lead = lead_of(plant)
    signing.revoke(plant.order("security-lead"), lead.id, "Boiler open")
    with pytest.raises(Refused, match=r"is not approved by plant-operations.* Nothing was touched\."):
        desk_of(plant)
    review = signing.review(plant.workspace, lead.request, At(plant.asked))
    signing.approve(plant.order("plant-manager"), review, "plant-manager", "plant-operations")
    outcome, why = told(desk_of(plant), codes[0])
    assert outcome is GoOutcome.NOT_TAKEN
    assert why.startswith(f"that code belongs to {lead.id}, which does not count: The ot security lead of Riverside")


def test_people_files_that_change_in_the_window_void_the_go(plant: Plant) -> None:
    desk = desk_of(plant)
    plant.edit("inventory/people/people.yaml", "position: Shift lead", "position: Shift leader")
    assert "the people files (persons, keys, revoked keys, policy) were changed since it was signed" in anyio.run(
        desk.still
    )
    (people.folder_of(plant.workspace) / "people.yaml").unlink()
    assert "people.yaml" in anyio.run(desk.still)


def test_an_approval_that_is_revoked_while_the_go_is_waited_for_voids_it(plant: Plant) -> None:
    desk = desk_of(plant)
    signing.revoke(plant.order("security-lead"), lead_of(plant).id, "Boiler open")
    assert "Boiler open" in anyio.run(desk.still)


@pytest.mark.parametrize("begin", ["", "x"])
def test_why_approvals_count_no_more_is_told_however_long_it_is(
    plant: Plant, monkeypatch: pytest.MonkeyPatch, begin: str
) -> None:
    """It comes from a process apart, which gives so many bytes and no more: letters of two bytes may be cut there."""
    desk = desk_of(plant)
    monkeypatch.setattr(going, "approved", lambda *_: None)
    monkeypatch.setattr(going, "refused_by_approvals", lambda *_: (begin + "é" * 9000,))
    assert anyio.run(desk.still).startswith(f"{begin}éé")


def by_key(plant: Plant, challenge: bytes, person: str, namespace: str = NAMESPACE) -> str:
    made = sign(challenge, plant.keys.of(person), namespace)
    return made.removeprefix(HEAD).removesuffix(FOOT).replace(b"\n", b"").decode("ascii")


def test_a_key_signs_the_challenge_of_its_run(plant: Plant) -> None:
    desk, other = desk_of(plant), desk_of(plant, "run-2")
    challenge = desk.question.challenge
    made = by_key(plant, challenge, "shift-lead")
    assert anyio.run(desk.looks_at_key, challenge, made) == KeyFound("shift-lead")
    assert anyio.run(desk.looks_at_key, other.question.challenge, made) == KeyFound(
        "shift-lead", "its signature does not hold: it is of another run, or was changed"
    )
    wrong = by_key(plant, challenge, "shift-lead", "approval@islandmode")
    assert key_found(plant.workspace, challenge, wrong, WITHIN).trouble == (
        "it was signed for approval@islandmode, and not for go@islandmode"
    )
    assert key_found(plant.workspace, challenge, "x", WITHIN).trouble.startswith("the signature is not taken: ")
    stranger = plant.keys.make(f"stranger-{plant.workspace.parent.name}")
    assert key_found(plant.workspace, challenge, by_key(plant, challenge, stranger.name), WITHIN).trouble == (
        "the key that signed it, of nobody, may not sign go@islandmode now"
    )
    (people.folder_of(plant.workspace) / "revoked_keys").write_text(f"{plant.keys.public('shift-lead')}\n")
    assert key_found(plant.workspace, challenge, made, WITHIN).trouble == (
        "the key that signed it, of shift-lead, is revoked"
    )


def test_what_earlier_runs_of_the_window_heard_counts(plant: Plant, codes: list[str]) -> None:
    desk = desk_of(plant)
    used = desk.question.hash_of(codes[0])
    for run, begins, wrong in (("earlier", BEGIN, 3), ("another-window", "2027-01-02T06:00:00Z", 4)):
        asked: dict[str, object] = {
            "plan_digest": desk.question.plan_digest,
            "nonce": "X",
            "begins": begins,
            "latest": "",
            "until": "",
        }
        said: dict[str, object] = {"code_sha256": used if run == "earlier" else "", "wrong": wrong}
        journal(plant, run, [("go.asked", asked), ("go.answered", said)])
    found = said_before(plant.workspace, plant.plan(), "run-1", desk.question)
    assert found == Said(frozenset({used}), 3)
    again = desk_of(plant)
    assert (
        told(again, codes[0])[1] == "that code was said before, and each is good once; take the other code of the sheet"
    )
    assert told(again, codes[1])[0] is GoOutcome.GO


def journal(plant: Plant, run: str, said: list[tuple[str, dict[str, object]]]) -> None:
    """Write the journal of a run that ended."""
    from islandmode.store.journal import Journal  # noqa: PLC0415
    from islandmode.system.clock import MachineClock  # noqa: PLC0415
    from islandmode.system.disk import MachineDisk  # noqa: PLC0415

    path = plant.workspace / "runs" / run / "journals" / "conductor.jsonl"
    path.parent.mkdir(parents=True)

    async def write() -> None:
        names = {"site": "riverside", "run": run, "writer": "conductor"}
        kept = await Journal.create(MachineDisk(), path, clock=MachineClock.of_this_boot(), **names)
        for kind, data in said:
            kept.keep(kind, json.loads(json.dumps(data)))
        await kept.close()

    anyio.run(write)


def test_a_go_without_approvals_is_refused_before_anything_is_brought_up(plant: Plant) -> None:
    refuse_go(plant.workspace, plant.plan(), Mode.REHEARSAL, with_go=False)
    with pytest.raises(InputError, match=r"--with-go belongs to --mode rehearsal, and not to dry-run"):
        refuse_go(plant.workspace, plant.plan(), Mode.DRY_RUN, with_go=True)
    with pytest.raises(Refused, match=r"A rehearsal with a go is for practice.* Nothing was touched\."):
        refuse_go(plant.workspace, plant.plan(), Mode.REHEARSAL, with_go=True)


NOW = datetime(2027, 1, 9, 7, 30, tzinfo=UTC)


def test_times_of_day_have_a_zone_and_are_the_next(plant: Plant) -> None:
    del plant
    assert clock_time("14:00Z", NOW, "--x") == datetime(2027, 1, 9, 14, 0, tzinfo=UTC)
    assert clock_time("07:00Z", NOW, "--x") == datetime(2027, 1, 10, 7, 0, tzinfo=UTC)
    assert clock_time("06:00-08:00", NOW, "--x") == datetime(2027, 1, 9, 14, 0, tzinfo=UTC)
    assert clock_time("23:00+14:00", NOW, "--x") == datetime(2027, 1, 9, 9, 0, tzinfo=UTC)
    assert clock_time("2027-01-09T14:00:00Z", NOW, "--x") == datetime(2027, 1, 9, 14, 0, tzinfo=UTC)
    for text in ("14:00", "25:00Z", "later"):
        with pytest.raises(InputError, match=r"--x must be a time with its zone, such as 14:00Z"):
            clock_time(text, NOW, "--x")


SOON = utc_text(datetime.now(UTC) + timedelta(hours=4))
UNSAID: dict[str, tuple[Spoken, str]] = {
    "nothing": (Spoken(), "Give one answer: --code, --key, --not-yet, --no, --veto or --release."),
    "two answers": (Spoken("abandon", no=True), "Give one answer"),
    "no shift": (Spoken("abandon " * 6), "Ask when the shift ends of who says go"),
    "five words": (Spoken("abandon " * 5, shift_ends=SOON), "A code has 6 words, and there are 5."),
    "no word of the list": (Spoken("abandn able", shift_ends=SOON), "abandn is no word of the list"),
    "no without why": (Spoken(no=True), "Say --why, for the record."),
    "veto without a name": (Spoken(veto=True, why="A truck waits"), "Say --by NAME and --why, for the record."),
}


@pytest.mark.parametrize("text", ["07:25Z", "2027-01-10T07:30:00Z", "2999-01-01T00:00:00Z"])
def test_a_shift_that_is_over_or_ends_tomorrow_is_asked_for_again(text: str) -> None:
    with pytest.raises(InputError, match=r"--shift-ends .* is over, or more than 16 hours away"):
        _said(Spoken("ABANDON " * 6, shift_ends=text), NOW)


@pytest.mark.parametrize("what", UNSAID)
def test_an_answer_that_lacks_something_is_not_said_to_the_run(plant: Plant, what: str) -> None:
    spoken, sentence = UNSAID[what]
    with pytest.raises(InputError) as refused:
        answer(plant.workspace, "last", spoken)
    assert sentence in str(refused.value)
    assert "Nothing was said to the run." in str(refused.value)


def test_what_is_said_to_a_run_is_in_utc() -> None:
    spoken = Spoken("ABANDON " * 6, shift_ends="06:00-08:00")
    assert _said(spoken, NOW) == {
        "answer": "go",
        "shift_ends": "2027-01-09T14:00:00Z",
        "code": " ".join(["abandon"] * 6),
    }
    assert _said(replace(spoken, code="", not_yet="08:10Z"), NOW) == {
        "answer": "not yet",
        "until": "2027-01-09T08:10:00Z",
    }


def conducting_of(plant: Plant) -> tuple[Conducting, RunDirectory]:
    """Give what conducts a live run of the drill, and its folder, which is not made yet."""
    directory = RunDirectory(plant.workspace / "runs" / "a-run")
    request = RunRequest("a-run", plant.workspace, DRILL, "live", "nobody", {"kind": "plant", "site": "riverside"})
    given: tuple[Any, ...] = (PlantGround(plant.workspace, "riverside"), {}, At(WITHIN), None, directory, None)
    return Conducting(request, plant.plan(), *given), directory


@pytest.mark.anyio
async def test_the_conductor_takes_an_answer_away_once_it_has_read_it(plant: Plant) -> None:
    conducting, directory = conducting_of(plant)
    directory.requests.mkdir(parents=True)
    answered = directory.requests / "a.json"
    answered.write_bytes(write_request(Request("go", "a-run", "a", "jo", 1, answer="go", code="abandon")))
    claim: Any = None
    heard = conducting._guarded(plant.plan(), claim).requests
    await until(lambda: not answered.exists())
    assert [name for name, _ in heard.fresh()] == ["a.json"]


def test_no_live_run_can_be_conducted_without_waiting_for_the_go(plant: Plant) -> None:
    conducting, _ = conducting_of(plant)
    with pytest.raises(Refused, match="A live run waits for the go of the plant floor"):
        conducting._desk()
