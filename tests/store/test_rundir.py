from __future__ import annotations

import errno
import hashlib
import os
import subprocess
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from islandmode.core.chain import GENESIS, digest
from islandmode.core.errors import InputError, Refused
from islandmode.core.record import Record
from islandmode.operate.requesting import put_request
from islandmode.run.outermost import exit_code_of
from islandmode.store import rundir
from islandmode.store.journal import encode
from islandmode.store.rundir import RunDirectory
from islandmode.system.disk import MachineDisk, hold_conduits
from islandmode.system.modes import make_folders
from tests.system.small_disk import on_a_small_disk


def test_a_new_run_has_its_folders(tmp_path: Path) -> None:
    made = rundir.create(tmp_path / "plant", "run-1")
    assert made.run == "run-1"
    assert made.journal.parent.is_dir()
    assert {path.name for path in made.root.iterdir()} == {"journals", "artifacts", "requests", "claim.conductor"}
    # Another account of the operators' group may put a request there, and files in it belong to that group.
    assert (made.requests.stat().st_mode & 0o7777) == 0o2770


async def _write_durably(made: RunDirectory) -> None:
    file = await MachineDisk().create(made.journal)
    await file.close()
    await MachineDisk().replace(made.root / "artifacts" / "fw.running.before.txt", b"")


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_what_a_run_leaves_is_for_its_account_and_its_group_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    workspace = tmp_path / "plant"
    before = os.umask(umask)
    try:
        with hold_conduits(workspace / "runs" / ".locks", "riverside", ("corporate-dmz",), "run-1"):
            made = rundir.create(workspace, "run-1")
        made.keep("plan.json", "{}")
        made.write_text("verdict.json", "{}")
        anyio.run(_write_durably, made)
        put_request(made, "abort")
        made.seal()
        exit_code_of(lambda: int("no number"), workspace / "runs" / "internal-error.txt")
    finally:
        os.umask(before)
    modes = {path.relative_to(workspace).as_posix(): path.stat().st_mode & 0o7777 for path in workspace.rglob("*")}
    assert modes.pop("runs/run-1/requests") == 0o2770
    expected = {name: 0o750 if (workspace / name).is_dir() else 0o640 for name in modes}
    assert modes == expected
    assert len(modes) == 14


def test_a_run_that_exists_is_not_written_over(tmp_path: Path) -> None:
    rundir.create(tmp_path, "run-1")
    with pytest.raises(Refused, match=r"run-1 cannot be made \(File exists\)\. Nothing was touched\.$"):
        rundir.create(tmp_path, "run-1")


def test_a_runs_folder_that_cannot_be_written_refuses_the_run(tmp_path: Path) -> None:
    (tmp_path / "runs").write_bytes(b"")
    with pytest.raises(Refused, match=r"cannot be made \(.*\)\. Nothing was touched\.$"):
        rundir.create(tmp_path, "run-1")


def test_a_full_disk_refuses_the_run_before_it_has_a_folder() -> None:
    assert on_a_small_disk("run") == (
        "runs has 0 MiB free and a run needs 32 MiB to begin; make room there. Nothing was touched. Left behind: nothing"
    )


@pytest.mark.parametrize("when", ["written", "synced"])
def test_a_run_whose_plan_cannot_be_kept_is_refused(tmp_path: Path, when: str) -> None:
    made = rundir.create(tmp_path, "run-1")

    def fail(descriptor: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    if when == "written":
        (made.root / "plan.json").mkdir()
    with pytest.raises(Refused, match=r"plan\.json cannot be written \(.*\); .* Nothing was touched\.$"):
        made.keep("plan.json", "{}", **({"sync": fail} if when == "synced" else {}))


def test_what_is_kept_is_what_was_given(tmp_path: Path) -> None:
    kept = rundir.create(tmp_path, "run-1").keep("plan.json", "{}")
    assert kept.read_text(encoding="utf-8") == "{}"


def test_a_sealed_run_is_checked_by_sha256sum_itself(tmp_path: Path) -> None:
    made = rundir.create(tmp_path, "run-1")
    made.write_text("report.html", "<p>held</p>")
    make_folders(made.samples("erp"))
    (made.samples("erp") / "000001.part").write_bytes(b"{}\n")
    made.seal()
    check = ["sha256sum", "--check", "--quiet", rundir.SUMS]
    assert subprocess.run(check, cwd=made.root, check=False).returncode == 0
    assert hashlib.sha256(b"{}\n").hexdigest() in (made.root / rundir.SUMS).read_text()
    made.write_text("report.html", "<p>breached</p>")
    assert subprocess.run([*check, "--status"], cwd=made.root, check=False).returncode == 1


def test_the_journal_of_a_guardian_that_still_tries_is_not_sealed(tmp_path: Path) -> None:
    made = rundir.create(tmp_path, "run-1")
    took = Record(0, "riverside", "run-1", "guardian", "boot", 1, 1, "guardian.took_over", {})
    ended = replace(took, seq=1, kind="guardian.ended")
    first = encode(took, GENESIS)
    journal = made.journal.with_name(rundir.GUARDIAN_JOURNAL)
    journal.write_bytes(first)
    assert "guardian" not in made.seal().read_text()
    journal.write_bytes(first + encode(ended, digest(first)))
    assert "guardian" in made.seal().read_text()


def test_runs_are_found_by_the_beginning_of_their_names(tmp_path: Path) -> None:
    for name in ("2026-01-a", "2026-02-b"):
        rundir.create(tmp_path, name).journal.write_bytes(b"")
    assert rundir.find(tmp_path, "2026-01").run == "2026-01-a"
    assert rundir.find(tmp_path, "last").run == "2026-02-b"
    for asked, what in (("2026", "matches more than one run"), ("2027", "is not a run of this workspace")):
        with pytest.raises(InputError) as refused:
            rundir.find(tmp_path, asked)
        assert str(refused.value) == f"{asked} {what}; the newest are: 2026-02-b, 2026-01-a."


def test_what_a_run_makes_belongs_to_the_group_of_the_folder_of_runs(tmp_path: Path) -> None:
    """By the bit that a folder passes on; without it, requests/ is of a group that no colleague has."""
    runs = tmp_path / "runs"
    runs.mkdir()
    os.chown(runs, -1, 65534)
    runs.chmod(0o2770)
    made = rundir.create(tmp_path, "run-1")
    made.keep("plan.json", "{}")
    anyio.run(_write_durably, made)
    made.hold_conductor()
    paths = [made.root, *made.root.rglob("*")]
    assert {path.name: path.stat().st_gid for path in paths} == dict.fromkeys((path.name for path in paths), 65534)
    assert {"lock.conductor", "journals", "requests", "conductor.jsonl"} <= {path.name for path in paths}
    assert all(path.stat().st_mode & 0o2000 for path in paths if path.is_dir())
