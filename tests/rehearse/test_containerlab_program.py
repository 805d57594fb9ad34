"""Containerlab's surroundings without containerlab: what stands before it, what its log says, and what is pinned of it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from islandmode.core.errors import Refused
from islandmode.rehearse import keys
from islandmode.rehearse.containers import program as containerlab_program
from islandmode.rehearse.lab import LabFailed
from islandmode.rehearse.own_code import code_digest, copy_code
from tests.lab.drills import PROJECT
from tests.patience import PATIENCE_S

LAB = PROJECT / "lab"
LOG = """22:15:55 INFO Creating container name=erp
22:15:55 ERRO Failed to execute command command="sh /run/plant/start.sh nobody" node=erp rc=2 stdout=""
  stderr=
  │ start.sh: no node nobody
22:15:55 INFO Executed command node=fw command="sh /run/plant/start.sh fw" stdout=""
"""


def program(folder: Path, text: str) -> None:
    """Put a containerlab of one's own into a folder of the search path."""
    (folder / "containerlab").write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    (folder / "containerlab").chmod(0o755)


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A search path that begins with a folder of the test's own, on a kernel that has modules."""
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    (tmp_path / "modules").touch()
    monkeypatch.setattr(containerlab_program, "MODULES", tmp_path / "modules")
    return tmp_path


def test_on_an_ordinary_kernel_it_is_run_as_it_is(own: Path, capfd: pytest.CaptureFixture[str]) -> None:
    program(own, f'echo "$@" >{own}/said; ls /proc/1 >/dev/null && readlink /proc/self/ns/mnt >{own}/mounts')
    containerlab_program.run_program(("deploy", "--topo", "x"), base=own, within_s=10)
    assert (own / "said").read_text(encoding="utf-8") == "deploy --topo x\n"
    assert (own / "mounts").read_text(encoding="utf-8").strip() == str(Path("/proc/self/ns/mnt").readlink())
    assert capfd.readouterr().err == ""


def mounts_in_reach(own: Path) -> list[str]:
    """List this machine's mounts where the program's would be; elsewhere they come and go with other tests."""
    mounts = Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()
    return sorted(line for line in mounts if line.split()[1].startswith(("/proc", "/sys", str(own))))


