"""Which approvals count for a live run, by person; and every one that must not, with a sentence of its own."""

from __future__ import annotations

import base64
import hashlib
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
import pytest

from islandmode.core.approval import Approval, Kept, Paper, document_bytes
from islandmode.core.errors import InputError, Refused
from islandmode.core.ledger import BEGUN, spent_in
from islandmode.core.sshsig import armoured
from islandmode.operate import signing
from islandmode.operate.approving import approvals_told, approved, policy_of
from islandmode.operate.entering import enter_begun
from islandmode.store import people
from islandmode.store.approvals import kept_documents
from islandmode.store.ledger import enter, ledger_of, path_of
from islandmode.store.run_request import RunRequest
from tests.operate.approvals_given import ASKED, BEGIN, DRILL, END, WITHIN, At, Plant, copy_of, make_plant
from tests.signing import NAMESPACES, VALID


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Plant:
    """Give a plant in which a window was asked for, after two runs that the ledger has."""
    plant = make_plant(tmp_path_factory.mktemp("asked"))
    for run in ("first", "second"):
        enter(plant.workspace, BEGUN, "2027-01-03T09:00:00.000000Z", {"run": run})
    plant.request()
    return plant


@pytest.fixture(scope="module")
def signed(asked: Plant, tmp_path_factory: pytest.TempPathFactory) -> Plant:
    """Give a plant in which all have approved that have to."""
    plant = copy_of(asked, tmp_path_factory.mktemp("signed"))
    plant.approve("shift-lead")
    plant.approve("security-lead")
    return plant


@pytest.fixture
def plant(signed: Plant, tmp_path: Path) -> Plant:
    return copy_of(signed, tmp_path)


@pytest.fixture
def open_plant(asked: Plant, tmp_path: Path) -> Plant:
    return copy_of(asked, tmp_path)


def approvals_of(plant: Plant) -> dict[str, Approval]:
    """Give the approvals by person."""
    documents = (each.kept.document for each in plant.standing().approvals)
    return {document.person: document for document in documents if isinstance(document, Approval)}


def lead_of(plant: Plant) -> Approval:
    return approvals_of(plant)["shift-lead"]


def test_a_drill_that_all_have_approved_has_nothing_against_it(plant: Plant) -> None:
    assert plant.against() == []
    found = approved(plant.workspace, plant.plan(), WITHIN)
    assert found is not None
    assert len(found.approvals) == 2
    told = approvals_told(plant.workspace, plant.plan(), WITHIN)
    assert told.startswith(f"approved for one live run from {BEGIN} to {END}, by ")
    assert "shift-lead as plant-operations" in told


def test_a_third_person_is_asked_for_only_while_the_plant_runs(open_plant: Plant) -> None:
    open_plant.approve("shift-lead")
    (told,) = open_plant.against()
    assert told.startswith(
        "It takes 3 persons while the plant runs, the person who asked among them, and there are 2: engineer and shift-lead."
    )


def test_plant_operations_is_always_among_those_who_approve(open_plant: Plant) -> None:
    open_plant.approve("security-lead")
    (told,) = open_plant.against()
    assert "is not approved by plant-operations; who may: shift-lead, plant-manager." in told


def test_a_drill_may_ask_for_more(open_plant: Plant) -> None:
    open_plant.edit(f"drills/{DRILL}.yaml", "stages:", "approvals: {also_signed_by: [ot-security]}\nstages:")
    open_plant.request()
    open_plant.approve("shift-lead", named=open_plant.plan().plan_digest)
    open_plant.approve("plant-manager", "plant-management", named=open_plant.plan().plan_digest)
    (told,) = (told for told in open_plant.against() if "is not approved by" in told)
    assert "is not approved by ot-security; who may: security-lead." in told


