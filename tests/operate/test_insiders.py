"""The insider's corpus: what somebody with the operations host may try, found by who has only a shell, sha256sum and ssh-keygen.

The script is the one that lies in every run that was approved. What it cannot find stands in VERIFY.md: lines behind the last one that anybody
else has seen, and two people who agree.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import anyio
import pytest
from ruamel.yaml import YAML

from islandmode.core.approval import Approval, document_bytes
from islandmode.core.evidence import people_of
from islandmode.core.ledger import BEGUN, ENDED
from islandmode.core.record import Record
from islandmode.operate.approving import approved
from islandmode.operate.entering import enter_begun
from islandmode.operate.keep_evidence import keep_evidence
from islandmode.store import rundir
from islandmode.store.ledger import enter, path_of
from islandmode.store.run_request import RunRequest
from islandmode.system.ssh_signature import sign
from tests.operate.approvals_given import DRILL, WITHIN, At, Plant, make_plant

BARE = {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}
FIRST, RUN = "first", "second"


@dataclass(frozen=True)
class World:
    """A workspace with two attempts at a drill, the people files as the plant manager has them, and what the run says of its people."""

    plant: Plant
    manager: Path
    names: dict[str, object]

    @property
    def root(self) -> Path:
        return self.plant.workspace / rundir.RUNS / RUN

    @property
    def ledger(self) -> Path:
        return path_of(self.plant.workspace)

    def outsider(self) -> tuple[int, str]:
        """Play the script that lies in the run."""
        argv = ["sh", "verify.sh", str(self.manager), "../ledger.jsonl"]
        ended = subprocess.run(argv, check=False, capture_output=True, text=True, env=BARE, cwd=self.root)
        return ended.returncode, ended.stdout + ended.stderr

    def lines(self) -> list[str]:
        return self.ledger.read_text(encoding="ascii").splitlines()

    def chain(self, lines: list[str]) -> None:
        """Write the ledger anew, with numbers and a chain that fit."""
        previous, text = "0" * 64, ""
        for number, line in enumerate(lines, start=1):
            said = {**json.loads(line), "line": number, "prev": previous}
            whole = json.dumps(said, separators=(",", ":")) + "\n"
            previous, text = hashlib.sha256(whole.encode("ascii")).hexdigest(), text + whole
        self.ledger.write_text(text, encoding="ascii")

    def document(self, person: str) -> Approval:
        documents = (each.kept.document for each in self.plant.standing().approvals)
        return next(each for each in documents if isinstance(each, Approval) and each.person == person)

    def put(self, document: Approval, signer: str) -> None:
        """Put a document into the bundle, signed with somebody's key."""
        path = self.root / "approvals" / f"{document.id}.json"
        path.write_bytes(document_bytes(document))
        path.with_name(f"{path.name}.sig").write_bytes(
            sign(document_bytes(document), self.plant.keys.of(signer), "approval@islandmode")
        )


def _end(plant: Plant, run: str, begun: int, result: str, utc: str) -> None:
    sums = hashlib.sha256((plant.workspace / rundir.RUNS / run / rundir.SUMS).read_bytes()).hexdigest()
    said = {"run": run, "begun": begun, "result": result, "restoration": "proven", "sums": sums}
    enter(plant.workspace, ENDED, utc, said)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("insiders")
    plant = make_plant(folder)
    first = rundir.create(plant.workspace, FIRST)
    first.write_text("verdict.json", "{}\n")
    first.seal()
    enter(plant.workspace, BEGUN, "2027-01-03T09:00:00.000000Z", {"run": FIRST, "mode": "rehearsal", "drill": DRILL})
    _end(plant, FIRST, 2, "breached", "2027-01-03T09:20:00.000000Z")
    plant.request()
    plant.approve("shift-lead")
    plant.approve("security-lead")
    found = approved(plant.workspace, plant.plan(), WITHIN)
    assert found is not None
    run = rundir.create(plant.workspace, RUN)
    names = keep_evidence(run, plant.workspace, found, WITHIN)
    run.write_text("verdict.json", "{}\n")
    asked = RunRequest(RUN, plant.workspace, DRILL, "live", "engineer", {})
    entered = anyio.run(enter_begun, asked, plant.plan(), At(WITHIN), found)
    run.seal()
    _end(plant, RUN, entered.size, "held", "2027-01-09T08:00:00.000000Z")
    manager = folder / "manager"
    shutil.copytree(plant.workspace / "inventory" / "people", manager)
    return World(plant, manager, names)


