"""The commands of docs/approvals.md, played as they stand there: an outsider needs a shell, ssh-keygen and sha256sum."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import anyio
import pytest

from islandmode.core.approval import Approval, document_bytes
from islandmode.core.ledger import BEGUN
from islandmode.operate import signing
from islandmode.operate.approving import approved
from islandmode.operate.entering import enter_begun
from islandmode.store import people
from islandmode.store.ledger import enter, path_of
from islandmode.store.run_request import RunRequest
from tests.operate.approvals_given import DRILL, PROJECT, WITHIN, At, Plant, copy_of, make_plant

PAGE = (PROJECT / "docs" / "approvals.md").read_text(encoding="utf-8")
BARE = {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}


@pytest.fixture(scope="module")
def spent(tmp_path_factory: pytest.TempPathFactory) -> Plant:
    """Give a plant in which a window was asked for, approved, and a run went by it."""
    plant = make_plant(tmp_path_factory.mktemp("spent"))
    enter(plant.workspace, BEGUN, "2027-01-03T09:00:00.000000Z", {"run": "first"})
    plant.request()
    plant.approve("shift-lead")
    plant.approve("security-lead")
    found = approved(plant.workspace, plant.plan(), WITHIN)
    assert found is not None
    asked = RunRequest("second", plant.workspace, DRILL, "live", "engineer", {})
    anyio.run(enter_begun, asked, plant.plan(), At(WITHIN), found)
    return plant


@pytest.fixture
def plant(spent: Plant, tmp_path: Path) -> Plant:
    return copy_of(spent, tmp_path)


def outsider(plant: Plant) -> tuple[int, str]:
    """Play the script with the people files of the plant manager, beside the workspace."""
    found = re.search(r"```sh\n(#!/bin/sh\n.*?)```", PAGE, re.DOTALL)
    assert found is not None
    where = (plant.workspace.name, people.folder_of(Path(plant.workspace.name)), "20270109073000")
    argv = ["sh", "-c", found[1], "check-approvals", *map(str, where)]
    ended = subprocess.run(argv, check=False, capture_output=True, text=True, env=BARE, cwd=plant.workspace.parent)
    return ended.returncode, ended.stdout


def of(plant: Plant, person: str) -> Approval:
    documents = (each.kept.document for each in plant.standing().approvals)
    return next(each for each in documents if isinstance(each, Approval) and each.person == person)


def test_an_outsider_sees_who_signed_what(plant: Plant) -> None:
    code, told = outsider(plant)
    assert code == 0, told
    lines = told.splitlines()
    assert len(lines) == 3
    assert any(
        re.fullmatch(
            r"approval-\S+\.json: signed by shift-lead@riverside for approval@islandmode; it says shift-lead plant-operations "
            r"2027-01-09T06:00:00Z 2027-01-09T10:00:00Z",
            line,
        )
        for line in lines
    )


def test_an_outsider_checks_one_approval_by_hand(plant: Plant) -> None:
    found = re.search(r"```\n(ssh-keygen -Y verify .*?)```", PAGE, re.DOTALL)
    assert found is not None
    line = found[1].replace("NAME", of(plant, "shift-lead").id)
    played = ["sh", "-c", line]
    ended = subprocess.run(played, check=False, capture_output=True, text=True, env=BARE, cwd=plant.workspace)
    assert ended.returncode == 0
    assert ended.stdout.startswith('Good "approval@islandmode" signature for shift-lead@riverside')


def change(plant: Plant) -> None:
    approval = of(plant, "shift-lead")
    plant.file(approval).write_bytes(document_bytes(approval.model_copy(update={"role": "ot-security"})))


def cut(plant: Plant) -> None:
    path = path_of(plant.workspace)
    path.write_bytes(path.read_bytes().splitlines(keepends=True)[0])


def ask_for_more(plant: Plant) -> None:
    approval = of(plant, "shift-lead")
    request = next(each.kept.document for each in plant.standing().requests)
    assert request is not None
    assert request.id == approval.request
    plant.forge(request.model_copy(update={"not_after": "2027-01-09T16:00:00Z"}), "engineer")


def sign_anew(plant: Plant) -> None:
    """Sign what was spent again, with other words: the ledger has the sum of what was there."""
    plant.forge(of(plant, "shift-lead").model_copy(update={"comment": "with the furnace"}), "shift-lead")


def approve_oneself(plant: Plant) -> None:
    own = {"id": "approval-own", "person": "engineer", "role": "ot-engineering"}
    plant.forge(of(plant, "shift-lead").model_copy(update=own), "engineer")


def revoke_key(plant: Plant) -> None:
    (people.folder_of(plant.workspace) / "revoked_keys").write_text(f"{plant.keys.public('shift-lead')}\n")


def revoke(plant: Plant) -> None:
    signing.revoke(plant.order("shift-lead"), of(plant, "shift-lead").id, "no")


def sign_for_another_purpose(plant: Plant) -> None:
    plant.forge(of(plant, "shift-lead").model_copy(update={"id": "approval-go"}), "shift-lead", "go@islandmode")


DONE: dict[str, tuple[Callable[[Plant], None], str]] = {
    "a file is changed": (change, "its signature does not hold"),
    "the ledger is cut": (cut, "the first 2 lines of the ledger are not those that its signer saw"),
    "the request is changed": (ask_for_more, "is not what was approved"),
    "what was spent is signed anew": (sign_anew, "it is not the one that the ledger says was spent"),
    "the person who asked approves": (approve_oneself, "the person who asked approved it"),
    "a key is revoked": (revoke_key, "its signature does not hold"),
    "an approval is revoked": (revoke, "was revoked"),
    "it was signed for another purpose": (sign_for_another_purpose, "its signature does not hold"),
}


@pytest.mark.parametrize("what", DONE)
def test_an_outsider_finds_what_does_not_fit(plant: Plant, what: str) -> None:
    act, sentence = DONE[what]
    act(plant)
    code, told = outsider(plant)
    assert code == 1
    assert sentence in told


def test_an_outsider_without_the_ledger_is_told_so_and_nothing_is_called_spent(tmp_path: Path) -> None:
    plant = make_plant(tmp_path)
    plant.request()
    plant.approve("shift-lead")
    code, told = outsider(plant)
    assert code == 0, told
    assert told.startswith("there is no runs/ledger.jsonl, so what was spent is not known\n")
    assert len(told.splitlines()) == 3
    for path in plant.workspace.glob("approvals/*"):
        path.unlink()
    assert outsider(plant) == (0, "there is no runs/ledger.jsonl, so what was spent is not known\n")


def begin_people(workspace: Path) -> None:
    """Make the keys and files of two people as the page types it; the keys lie in the workspace by the names of their people."""
    found = re.search(r"```\n(ssh-keygen -t ed25519 -f ot-engineer\n.*?)```", PAGE, re.DOTALL)
    persons = re.search(r"```yaml\n(people:\n.*?)```", PAGE, re.DOTALL)
    assert found is not None
    assert persons is not None
    line = found[1].replace("ssh-keygen -t", "ssh-keygen -q -N '' -t")
    subprocess.run(["sh", "-ec", line], check=True, env=BARE, cwd=workspace)
    (people.folder_of(workspace) / "people.yaml").write_text(persons[1], encoding="utf-8")


def test_people_are_begun_as_the_page_says(tmp_path: Path) -> None:
    begin_people(tmp_path)
    read = people.people_read(tmp_path)
    assert read.errors == ()
    assert read.people is not None
    assert len(read.people.signers) == 2