def test_one_person_counts_once_in_two_roles_and_with_two_keys(open_plant: Plant) -> None:
    second = open_plant.keys.make(f"second-{open_plant.workspace.parent.name}")
    line = f"shift-lead-2@riverside {VALID} {open_plant.keys.public(second.name)}\n"
    folder = people.folder_of(open_plant.workspace)
    open_plant.edit(
        "inventory/people/people.yaml", "[shift-lead@riverside]", "[shift-lead@riverside, shift-lead-2@riverside]"
    )
    open_plant.edit(
        "inventory/people/people.yaml", "roles: [plant-operations]", "roles: [plant-operations, ot-security]"
    )
    (folder / "allowed_signers").write_text((folder / "allowed_signers").read_text() + line)
    open_plant.edit(
        "inventory/people/policy.yaml",
        "base: two-people\n",
        "base: two-people\nlive: {signed_by: [plant-operations, ot-security]}\n",
    )
    request = open_plant.request()
    open_plant.approve("shift-lead", "plant-operations", named=request.id)
    open_plant.approve("shift-lead", "ot-security", named=request.id, by=second.name)
    (told,) = (told for told in open_plant.against() if "is not approved by" in told)
    assert "is not approved by ot-security, and a person with two roles counts once; who may: security-lead." in told
    assert len(open_plant.standing().counting) == 2


def test_who_asks_cannot_approve(open_plant: Plant) -> None:
    with pytest.raises(Refused, match="engineer asked for this window, and cannot approve it"):
        open_plant.approve("engineer")
    request = signing.review(open_plant.workspace, DRILL, At(ASKED)).request
    forged = open_plant.approve("shift-lead").model_copy(
        update={"person": "engineer", "role": "ot-engineering", "id": "approval-own"}
    )
    open_plant.forge(forged, "engineer")
    assert open_plant.why(forged) == f"{request.person} asked for the window, and cannot approve it"


def test_an_approval_is_for_a_window(plant: Plant) -> None:
    early, late = datetime(2027, 1, 9, 5, 59, 59, tzinfo=UTC), datetime(2027, 1, 9, 10, 0, 1, tzinfo=UTC)
    assert plant.against(early) == [
        f"The window that was asked for is {BEGIN} to {END}, and has not begun. It is 2027-01-09T05:59:59Z now."
    ]
    assert plant.against(early, ahead=True) == []
    assert plant.why(lead_of(plant), late) == f"it expired at {END}"
    assert any("does not count: it expired at" in told for told in plant.against(late))
    assert approved(plant.workspace, plant.plan(), early) is None


def test_a_weaker_drill_is_another_drill(plant: Plant) -> None:
    plant.edit(f"drills/{DRILL}.yaml", "longest_ot_gap: 1 s", "longest_ot_gap: 20 s")
    assert plant.why(lead_of(plant)).startswith("it is for another drill digest: the drill, its probes or the site's")
    assert any("Nobody has asked for a window for quarterly-isolation as it is now" in told for told in plant.against())


def test_another_address_is_another_plan(plant: Plant) -> None:
    approval = lead_of(plant)
    plant.edit("inventory/riverside.yaml", "address: 172.31.255.1\n", "address: 172.31.255.9\n")
    assert plant.why(approval).startswith(
        "it is for another plan digest: a device, an address, a line that would be sent, or what "
    )


def test_people_files_that_changed_void_what_was_signed(plant: Plant) -> None:
    approval = lead_of(plant)
    plant.edit("inventory/people/people.yaml", "position: Shift lead", "position: Trainee")
    assert plant.why(approval).startswith("the people files (persons, keys, revoked keys, policy) were changed since")


def test_an_approval_is_spent_by_the_run_that_goes_by_it(plant: Plant) -> None:
    plan, clock = plant.plan(), At(WITHIN)
    found = approved(plant.workspace, plan, WITHIN)
    assert found is not None
    asked = RunRequest("third", plant.workspace, DRILL, "live", "engineer", {})
    anyio.run(enter_begun, asked, plan, clock, found)
    line = ledger_of(plant.workspace).lines[-1]
    assert line.data["people_digest"] == found.people_digest
    assert {said["id"]: said["sha256"] for said in line.data["approvals"]} == {
        kept.document.id: kept.sha256 for kept in found.approvals if kept.document
    }
    assert set(spent_in(ledger_of(plant.workspace)).values()) == {4}
    assert plant.why(lead_of(plant)) == "it was spent by the run in line 4 of the ledger; an approval is for one run"
    assert approved(plant.workspace, plan, WITHIN) is None
    # Two runs that began together both saw it unspent.
    with pytest.raises(
        Refused, match=r"Approval approval-.* in line 4 of the ledger was spent by another run.*Nothing was touched\."
    ):
        anyio.run(enter_begun, replace(asked, run="fourth"), plan, clock, found)
    assert len(ledger_of(plant.workspace).lines) == 4