@pytest.fixture
def world(made: World, tmp_path: Path) -> World:
    workspace = tmp_path / "workspace"
    shutil.copytree(made.plant.workspace, workspace, symlinks=True)
    return World(Plant(workspace, made.plant.keys), made.manager, made.names)


def test_an_outsider_finds_nothing_and_reads_every_attempt_and_every_signature(world: World) -> None:
    code, told = world.outsider()
    assert code == 0, told
    assert f"attempt {FIRST} (rehearsal): breached, restoration proven" in told
    assert f"attempt {RUN} (live): held, restoration proven" in told
    assert "signed by shift-lead (shift-lead@riverside) for approval@islandmode" in told
    assert "signed by engineer (engineer@riverside) for request@islandmode" in told


@pytest.mark.parametrize("utc", ["2027-01-09T06:00:00.000000Z", "2027-01-09T10:00:00.000000Z"])
def test_a_run_at_the_edge_of_its_window_is_in_it(world: World, utc: str) -> None:
    _begun_is(world, utc=utc)
    assert "and the run began at" not in world.outsider()[1]


def by_four(text: str) -> str:
    return re.sub(r"^( +)", r"\1\1", text, flags=re.MULTILINE)


def quoted(text: str) -> str:
    return re.sub(r"\[([^]]*@[^]]*)\]", r'["\1"]', text)


def a_line_each(text: str) -> str:
    return re.sub(r"principals: \[(.*)\]", r"principals: # the keys\n      - '\1'", text)


def in_braces(text: str) -> str:
    return json.dumps(YAML(typ="safe").load(text))


@pytest.mark.parametrize("layout", [by_four, quoted, a_line_each, in_braces])
def test_a_people_file_is_read_in_every_layout(world: World, tmp_path: Path, layout: Callable[[str], str]) -> None:
    manager = tmp_path / "manager"
    shutil.copytree(world.manager, manager)
    text = (manager / "people.yaml").read_text()
    changed = layout(text)
    assert (changed == text, YAML(typ="safe").load(changed)) == (False, YAML(typ="safe").load(text))
    (manager / "people.yaml").write_text(changed)
    code, told = replace(world, manager=manager).outsider()
    assert (code, "see by eye" in told) == (0, False), told


def test_where_yaml_says_it_in_another_way_it_is_compared_by_eye(world: World, tmp_path: Path) -> None:
    manager = tmp_path / "manager"
    shutil.copytree(world.manager, manager)
    text = (manager / "people.yaml").read_text()
    (manager / "people.yaml").write_text(text.replace("[engineer@riverside]", '["engineer\\x40riverside"]'))
    code, told = replace(world, manager=manager).outsider()
    assert code == 0, told
    assert f"see by eye that engineer@riverside is engineer's in {manager}/people.yaml" in told


def test_an_attempt_for_which_the_glass_was_broken_is_told_so(world: World) -> None:
    lines = [line.replace('"mode":"rehearsal"', '"mode":"live"') for line in world.lines()]
    broken = ',"break_glass":{"by":"The plant manager","why":"A vendor is in the network"}'
    world.chain([line.replace(f'"drill":"{DRILL}"', f'"drill":"{DRILL}"{broken}', 1) for line in lines[:2]] + lines[2:])
    told = world.outsider()[1]
    assert f"attempt {FIRST} (live, BREAK GLASS by The plant manager: A vendor is in the network): breached" in told


def test_every_command_of_verify_md_does_as_it_says(world: World) -> None:
    page = (world.root / "VERIFY.md").read_text(encoding="utf-8")
    commands = re.findall(r"```\n(.*?)```", page, re.DOTALL)
    assert len(commands) == 5
    for command in commands:
        ended = subprocess.run(
            ["sh", "-c", command], check=False, capture_output=True, text=True, env=BARE, cwd=world.root
        )
        assert ended.returncode == 0, (command, ended.stdout, ended.stderr)


