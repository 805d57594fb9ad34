"""Conductor and guardian, each alone: whichever dies or hangs in a hold, the other restores, and nothing isolates again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from islandmode.isolation.nftables.recipe import CAPABILITIES
from islandmode.rehearse.lab import Lab
from islandmode.store.rundir import VERDICT
from islandmode.system.machine_state import own_place
from tests.lab.drills import end, wait_for
from tests.lab.guarded import (
    DRILL,
    NO_WAY_IN,
    RESTORE_WITHIN_S,
    ask,
    conductor_pid,
    end_quietly,
    guardian_pid,
    hold,
    hold_workspace,
    is_isolated,
    kill_both,
    kinds,
    records,
    run_of,
    see_restored,
    stop_to_restored_s,
    wait_restored,
)
from tests.lab.rogue.bypass import in_node
from tests.patience import PATIENCE_S, wait_until
from tests.standing_still import stand_still

pytestmark = pytest.mark.lab

HOLD_BACK = (
    "add table inet holdback; add chain inet holdback out {{ type filter hook output priority 0; }}; "
    "add rule inet holdback out tcp sport {ports} tcp dport 22 meta length > 500 drop"
)
COUNT_LATE = (
    "add table inet late; add chain inet late in {{ type filter hook input priority -20; }}; "
    "add rule inet late in tcp sport {ports} tcp dport 22 meta length > 500 counter"
)


def test_a_conductor_that_is_killed_leaves_it_to_its_guardian(lab: Lab, tmp_path: Path) -> None:
    """The timer still has minutes to go, so it was not the timer. Its terminal's whole process group is killed."""
    workspace = hold_workspace(tmp_path, lab)
    running = hold(workspace, lab)
    guardian = guardian_pid(workspace)
    assert is_isolated(lab)
    os.killpg(running.pid, signal.SIGKILL)
    wait_restored(lab)
    wait_until(lambda: not Path(f"/proc/{guardian}").exists(), "the guardian ends when restoration was seen")
    end_quietly(running)
    took = next(one for one in records(workspace, "guardian") if one["kind"] == "guardian.took_over")
    assert took["data"]["why"] == "The conductor is gone."
    assert stop_to_restored_s(workspace, "guardian", "guardian.took_over") < RESTORE_WITHIN_S
    assert kinds(workspace, "guardian")[-4:] == ["restore.seen", "guardian.agrees", "saved.looked", "guardian.ended"]
    seen = next(one for one in records(workspace, "guardian") if one["kind"] == "restore.seen")
    # What the conductor had sent right before its end may act until then; its timer says the same of every drill.
    assert seen["data"]["asked_us"] - took["mono_us"] >= CAPABILITIES.latest_s * 1_000_000
    assert "restore.ordered" not in kinds(workspace, "conductor")
    status = ask(workspace, lab, "status")
    assert (status.returncode, status.stderr) == (0, "")
    # The run does not vanish with its conductor, nor can it be called unfinished for ever.
    ledger = ask(workspace, lab, "ledger", "--json")
    assert (ledger.returncode, ledger.stderr) == (0, "")
    (attempt,) = json.loads(ledger.stdout)["attempts"]
    assert (attempt["result"], attempt["restoration"], attempt["folder"]) == ("inconclusive", "unproven", "there")


@pytest.mark.more
def test_the_guardian_of_a_conductor_that_was_killed_writes_the_verdict_and_show_tells_it(
    lab: Lab, tmp_path: Path
) -> None:
    workspace = hold_workspace(tmp_path, lab)
    running = hold(workspace, lab)
    guardian, run = guardian_pid(workspace), run_of(workspace)
    assert not (run / VERDICT).exists()
    os.kill(conductor_pid(workspace), signal.SIGKILL)
    wait_restored(lab)
    wait_until(lambda: not Path(f"/proc/{guardian}").exists(), "the guardian ends when the verdict is written")
    end_quietly(running)
    verdict = json.loads((run / VERDICT).read_text(encoding="utf-8"))
    # It cannot be better than that: nobody collected what the far vantages saw, or compared the configuration.
    assert (verdict["verdict"], verdict["restoration"]) == ("inconclusive", "unproven")
    (died,) = (one for one in verdict["findings"] if one["code"] == "conductor-died")
    assert f"  {VERDICT}" in (run / "SHA256SUMS").read_text(encoding="utf-8")
    shown = ask(workspace, lab, "show", run.name)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert shown.stdout.startswith(f"{run.name}: verdict inconclusive, restoration unproven")
    assert f"  inconclusive: {died['sentence']}" in shown.stdout
    as_json = ask(workspace, lab, "show", run.name, "--json")
    assert json.loads(as_json.stdout) == verdict