def test_a_ledger_that_was_cut_is_not_the_one_that_was_signed(plant: Plant) -> None:
    approval, path = lead_of(plant), path_of(plant.workspace)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-1]))
    assert plant.why(approval) == (
        "the ledger is not the one that was seen when it was signed, or was cut: it has 2 lines that can be believed, and had 3 when the "
        "checkpoint was made"
    )
    assert any("was signed when this ledger had 3 lines that it does not have now" in told for told in plant.against())
    path.unlink()
    assert "this is ledger without a line" in plant.why(approval)


def test_a_checkpoint_that_is_no_prefix_is_refused(plant: Plant) -> None:
    approval, path = lead_of(plant), path_of(plant.workspace)
    assert approval.ledger is not None
    forged = approval.model_copy(
        update={"id": "approval-other", "ledger": approval.ledger.model_copy(update={"sha256": "0" * 64})}
    )
    plant.forge(forged, "shift-lead")
    assert "its first 3 lines are not those of which the checkpoint was made" in plant.why(forged)
    assert path.exists()


def test_who_signs_for_no_ledger_cannot_have_seen_one(plant: Plant) -> None:
    approval = lead_of(plant)
    forged = approval.model_copy(update={"id": "approval-blind", "ledger": None})
    plant.forge(forged, "shift-lead")
    assert plant.why(forged) == "it says that no run was entered in the ledger yet, and its request says otherwise"
    request = signing.review(plant.workspace, approval.request, At(ASKED)).request
    blind = request.model_copy(update={"id": "request-blind", "ledger": None})
    plant.forge(blind, "engineer")
    assert (
        "it was signed at 2027-01-04T09:00:00Z for a ledger without a line, and this has had lines since 2027-01-03T09:00:00Z"
        in plant.why(blind)
    )


def test_of_two_approved_windows_the_one_that_has_begun_is_meant(plant: Plant) -> None:
    later = replace(plant, asked=ASKED + timedelta(hours=1))
    request = later.request(begin="2027-01-10T06:00:00Z", end="2027-01-10T10:00:00Z")
    later.approve("shift-lead", named=request.id)
    assert plant.against() == []
    later.approve("security-lead", named=request.id)
    assert plant.against() == []
    assert plant.against(datetime(2027, 1, 10, 7, tzinfo=UTC)) == []


def test_a_later_ledger_still_has_what_was_signed(plant: Plant) -> None:
    enter(plant.workspace, BEGUN, "2027-01-05T09:00:00.000000Z", {"run": "third"})
    assert plant.against() == []


def test_what_was_revoked_does_not_count(plant: Plant) -> None:
    approval = lead_of(plant)
    signing.revoke(plant.order("plant-manager"), approval.id, "The boiler is open")
    assert plant.why(approval) == (
        f"The plant manager of Riverside (Plant manager, Riverside (sample plant)) revoked it at {ASKED:%Y-%m-%dT%H:%M:%SZ}: The boiler is open"
    )
    (revocation,) = plant.workspace.glob("approvals/revocation-*.json.sig")
    revocation.unlink()
    assert "cannot be believed (nobody signed it)" in plant.why(approval)
    assert plant.against() != []


def test_a_revoked_key_reaches_back(plant: Plant) -> None:
    approval = lead_of(plant)
    (people.folder_of(plant.workspace) / "revoked_keys").write_text(f"{plant.keys.public('shift-lead')}\n")
    assert plant.why(approval) == "the key that signed it, of shift-lead, is revoked"


def test_a_key_counts_while_it_is_valid(plant: Plant) -> None:
    approval = lead_of(plant)
    signers = "inventory/people/allowed_signers"
    plant.edit(
        signers, f"shift-lead@riverside {VALID}", f"shift-lead@riverside {VALID.replace('20400101Z', '20270108Z')}"
    )
    assert plant.why(approval) == "the key that signed it, of shift-lead, was valid until 2027-01-08T00:00:00Z"
    plant.edit(signers, '"20270108Z"', '"20400101Z"')
    plant.edit(
        signers, f"shift-lead@riverside {VALID}", f"shift-lead@riverside {VALID.replace('20260101Z', '20280101Z')}"
    )
    assert plant.why(approval) == "the key that signed it, of shift-lead, is not valid before 2028-01-01T00:00:00Z"
    plant.edit(
        signers,
        f"shift-lead@riverside {VALID.replace('20260101Z', '20280101Z')}",
        'shift-lead@riverside namespaces="go@islandmode",valid-before="20400101Z"',
    )
    assert plant.why(approval) == "the key that signed it, of shift-lead, may not sign approval@islandmode"