def test_the_bundle_has_no_private_half_and_no_code_but_its_hash(world: World) -> None:
    kept = sorted(path.relative_to(world.root).as_posix() for path in world.root.rglob("*") if path.is_file())
    assert [name for name in kept if name.startswith("people/")] == [
        f"people/{name}" for name in ("allowed_signers", "people.yaml", "policy.yaml", "principals", "revoked_keys")
    ]
    text = b"".join(path.read_bytes() for path in world.root.rglob("*") if path.is_file())
    assert b"PRIVATE KEY" not in text
    assert set(re.findall(r"SHA256SUMS|VERIFY.md|verify.sh", " ".join(kept))) == {
        "SHA256SUMS",
        "VERIFY.md",
        "verify.sh",
    }


def test_page_one_names_who_asked_approved_said_go_and_operated(world: World) -> None:
    def record(kind: str, **data: object) -> Record:
        return Record(0, "", RUN, "conductor", "boot", 0, 0, kind, data)

    answer = {"person": "shift-lead", "author": "jo", "code_sha256": "a" * 64, "outcome": "go"}
    started = record("run.started", operator="jo", approved=world.names)
    told = dict(
        people_of([started, record("go.answered", **answer), record("go.answered", **{**answer, "outcome": "no"})])
    )
    assert list(told) == ["Requested by", "Approved by", "Go by", "Operated by"]
    assert " as plant-operations" in told["Approved by"]
    assert told["Go by"] == "shift-lead, by a code of the go sheet, typed by account jo"
    assert list(people_of([record("run.started", operator="jo")])) == []


def deletes_the_run_that_failed(world: World) -> None:
    shutil.rmtree(world.plant.workspace / rundir.RUNS / FIRST)


def drops_the_attempt_that_failed(world: World) -> None:
    """Chains the ledger anew without it, and takes its folder away too."""
    shutil.rmtree(world.plant.workspace / rundir.RUNS / FIRST)
    world.chain([line for line in world.lines() if f'"run":"{FIRST}"' not in line])


def says_that_it_held(world: World) -> None:
    world.ledger.write_text(world.ledger.read_text().replace('"result":"breached"', '"result":"held"'))


def says_so_and_chains_it_anew(world: World) -> None:
    world.chain([line.replace('"result":"breached"', '"result":"held"') for line in world.lines()])


def cuts_the_end(world: World) -> None:
    world.ledger.write_text("".join(f"{line}\n" for line in world.lines()[:-1]))


def sets_the_clock_back(world: World) -> None:
    enter(world.plant.workspace, BEGUN, "2027-01-02T09:00:00.000000Z", {"run": RUN})


def edits_its_verdict(world: World) -> None:
    (world.root / "verdict.json").write_text('{"verdict":"held"}\n')


def edits_it_and_seals_it_anew(world: World) -> None:
    edits_its_verdict(world)
    rundir.RunDirectory(world.root).seal()


def approves_it_himself(world: World) -> None:
    world.put(world.document("shift-lead"), "engineer")


def approves_it_in_his_own_name(world: World) -> None:
    mine = world.document("shift-lead").model_copy(update={"id": "approval-mine", "person": "engineer"})
    world.put(mine, "engineer")


def lets_one_person_count_twice(world: World) -> None:
    again = world.document("shift-lead").model_copy(update={"id": "approval-zz", "role": "ot-security"})
    world.put(again, "shift-lead")


def gives_one_person_a_second_name(world: World) -> None:
    """The other person's approval, by the key of the person who signed already."""
    world.put(world.document("security-lead"), "shift-lead")


def edits_an_approval(world: World) -> None:
    path = next((world.root / "approvals").glob("approval-*.json"))
    path.write_bytes(path.read_bytes().replace(b"2027-01-09T10", b"2027-01-09T11"))


def replaces_the_people(world: World) -> None:
    """Puts his own key in the place of another's: who brings the files from elsewhere is not deceived."""
    signers = world.root / "people" / "allowed_signers"
    signers.write_text(signers.read_text().replace("shift-lead@riverside", "engineer@riverside"))
    approves_it_himself(world)