@pytest.mark.more
def test_a_conductor_that_sleeps_through_the_restore_isolates_nothing_when_it_wakes(lab: Lab, tmp_path: Path) -> None:
    """Stopped in the first hold, woken when its second stage is overdue."""
    workspace = hold_workspace(tmp_path, lab, lambda text: text.replace("hold: 2 s", "hold: 8 s"))
    running = hold(workspace, lab)
    conductor = conductor_pid(workspace)
    stand_still(conductor)
    try:
        wait_restored(lab)
        assert "guardian.took_over" in kinds(workspace, "guardian")
        time.sleep(7.0)
    finally:
        os.kill(conductor, signal.SIGCONT)
    ended = end(running, workspace)
    assert not is_isolated(lab)
    # It may write down what it would do next, where an answer from before its sleep was just being read; it orders nothing.
    stages = [one["data"]["stage"] for one in records(workspace, "conductor") if one["kind"] == "isolate.result"]
    assert stages == ["vendors"]
    assert ended.code in (1, 3), ended.output
    assert ended.verdict["restoration"] == "proven"


@pytest.mark.more
def test_a_guardian_that_is_killed_makes_the_conductor_restore(lab: Lab, tmp_path: Path) -> None:
    workspace = hold_workspace(tmp_path, lab)
    running = hold(workspace, lab)
    os.kill(guardian_pid(workspace), signal.SIGKILL)
    wait_restored(lab)
    ended = end(running, workspace)
    assert (ended.code, ended.verdict["restoration"]) == (3, "proven"), ended.output
    stop = next(one for one in ended.records() if one["kind"] == "stop")
    assert stop["data"] == {"by": "guardian", "why": "The guardian is gone.", "proven": True}
    assert stop_to_restored_s(workspace) < RESTORE_WITHIN_S


@pytest.mark.more
def test_a_guardian_that_hangs_makes_the_conductor_restore(lab: Lab, tmp_path: Path) -> None:
    workspace = hold_workspace(tmp_path, lab)
    running = hold(workspace, lab)
    guardian = guardian_pid(workspace)
    stand_still(guardian)
    try:
        wait_restored(lab)
        ended = end(running, workspace)
    finally:
        os.kill(guardian, signal.SIGCONT)
    assert (ended.code, ended.verdict["restoration"]) == (3, "proven"), ended.output
    stop = next(one for one in ended.records() if one["kind"] == "stop")
    assert "was not heard for" in stop["data"]["why"]
    assert stop_to_restored_s(workspace) < RESTORE_WITHIN_S
    wait_until(lambda: not Path(f"/proc/{guardian}").exists(), "a guardian that wakes up looks, agrees and ends")


@pytest.mark.more
def test_a_guardian_that_is_told_to_end_restores_first(lab: Lab, tmp_path: Path) -> None:
    """A machine that stops its services sends TERM to every process."""
    workspace = hold_workspace(tmp_path, lab)
    running = hold(workspace, lab)
    stand_still(conductor_pid(workspace))
    os.kill(guardian_pid(workspace), signal.SIGTERM)
    wait_restored(lab)
    took = next(one for one in records(workspace, "guardian") if one["kind"] == "guardian.took_over")
    assert "SIGTERM was received" in took["data"]["why"]
    end_quietly(running)


@pytest.mark.more
def test_with_the_way_to_the_firewall_lost_the_guardian_goes_on_and_every_command_says_so(
    lab: Lab, tmp_path: Path
) -> None:
    workspace = hold_workspace(tmp_path, lab)
    running = hold(workspace, lab)
    guardian = guardian_pid(workspace)
    in_node(lab, "fw", "nft", NO_WAY_IN)
    try:
        running.kill()
        end_quietly(running)
        wait_until(lambda: "restore.attempt" in kinds(workspace, "guardian"), "a first attempt")
        assert is_isolated(lab)
        status = ask(workspace, lab, "status")
        assert status.returncode == 5
        assert "STRANDED" in status.stderr
        assert "its guardian still tries" in status.stderr
        assert "STRANDED" in ask(workspace, lab, "lab", "status").stderr
        again = ask(workspace, lab, "run", DRILL, "--mode", "rehearsal")
        assert again.returncode == 4
        assert "First restore it: islandmode restore" in again.stderr
    finally:
        in_node(lab, "fw", "nft", "delete", "table", "inet", "noway")
    wait_until(lambda: not Path(f"/proc/{guardian}").exists(), "the guardian ends when it has seen it")
    assert kinds(workspace, "guardian")[-4:] == ["restore.seen", "guardian.agrees", "saved.looked", "guardian.ended"]
    assert ask(workspace, lab, "status").returncode == 0


def test_when_both_are_dead_a_restore_by_hand_brings_it_back(lab: Lab, tmp_path: Path) -> None:
    workspace = hold_workspace(tmp_path, lab)
    running = hold(workspace, lab)
    kill_both(workspace, running)
    assert is_isolated(lab)
    # Not even a conductor's journal that lost its end, cleanly, hides what the guardian was told.
    journal = run_of(workspace) / "journals" / "conductor.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(
        b"".join(line for line in lines[: next(at for at, line in enumerate(lines) if b"arm.intent" in line)])
    )
    assert "no guardian is running" in ask(workspace, lab, "status").stderr
    restored = ask(workspace, lab, "restore")
    assert restored.returncode == 0, restored.stderr
    assert "conduit-firewall was read back without Islandmode objects" in restored.stdout
    see_restored(lab)
    assert ask(workspace, lab, "status").returncode == 0
    assert "nothing to restore" in ask(workspace, lab, "restore", "last").stdout


