"""`islandmode abort` in the middle of a long hold: from any account and with anything broken, the plant is back in time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from islandmode.core.request import Request, write_request
from islandmode.rehearse.lab import Lab
from tests.lab.drills import end, start, wait_for
from tests.lab.guarded import (
    RESTORE_WITHIN_S,
    ask,
    assert_aborted,
    conductor_pid,
    end_quietly,
    guardian_pid,
    hold,
    hold_workspace,
    is_isolated,
    kinds,
    records,
    run_of,
    see_restored,
    settling,
    stop_to_restored_s,
    wait_restored,
)
from tests.lab.rogue.bypass import in_node
from tests.patience import PATIENCE_S, wait_until
from tests.standing_still import stand_still
from tests.system.small_disk import fill_up

pytestmark = pytest.mark.lab

SITE = "inventory/riverside.yaml"
NOBODY = 65534
AS_NOBODY = f"""
import encodings.ascii, os, pwd, sys
import islandmode.run.outermost, islandmode.ui.program, islandmode.operate.stop, islandmode.operate.restoring, islandmode.ui.status, islandmode.ui.banner
from pathlib import Path
pwd.getpwuid({NOBODY})
os.setgroups([]); os.setgid(0); os.setuid({NOBODY})
sys.exit(islandmode.ui.program.command(sys.argv[1:]))
"""


def test_an_abort_restores_and_the_record_is_whole(lab: Lab, tmp_path: Path) -> None:
    workspace = hold_workspace(tmp_path, lab)
    running = hold(workspace, lab)
    aborted = ask(workspace, lab, "abort")
    assert_aborted(aborted, run_of(workspace).name)
    see_restored(lab)
    ended = end(running, workspace)
    assert (ended.code, ended.verdict["restoration"]) == (3, "proven"), ended.output
    assert "root asked for it." in ended.finding("stopped-by-person")["sentence"]
    assert stop_to_restored_s(workspace) < RESTORE_WITHIN_S
    assert "No run is going on." in ask(workspace, lab, "abort").stdout


def test_an_abort_in_the_baseline_arms_nothing(lab: Lab, tmp_path: Path) -> None:
    workspace = hold_workspace(tmp_path, lab, settling)
    running = start(workspace, lab.name)
    wait_for(running, workspace, "baseline.started")
    assert ask(workspace, lab, "abort").returncode == 0
    ended = end(running, workspace)
    assert ended.code == 4, ended.output
    assert "Stopped before anything was armed" in ended.output
    assert "arm.intent" not in ended.kinds()


@pytest.mark.more
def test_another_account_of_the_group_may_abort(lab: Lab, open_folder: Path) -> None:
    """It may not signal the conductor: the file of the request is enough."""
    workspace = hold_workspace(open_folder, lab)
    running = hold(workspace, lab)
    argv = [sys.executable, "-c", AS_NOBODY, "abort", "--workspace", str(workspace), "--lab", lab.name]
    aborted = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    assert aborted.returncode == 0, aborted.stderr
    ended = end(running, workspace)
    stop = next(one for one in ended.records() if one["kind"] == "stop")
    assert stop["data"] == {"by": "abort", "why": "nobody asked for it.", "proven": True}
    assert stop_to_restored_s(workspace) < RESTORE_WITHIN_S
    assert not is_isolated(lab)


@pytest.mark.more
def test_with_the_conductor_stopped_an_abort_restores_all_the_same(lab: Lab, tmp_path: Path) -> None:
    workspace = hold_workspace(tmp_path, lab)
    running = hold(workspace, lab)
    stand_still(conductor_pid(workspace))
    aborted = ask(workspace, lab, "abort")
    assert aborted.returncode == 0, aborted.stderr
    see_restored(lab)
    took = next(one for one in records(workspace, "guardian") if one["kind"] == "guardian.took_over")
    assert "root asked for an abort" in took["data"]["why"] or "not heard" in took["data"]["why"]
    assert stop_to_restored_s(workspace, "guardian", "guardian.took_over") < RESTORE_WITHIN_S
    assert "restoration proven" in end_quietly(running)


@pytest.mark.more
def test_with_conductor_and_guardian_stopped_the_abort_restores_by_itself(lab: Lab, tmp_path: Path) -> None:
    workspace = hold_workspace(tmp_path, lab)
    running = hold(workspace, lab)
    guardian = guardian_pid(workspace)
    stand_still(guardian)
    stand_still(conductor_pid(workspace))
    try:
        aborted = ask(workspace, lab, "abort")
        assert aborted.returncode == 0, aborted.stderr
        assert "restored by this command" in aborted.stdout
        see_restored(lab)
    finally:
        os.kill(guardian, signal.SIGCONT)
        end_quietly(running)
    assert not is_isolated(lab)
    wait_until(lambda: not Path(f"/proc/{guardian}").exists(), "the guardian ends")


@pytest.mark.more
def test_with_the_disk_full_an_abort_restores_all_the_same(lab: Lab, tmp_path: Path) -> None:
    workspace = hold_workspace(tmp_path, lab)
    runs = workspace / "runs"
    runs.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(runs)], check=True, timeout=PATIENCE_S)
    try:
        running = hold(workspace, lab)
        fill_up(runs)
        aborted = ask(workspace, lab, "abort")
        assert aborted.returncode == 0, aborted.stderr
        see_restored(lab)
        (runs / "neighbour").unlink()
        end_quietly(running)
        assert stop_to_restored_s(workspace) < RESTORE_WITHIN_S
    finally:
        subprocess.run(["umount", "--lazy", str(runs)], check=True, timeout=PATIENCE_S)


@pytest.mark.more
def test_what_else_lies_in_the_folder_keeps_no_request_from_being_heard(lab: Lab, tmp_path: Path) -> None:
    """A pipe, a folder and a link under a request's name; the abort has only its file, since nothing is signalled."""
    workspace = hold_workspace(tmp_path, lab)
    running = hold(workspace, lab)
    directory = run_of(workspace)
    os.mkfifo(directory / "requests" / "0.json")
    (directory / "requests" / "1.json").mkdir()
    (directory / "requests" / "2.json").symlink_to("2.json")
    (directory / "verdict.json").mkdir()
    request = Request("abort", directory.name, "a1", "a person", 1 << 60)
    (directory / "requests" / "z.json").write_bytes(write_request(request))
    wait_restored(lab)
    assert ask(workspace, lab, "status").returncode in (0, 5)
    (directory / "verdict.json").rmdir()
    end_quietly(running)
    stop = next(one for one in records(workspace, "conductor") if one["kind"] == "stop")
    assert stop["data"] == {"by": "abort", "why": "a person asked for it.", "proven": True}