def test_what_was_signed_for_another_purpose_does_not_count(plant: Plant) -> None:
    forged = lead_of(plant).model_copy(update={"id": "approval-purpose"})
    plant.forge(forged, "shift-lead", "go@islandmode")
    assert plant.why(forged) == "it was signed for go@islandmode, and not for approval@islandmode"


def test_who_signed_is_who_it_says(plant: Plant) -> None:
    forged = lead_of(plant).model_copy(update={"id": "approval-name"})
    plant.forge(forged, "security-lead")
    assert plant.why(forged) == "it says that shift-lead signed it, and security-lead did"
    stranger = plant.keys.make(f"stranger-{plant.workspace.parent.name}").name
    plant.forge(forged, stranger)
    assert plant.why(forged) == "the key that signed it is not in inventory/people/allowed_signers"


def test_a_file_or_a_signature_that_was_changed_does_not_count(plant: Plant) -> None:
    approval = lead_of(plant)
    other = approvals_of(plant)["security-lead"]
    changed = approval.model_copy(update={"comment": "and the furnace"})
    plant.file(approval).write_bytes(document_bytes(changed))
    assert plant.why(approval) == "its signature does not hold: the file, or the signature, was changed"
    plant.file(approval, ".json.sig").unlink()
    assert plant.why(approval) == "nobody signed it"
    plant.file(approval, ".json.sig").write_bytes(plant.file(other, ".json.sig").read_bytes())
    assert plant.why(approval) == "it says that shift-lead signed it, and security-lead did"


def test_the_same_signature_in_another_armour_does_not_count(plant: Plant) -> None:
    approval = lead_of(plant)
    file = plant.file(approval, ".json.sig")
    lines = file.read_bytes().splitlines()
    raw = b"".join(lines[1:-1])
    for other in (
        b"\n".join((lines[0], raw, lines[-1], b"")),
        file.read_bytes() + b"\n",
        file.read_bytes().replace(b"\n", b"\r\n"),
        b"a comment\n" + file.read_bytes(),
    ):
        file.write_bytes(other)
        assert plant.why(approval).startswith("its signature is not taken: it")
    file.write_bytes(armoured(base64.b64decode(raw)))
    assert plant.why(approval) == ""


def test_the_same_words_in_another_form_are_no_document(plant: Plant) -> None:
    approval = lead_of(plant)
    file = plant.file(approval)
    file.write_bytes(file.read_bytes().replace(b'","', b'", "', 1))
    (told,) = (each for each in kept(plant) if each.name.endswith(f"{approval.id}.json"))
    assert told.trouble.startswith("it is not in the one form that a document has")
    file.write_bytes(b"{" + b" " * 5000 + b"}\n")
    (told,) = (each for each in kept(plant) if each.name.endswith(f"{approval.id}.json"))
    assert told.trouble == "it has more than 4096 bytes"
    assert f"{told.name} is not read: it has more than 4096 bytes." in plant.against()


def kept(plant: Plant) -> tuple[Kept, ...]:
    return kept_documents(plant.workspace, people.load_people(plant.workspace), WITHIN)


def test_the_request_that_was_approved_is_the_one_that_is_there(plant: Plant) -> None:
    approval = lead_of(plant)
    request = plant.workspace / "approvals" / f"{approval.request}.json"
    document = signing.review(plant.workspace, approval.request, At(ASKED)).request
    longer = document.model_copy(update={"not_after": "2027-01-09T16:00:00Z"})
    plant.forge(longer, "engineer")
    assert plant.why(approval) == f"request {approval.request} is not what was approved: the file was changed"
    request.unlink()
    assert plant.why(approval) == f"its request {approval.request} is not here, or does not count"


def test_a_window_meets_no_blackout_and_is_not_far_ahead(open_plant: Plant) -> None:
    with pytest.raises(Refused, match=r"ends more than 14 d from now, and the policy lets nobody sign that far ahead"):
        open_plant.request(begin="2027-02-09T06:00:00Z", end="2027-02-09T07:00:00Z")
    with pytest.raises(InputError, match=r"--from must be a time with its zone"):
        open_plant.request(begin="2027-01-09T06:00:00")
    with pytest.raises(InputError, match="The window ends before it begins"):
        open_plant.request(begin=END, end=BEGIN)
    with pytest.raises(InputError, match="The window is over already"):
        open_plant.request(begin="2027-01-01T06:00:00Z", end="2027-01-01T07:00:00Z")
    open_plant.edit(
        "inventory/people/policy.yaml",
        "base: two-people\n",
        'base: two-people\nblackouts: [{from: "2027-01-09T08:00:00Z", until: "2027-01-10T00:00:00Z", why: stocktaking}]\n',
    )
    with pytest.raises(Refused, match=r"meets the blackout from 2027-01-09T08:00:00Z until .* \(stocktaking\)"):
        open_plant.request()