@pytest.mark.more
def test_a_restore_by_the_drill_needs_no_record_of_the_run(lab: Lab, tmp_path: Path) -> None:
    """The run's directory is spoilt, and so is the machine's own record: the drill's file is enough."""
    workspace = hold_workspace(tmp_path, lab)
    running = hold(workspace, lab)
    kill_both(workspace, running)
    recorded = own_place() / "runs" / f"{run_of(workspace).name}.plan"
    for path in (*(workspace / "runs").rglob("plan.json"), recorded):
        path.unlink()
    assert "STRANDED" in ask(workspace, lab, "status").stderr
    unable = ask(workspace, lab, "restore")
    # Not only bad input: something is isolated, and was not seen back.
    assert unable.returncode == 5
    assert "islandmode restore --drill" in unable.stderr
    assert is_isolated(lab)
    assert ask(workspace, lab, "restore", "--drill", "quarterly-isolation").returncode == 0
    see_restored(lab)
    status = ask(workspace, lab, "status")
    assert (status.returncode, status.stderr) == (0, "")


@pytest.mark.more
def test_a_run_of_which_nothing_can_be_read_keeps_its_alarm_until_its_whole_site_was_seen_clear(
    lab: Lab, tmp_path: Path
) -> None:
    workspace = hold_workspace(tmp_path, lab)
    running = hold(workspace, lab)
    kill_both(workspace, running)
    run = run_of(workspace)
    for path in (run / "plan.json", *(own_place() / "runs").glob(f"{run.name}.*")):
        path.unlink()
    (run / "journals" / "conductor.jsonl").write_text("{", encoding="utf-8")
    unreadable = f"{run.name} may have left anything isolated: {run / 'plan.json'} cannot be read"
    refused = ask(workspace, lab, "run", "quarterly-isolation", "--mode", "rehearsal")
    assert (refused.returncode, f"Run {unreadable}" in refused.stderr) == (4, True), refused.stderr
    assert "restore --drill NAME" in refused.stderr
    assert "with a drill of its site" in refused.stderr
    assert unreadable.removeprefix(run.name) in ask(workspace, lab, "status").stderr
    # It may have isolated what this drill does not: what stands there keeps the alarm.
    in_node(lab, "fw", "nft", "add", "table", "inet", "islandmode_other")
    stays = ask(workspace, lab, "restore", "--drill", "quarterly-isolation")
    assert f"{run.name}: its record cannot be read, and its alarm stays: " in stays.stderr
    assert "conduit-firewall still has islandmode_other" in stays.stderr
    assert ask(workspace, lab, "status").returncode == 5
    in_node(lab, "fw", "nft", "delete", "table", "inet", "islandmode_other")
    ended = ask(workspace, lab, "restore", "--drill", "quarterly-isolation")
    assert ended.returncode == 0, ended.stderr
    # On a busy machine it says beside that how long it took to read a record.
    assert "alarm stays" not in ended.stderr
    assert (
        f"{run.name}: its record cannot be read; every isolation point of site riverside was seen without"
        in ended.stdout
    )
    status = ask(workspace, lab, "status")
    assert (status.returncode, status.stderr) == (0, "")


def test_an_isolate_that_was_held_back_on_its_way_does_nothing_after_the_restore(lab: Lab, tmp_path: Path) -> None:
    """Its packets are dropped and the conductor is killed; the kernel delivers them when it can.

    Only long packets: asking the firewall for its state goes on, or the conductor would not isolate any more.
    """
    workspace = hold_workspace(tmp_path, lab, lambda text: text.replace("hold: 2 s", "hold: 3 s"))
    running = hold(workspace, lab)
    ports = sorted(set(ports_of(lab, conductor_pid(workspace))))
    assert ports
    which = "{ " + ", ".join(map(str, ports)) + " }"
    in_node(lab, "fw", "nft", COUNT_LATE.format(ports=which))
    in_node(lab, "ops", "nft", HOLD_BACK.format(ports=which))
    try:
        wait_for(running, workspace, "isolate.intent", stage="corporate")
        time.sleep(0.3)
        running.kill()
        wait_restored(lab)
        end_quietly(running)
        in_node(lab, "ops", "nft", "delete", "table", "inet", "holdback")
        wait_until(lambda: "packets 0 " not in in_node(lab, "fw", "nft", "list", "table", "inet", "late"), "it arrives")
        time.sleep(1.0)
        assert not is_isolated(lab)
        see_restored(lab)
    finally:
        in_node(lab, "ops", "nft", "delete", "table", "inet", "holdback", check=False)
        in_node(lab, "fw", "nft", "delete", "table", "inet", "late", check=False)


def ports_of(lab: Lab, pid: int) -> list[int]:
    """Name the local ports of a process's SSH connections."""
    ask_kernel = ("ss", "-Htnp", "state", "established", "dport", "= :22")
    argv = lab.enter("ops", ask_kernel, network_only=True)
    lines = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=PATIENCE_S).stdout.splitlines()
    return [int(line.split()[2].rsplit(":", 1)[1]) for line in lines if f"pid={pid}," in line]