@pytest.mark.lab
def test_on_a_kernel_without_modules_it_is_helped_past_that_and_that_is_said(
    own: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (own / "modules").unlink()
    # It sees an empty list of modules, itself, every process of this machine, and what the kernel is told.
    program(own, f"test -e /proc/modules && cat /proc/modules /proc/{os.getpid()}/comm /proc/self/comm >{own}/said")
    before = mounts_in_reach(own)
    containerlab_program.run_program(("deploy",), base=own, within_s=30)
    comm = Path("/proc/self/comm").read_text(encoding="utf-8")
    assert (own / "said").read_text(encoding="utf-8") == f"{comm}cat\n"
    assert mounts_in_reach(own) == before
    assert "This kernel has no loadable modules" in capfd.readouterr().err


def test_what_it_says_when_it_fails_is_one_sentence(own: Path) -> None:
    program(own, "printf '22:15:55 INFO Reading\\n22:15:55 ERRO pool overlaps\\n  ERROR\\n  long story.\\n'; exit 1")
    with pytest.raises(LabFailed, match=r"^Containerlab could not deploy the lab: pool overlaps$"):
        containerlab_program.run_program(("deploy",), base=own, within_s=10)
    program(own, "exit 3")
    with pytest.raises(LabFailed, match=r"^Containerlab could not deploy the lab: it said nothing\.$"):
        containerlab_program.run_program(("deploy",), base=own, within_s=10)
    program(own, "sleep 60")
    with pytest.raises(LabFailed, match=r"^Containerlab did not deploy within 0\.2 s\.$"):
        containerlab_program.run_program(("deploy",), base=own, within_s=0.2)


def test_a_node_that_did_not_boot_is_found_in_its_log(own: Path) -> None:
    assert containerlab_program.boots_that_failed(LOG) == {"erp": "start.sh: no node nobody"}
    (own / "log").write_text(LOG, encoding="utf-8")
    program(own, f"cat {own}/log >&2")
    with pytest.raises(LabFailed, match=r"^erp did not boot: start\.sh: no node nobody$"):
        containerlab_program.run_program(("deploy",), base=own, within_s=10)


def test_an_account_without_root_is_told_so_unless_the_program_brings_the_right(
    own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(own, "true")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(Refused, match="run this command as root"):
        containerlab_program.program()
    (own / "containerlab").chmod(0o4755)
    assert containerlab_program.program() == str(own / "containerlab")


def test_the_pinned_release_is_the_one_that_is_looked_for() -> None:
    module = (LAB / "tools" / "go.mod").read_text(encoding="utf-8")
    assert re.findall(r"github\.com/srl-labs/containerlab v(\S+)", module) == [containerlab_program.VERSION]
    assert "tool github.com/srl-labs/containerlab\n" in module
    assert "replace" not in module
    sums = (LAB / "tools" / "go.sum").read_text(encoding="utf-8").splitlines()
    assert [line for line in sums if not re.fullmatch(r"\S+ v\S+ h1:[A-Za-z0-9+/]{43}=", line)] == []


def test_the_image_gives_the_account_what_namespaces_give_it() -> None:
    dockerfile = (LAB / "Dockerfile").read_text(encoding="utf-8")
    assert f"'{keys.SUDOERS.strip()}'" in dockerfile
    assert f"--uid {keys.USER_ID} " in dockerfile
    assert re.search(r"^ARG BASE=debian:\S+-slim@sha256:[0-9a-f]{64}$", dockerfile, flags=re.MULTILINE)


def test_the_code_that_is_copied_is_the_code_that_runs(tmp_path: Path) -> None:
    assert copy_code(tmp_path / "code") == code_digest()
    ask = "from islandmode.rehearse.own_code import code_digest; print(code_digest())"
    argv = [sys.executable, "-c", ask]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "code"), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(argv, capture_output=True, text=True, check=True, env=environment, cwd=tmp_path)
    assert done.stdout.strip() == code_digest()
    assert not list((tmp_path / "code").rglob("__pycache__"))
    # A page that would be filled in otherwise is other code.
    for name in ("ui/templates/card.html", "run/restore.py"):
        before = done.stdout
        (tmp_path / "code" / "islandmode" / name).write_text("\n", encoding="utf-8")
        done = subprocess.run(argv, capture_output=True, text=True, check=True, env=environment, cwd=tmp_path)
        assert done.stdout != before


def test_a_container_that_starts_clears_run_and_nothing_that_is_mounted(tmp_path: Path) -> None:
    """With some of Docker's storage drivers a mounted folder is on the same file system as the rest: only mounts tell."""
    script = (LAB / "node-init").read_text(encoding="utf-8")
    run = tmp_path / "run"
    for name in ("workspace/plant", "outer/inner", "left", ".hidden", "with space", "a+b"):
        (run / name).mkdir(parents=True)
        (run / name / "file").touch()
    mounts = tmp_path / "mountinfo"
    mounted = (f"{run}/workspace", f"{run}/outer/inner", f"{run}/with\\040space", f"{run}/a+b")
    mounts.write_text("".join(f"1 2 3 / {path} rw - x\n" for path in mounted), encoding="utf-8")
    changed = (
        script.replace("/proc/self/mountinfo", str(mounts)).replace("/run", str(run)).replace("exec sleep infinity", "")
    )
    subprocess.run(["sh", "-c", changed], check=True, timeout=PATIENCE_S)
    assert sorted(path.name for path in run.iterdir()) == ["a+b", "lock", "outer", "with space", "workspace"]
    for name in ("workspace/plant", "outer/inner", "with space", "a+b"):
        assert (run / name / "file").exists()
    # Without a list of mounts nothing is taken away.
    (run / "left").mkdir()
    mounts.write_text("", encoding="utf-8")
    subprocess.run(["sh", "-c", changed], check=True, timeout=PATIENCE_S)
    assert (run / "left").exists()