def test_a_paper_form_counts_where_the_policy_says_so_and_is_marked(open_plant: Plant, tmp_path: Path) -> None:
    picture = tmp_path / "Form.JPG"
    picture.write_bytes(b"\xff\xd8 a photograph")
    with pytest.raises(Refused, match="The site's policy lets no paper form of plant-operations count"):
        on_paper(open_plant, picture)
    open_plant.edit(
        "inventory/people/policy.yaml", "base: two-people\n", "base: two-people\npaper: [plant-operations]\n"
    )
    request = open_plant.request()
    approval = on_paper(open_plant, picture, request.id)
    assert approval.paper == Paper(
        photograph=f"{approval.id}.jpg", sha256=hashlib.sha256(picture.read_bytes()).hexdigest(), entered_by="engineer"
    )
    open_plant.approve("security-lead", named=request.id)
    assert open_plant.against() == []
    assert "shift-lead as plant-operations (paper)" in approvals_told(open_plant.workspace, open_plant.plan(), WITHIN)
    (open_plant.workspace / "approvals" / f"{approval.id}.jpg").write_bytes(b"another")
    assert "is not the one that was entered" in open_plant.why(approval)
    (open_plant.workspace / "approvals" / f"{approval.id}.jpg").unlink()
    assert "cannot be read (No such file or directory)" in open_plant.why(approval)


def on_paper(plant: Plant, picture: Path, named: str = DRILL) -> Approval:
    review = signing.review(plant.workspace, named, At(ASKED))
    return signing.approve(plant.order("engineer"), review, "shift-lead", "plant-operations", picture)[0]


def test_the_policy_can_demand_hardware(plant: Plant) -> None:
    plant.edit("inventory/people/policy.yaml", "base: two-people\n", "base: two-people\nhardware: true\n")
    request = replace(plant, asked=ASKED + timedelta(seconds=1)).request()
    approval = plant.approve("shift-lead", named=request.id)
    assert plant.why(approval) == "it was signed without a FIDO key, and the policy demands hardware"


def test_an_approver_signs_the_ledger_of_their_own_files_or_is_told_that_they_have_none(open_plant: Plant) -> None:
    enter(open_plant.workspace, BEGUN, "2027-01-04T08:00:00.000000Z", {"run": "third"})
    own = signing.review(open_plant.workspace, DRILL, At(ASKED))
    assert own.checkpoint is not None
    assert (own.checkpoint.size, own.has_ledger) == (4, True)
    path = path_of(open_plant.workspace)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:2]))
    with pytest.raises(Refused, match=r"cannot be approved: the ledger is not the one that was seen .* it has 2 lines"):
        signing.review(open_plant.workspace, DRILL, At(ASKED))
    path.unlink()
    without = signing.review(open_plant.workspace, DRILL, At(ASKED))
    assert (without.checkpoint, without.has_ledger) == (without.request.ledger, False)
    path.write_bytes(b"".join(lines))
    approval = signing.approve(open_plant.order("shift-lead"), without, "shift-lead", "plant-operations")[0]
    assert open_plant.why(approval) == ""


def test_nobody_signs_for_a_ledger_that_was_altered(open_plant: Plant) -> None:
    path = path_of(open_plant.workspace)
    path.write_bytes(path.read_bytes().replace(b"first", b"thirst"))
    for act in (open_plant.request, lambda: open_plant.approve("shift-lead")):
        with pytest.raises(
            Refused, match=r"The ledger was altered: line 3 .*Nobody signs that they saw it\. Nothing was signed\."
        ):
            act()


def test_what_is_over_is_listed_only_when_it_is_asked_for(plant: Plant) -> None:
    late = datetime(2027, 1, 9, 10, 0, 1, tzinfo=UTC)
    stands = plant.standing(late)
    assert (len(stands.requests), len(stands.approvals)) == (1, 2)
    assert (stands.since(late).requests, stands.since(late).approvals) == ((), ())
    assert stands.since(WITHIN) == stands