@pytest.mark.more
def test_a_request_that_is_none_is_recorded_and_stops_nothing(lab: Lab, tmp_path: Path) -> None:
    workspace = hold_workspace(tmp_path, lab)
    running = hold(workspace, lab)
    folder = run_of(workspace) / "requests"
    for name, data in (
        ("half.json", '{"v": 1, "kind": "ab'),
        ("foreign.json", '{"v": 1}'),
        ("odd.json", "please stop"),
    ):
        (folder / name).write_text(data, encoding="utf-8")
    wait_until(lambda: kinds(workspace, "conductor").count("request.ignored") == 3, "all three are recorded")
    assert is_isolated(lab)
    assert ask(workspace, lab, "abort").returncode == 0
    end_quietly(running)
    why = {
        one["data"]["file"]: one["data"]["why"] for one in records(workspace, "conductor") if "ignored" in one["kind"]
    }
    assert why["half.json"] == "it is half-written"
    assert why["odd.json"] == "it is not a request"


@pytest.mark.more
def test_a_secret_that_only_this_shell_has_is_refused(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The conductor could log in with it; a guardian that outlives the shell, or a colleague's restore, could not."""
    monkeypatch.setenv("FIREWALL_PASSWORD", lab.secret("conduit-firewall"))
    shell = {SITE: lambda text: text.replace("lab:conduit-firewall", "env:FIREWALL_PASSWORD")}
    workspace = hold_workspace(tmp_path, lab, more=shell)
    ended = end(start(workspace, lab.name, again=0), workspace)
    assert ended.code == 4, ended.output
    assert "FIREWALL_PASSWORD" in ended.output
    assert "arm.intent" not in ended.kinds()


@pytest.mark.more
def test_a_firewall_that_lets_nobody_in_any_more_is_restored_before_it_is_held(lab: Lab, tmp_path: Path) -> None:
    """The open session still works, so nothing else would notice that we locked ourselves out."""
    workspace = hold_workspace(tmp_path, lab, lambda text: text.replace("hold: 3 s", "hold: 2 min"))
    running = start(workspace, lab.name)
    wait_for(running, workspace, "hold.started", stage="vendors")
    lines = (
        "add table inet lockout; add chain inet lockout in { type filter hook input priority -20; }; "
        "add rule inet lockout in tcp dport 22 ct state new drop"
    )
    in_node(lab, "fw", "nft", lines)
    try:
        wait_for(running, workspace, "restore.seen")
    finally:
        in_node(lab, "fw", "nft", "delete", "table", "inet", "lockout")
    ended = end(running, workspace)
    assert (ended.code, ended.verdict["restoration"]) == (1, "proven"), ended.output
    assert ended.finding("locked-out")
    holds = [one["data"]["stage"] for one in ended.records() if one["kind"] == "hold.started"]
    assert holds == ["vendors"]


@pytest.mark.more
def test_a_timer_that_somebody_else_set_is_no_dead_man(lab: Lab, tmp_path: Path) -> None:
    workspace = hold_workspace(tmp_path, lab)
    running = hold(workspace, lab)
    armed = "inet islandmode_remote_access armed"
    pairs = '"eth2" . "eth4", "eth4" . "eth2", "eth2" . "eth2"'
    longer = ", ".join(f"{pair} timeout 1h" for pair in pairs.split(", "))
    in_node(lab, "fw", "nft", f"delete element {armed} {{ {pairs} }}; add element {armed} {{ {longer} }}")
    wait_restored(lab)
    ended = end(running, workspace)
    assert ended.verdict["restoration"] == "proven", ended.output
    assert "somebody else set it" in ended.finding("dead-man")["sentence"]