def _begun_is(world: World, **changed: object) -> None:
    """Change the line by which the run began, and chain the ledger anew."""
    told = [json.loads(line) for line in world.lines()]
    lines = [each | changed if (each["kind"], each.get("run")) == (BEGUN, RUN) else each for each in told]
    world.chain([json.dumps(each) for each in lines])


def spends_the_same_approvals_again(world: World) -> None:
    begun = next(line for line in world.lines() if f'"{BEGUN}"' in line and f'"run":"{RUN}"' in line)
    again = "third"
    shutil.copytree(world.root, world.root.with_name(again))
    said = json.loads(begun) | {"run": again, "utc": "2027-01-09T09:00:00.000000Z"}
    world.chain([*world.lines(), json.dumps(said)])
    _end(world.plant, again, len(world.lines()), "held", "2027-01-09T09:30:00.000000Z")


def plays_another_drill(world: World) -> None:
    _begun_is(world, drill="everything", drill_digest="1" * 64, plan_digest="0" * 64)


def plays_another_plan(world: World) -> None:
    _begun_is(world, plan_digest="0" * 64)


def plays_it_two_months_later(world: World) -> None:
    lines = [line.replace('"utc":"2027-01-09', '"utc":"2027-03-09') for line in world.lines()]
    world.chain(lines)


def plays_it_before_the_window(world: World) -> None:
    _begun_is(world, utc="2027-01-09T05:59:59.900000Z")


def shows_an_approval_that_was_not_spent(world: World) -> None:
    begun = next(json.loads(line) for line in world.lines() if f'"{BEGUN}"' in line and f'"run":"{RUN}"' in line)
    _begun_is(world, approvals=begun["approvals"][:1])


def writes_himself_into_the_principals(world: World) -> None:
    """From the start, before it was sealed: people.yaml of the plant manager says otherwise."""
    principals = world.root / "people" / "principals"
    principals.write_text(
        principals.read_text().replace("engineer@riverside engineer", "engineer@riverside shift-lead")
    )
    approves_it_himself(world)


@pytest.mark.parametrize(
    ("does", "told"),
    [
        (deletes_the_run_that_failed, f"the folder of {FIRST} is gone"),
        (drops_the_attempt_that_failed, "lines of the ledger are not those that its signer saw"),
        (says_that_it_held, "does not follow from the line before it"),
        (says_so_and_chains_it_anew, "lines of the ledger are not those that its signer saw"),
        (cuts_the_end, f"attempt {RUN} (live): without result"),
        (sets_the_clock_back, "before 2027-01-09T08:00:00.000000Z: a clock was set back"),
        (edits_its_verdict, "a file of this run was changed"),
        (edits_it_and_seals_it_anew, "SHA256SUMS is not what the ledger says of this run's end"),
        (approves_it_himself, "it says shift-lead, and the key engineer@riverside is engineer's"),
        (approves_it_in_his_own_name, "the person who asked approved it"),
        (lets_one_person_count_twice, "shift-lead signed already; one person counts once, whichever key"),
        (gives_one_person_a_second_name, "it says security-lead, and the key shift-lead@riverside is shift-lead's"),
        (edits_an_approval, "its signature does not hold"),
        (replaces_the_people, "it says shift-lead, and the key engineer@riverside is engineer's"),
        (spends_the_same_approvals_again, ".json was spent by more than one run"),
        (plays_another_drill, ".json: its drill is not that of the run"),
        (plays_another_plan, ".json: its plan_digest is not that of the run"),
        (plays_it_two_months_later, "2027-01-09T10:00:00Z, and the run began at 2027-03-09T07:30:00Z"),
        (plays_it_before_the_window, "2027-01-09T10:00:00Z, and the run began at 2027-01-09T05:59:59Z"),
        (shows_an_approval_that_was_not_spent, ".json: it is not what the ledger's line of this run spent"),
        (writes_himself_into_the_principals, "is shift-lead's, and by "),
    ],
    ids=lambda each: getattr(each, "__name__", ""),
)
def test_what_an_insider_does_is_found(world: World, does: Callable[[World], None], told: str) -> None:
    does(world)
    code, found = world.outsider()
    assert (code, told in found) == (1, True), found