def test_the_ages_of_rungs_are_the_policys(plant: Plant, tmp_path: Path) -> None:
    plant.edit("inventory/people/policy.yaml", "base: two-people\n", "base: two-people\nages: {tabletop: 200 d}\n")
    ages = policy_of(plant.workspace).ages
    assert (ages.rehearsal, ages.tabletop, ages.dry_run) == (90 * 86400, 200 * 86400, 7 * 86400)
    assert policy_of(tmp_path / "nowhere").base == "two-people"


def test_without_people_nobody_can_approve(plant: Plant) -> None:
    shutil.rmtree(people.folder_of(plant.workspace))
    assert plant.against() == [
        "There is no inventory/people, so nobody can approve a live run; docs/approvals.md says how to begin it."
    ]


def test_people_files_with_a_fault_let_nobody_approve(plant: Plant) -> None:
    plant.edit("inventory/people/allowed_signers", f'namespaces="{NAMESPACES}",', "")
    (told,) = plant.against()
    assert told.startswith(
        "Who may approve a live run is not known: inventory/people/allowed_signers:1:20: There is no namespaces here"
    )


def test_by_its_drill_a_request_is_meant_that_still_counts(open_plant: Plant) -> None:
    second = open_plant.request()
    with pytest.raises(InputError, match=rf"{DRILL} means several requests; give the name of one: .*{second.id}"):
        signing.review(open_plant.workspace, DRILL, At(ASKED))
    signing.revoke(open_plant.order("engineer"), second.id, "asked twice")
    assert signing.review(open_plant.workspace, DRILL, At(ASKED)).request.id != second.id
    with pytest.raises(Refused, match=f"{second.id}.json cannot be approved: .* revoked it"):
        signing.review(open_plant.workspace, second.id, At(ASKED))
    with pytest.raises(InputError, match=rf"request- means several documents; give the name of one: .*{second.id}"):
        signing.revoke(open_plant.order("engineer"), "request-", "x")


def test_who_signs_twice_has_all_of_it_spent_by_one_run(plant: Plant) -> None:
    again = plant.approve("shift-lead")
    found = approved(plant.workspace, plant.plan(), WITHIN)
    assert found is not None
    assert again.id in [spent["id"] for spent in found.spent]


def test_a_copy_under_another_name_is_said_to_be_one(plant: Plant) -> None:
    approval = approvals_of(plant)["shift-lead"]
    plant.file(approval).rename(plant.workspace / "approvals" / "copy.json")
    assert plant.why(approval) == f"its file is approvals/copy.json, and not approvals/{approval.id}.json"


@pytest.mark.parametrize("left", [b"", b"{", None], ids=["empty", "cut off", "changed"])
def test_a_revocation_that_nobody_can_read_stops_what_it_may_have_taken_back(plant: Plant, left: bytes | None) -> None:
    """As a disk that was full leaves it, or who wants to run."""
    approval = approvals_of(plant)["shift-lead"]
    _, path = signing.revoke(plant.order("shift-lead"), approval.id, "The boiler is open")
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n") if left is None else left)
    (told,) = plant.against()
    assert told.startswith(f"approvals/{path.name} is a revocation by its name, and is not read: it is ")
    assert told.endswith(". Sign it anew or take it away.")
    assert approved(plant.workspace, plant.plan(), WITHIN) is None
    path.unlink()
    assert plant.against() == []


def test_another_owner_of_a_flow_is_another_plan_and_said_to_be_one(plant: Plant) -> None:
    approval = approvals_of(plant)["shift-lead"]
    plant.edit("inventory/riverside.yaml", "owner: Process engineering", "owner: Nobody")
    assert plant.why(approval) == (
        "it is for another plan digest: a device, an address, a line that would be sent, or what the site says of a flow was changed since"
    )


def test_of_several_requests_none_that_counts_is_said(open_plant: Plant) -> None:
    open_plant.request()
    open_plant.edit(f"drills/{DRILL}.yaml", "longest_ot_gap: 1 s", "longest_ot_gap: 2 s")
    with pytest.raises(
        Refused, match=rf"^No request of those that {DRILL} means counts; `.* approvals {DRILL}.*` says why\."
    ):
        signing.review(open_plant.workspace, DRILL, At(ASKED))
