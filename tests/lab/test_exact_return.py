"""What stands on the firewall after a drill is what stood there before, but for what others changed, which is named."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from islandmode.isolation.nftables.recipe import MEND_SAVED
from islandmode.rehearse.lab import Lab
from tests.lab.drills import end, make_workspace, start, wait_for
from tests.lab.guarded import (
    ask,
    end_quietly,
    guardian_pid,
    hold,
    hold_workspace,
    is_isolated,
    kill_both,
    run_of,
)
from tests.lab.rogue.bypass import in_node
from tests.patience import wait_until

pytestmark = pytest.mark.lab

SAVED = "/etc/nftables.conf"
CONDUITS = ("remote-access", "corporate-dmz", "corporate-line3")


@pytest.fixture(autouse=True)
def saved_stays(lab: Lab) -> Iterator[None]:
    """After every test the firewall's saved and running rules are the lab's own again."""
    in_node(lab, "fw", "cp", SAVED, "/run/saved")
    yield
    in_node(lab, "fw", "sh", "-c", f"cat /run/saved >{SAVED}")
    in_node(lab, "fw", "nft", "-f", SAVED)


def shell(lab: Lab, command: str) -> str:
    return in_node(lab, "fw", "sh", "-c", command)


def everything(lab: Lab) -> str:
    """Read what a drill must leave as it was, without asking the product."""
    looks = (
        "nft -s list ruleset",
        f"cat {SAVED}",
        "ip route",
        "ip -6 route",
        "ip rule",
        "ip -br address",
        "ip -o link",
    )
    return "\n".join(shell(lab, look) for look in looks)


def test_a_colleagues_edits_in_the_hold_are_kept_and_named(lab: Lab, tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path, lab.state_dir)
    before = everything(lab)
    running = start(workspace, lab.name)
    wait_for(running, workspace, "hold.started", stage="vendors")
    shell(
        lab, "nft add rule inet plant forward tcp dport 4711 counter drop; ip route add 198.51.100.0/24 via 10.10.0.254"
    )
    # A comment that mentions Islandmode in the saved configuration is a person's edit, not an Islandmode object.
    shell(lab, f"echo '# untouched for the islandmode_ drill' >>{SAVED}; ip link set eth2 mtu 1400")
    edited = shell(lab, "nft -s list ruleset | grep -c 4711; ip route; ip -o link show eth2")
    ended = end(running, workspace)
    assert "mtu 1400" in shell(lab, "ip -o link show eth2")
    shell(lab, "ip route del 198.51.100.0/24; ip link set eth2 mtu 1500")
    assert (ended.code, ended.verdict["restoration"]) == (0, "proven"), ended.output
    notes = [one["sentence"] for one in ended.verdict["findings"] if one["code"] == "edited-meanwhile"]
    assert any("+ tcp dport 4711" in note and "that edit was kept" in note for note in notes), notes
    assert any("+ 198.51.100.0/24 via 10.10.0.254" in note for note in notes), notes
    assert any("+ # untouched for" in note and "saved configuration" in note for note in notes), notes
    assert any("somebody else edited its interfaces" in note and "mtu 1400" in note for note in notes), notes
    report = (ended.directory / "report.html").read_text(encoding="utf-8") if ended.directory else ""
    assert all(what in report for what in ("+\t\ttcp dport 4711", "+198.51.100.0/24", "mtu 1400"))
    assert shell(lab, "nft -s list ruleset | grep -c 4711") in edited
    shell(lab, f"cat /run/saved >{SAVED}; nft -f {SAVED}")
    assert everything(lab) == before


def test_a_drill_nobody_disturbs_leaves_every_byte_as_it_was(lab: Lab, tmp_path: Path) -> None:
    before = everything(lab)
    workspace = make_workspace(tmp_path, lab.state_dir)
    ended = end(start(workspace, lab.name), workspace)
    assert (ended.code, everything(lab)) == (0, before)
    compared = [one["data"] for one in ended.records() if one["kind"] == "configuration.compared"]
    assert {one["part"] for one in compared} >= {"running", "saved", "routes", "routes-v6", "addresses", "interfaces"}
    assert all(one["same"] for one in compared)
    resumed = [one["sentence"] for one in ended.verdict["findings"] if one["code"] == "old-connection"]
    assert len(resumed) == 3
    assert all("is reported, not required" in sentence for sentence in resumed)


@pytest.mark.more
def test_an_isolation_that_somebody_saved_is_unproven_and_refused_until_it_is_mended(lab: Lab, tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path, lab.state_dir)
    running = start(workspace, lab.name)
    wait_for(running, workspace, "hold.started", stage="corporate")
    shell(lab, f"nft add counter inet plant mine; {{ echo flush ruleset; nft -a list ruleset; }} >{SAVED}")
    ended = end(running, workspace)
    assert (ended.code, ended.verdict["restoration"]) == (5, "unproven"), ended.output
    left = ended.finding("ours-left")["sentence"]
    assert "left in its saved configuration" in left
    assert left.endswith(MEND_SAVED)
    assert "+ counter mine" in "".join(one["sentence"] for one in ended.verdict["findings"])
    # The run that was not proven keeps the next one waiting, and no restore ends that before the saved rules are mended.
    again = end(start(workspace, lab.name), workspace)
    assert (again.code, f"islandmode restore {run_of(workspace).name}" in again.output) == (4, True), again.output
    for _ in range(2):
        refused = ask(workspace, lab, "restore")
        assert (refused.returncode, MEND_SAVED in refused.stderr) == (5, True), refused.stderr
    assert ask(workspace, lab, "status").returncode == 5
    shell(lab, MEND_SAVED)
    assert "islandmode_" not in shell(lab, f"cat {SAVED}")
    assert "table inet plant" in shell(lab, f"cat {SAVED}")
    # The command above is the whole fix: a restore looks once more, and the next drill is refused no more.
    assert ask(workspace, lab, "restore").returncode == 0
    mended = end(start(workspace, lab.name), workspace)
    assert mended.code == 0, mended.output


@pytest.mark.more
def test_a_stranded_run_whose_isolation_somebody_saved_keeps_its_alarm_until_that_is_mended(
    lab: Lab, tmp_path: Path
) -> None:
    """Both ways of restoring see the device clear, and a restart would isolate again."""
    workspace = hold_workspace(tmp_path, lab)
    running = hold(workspace, lab)
    shell(lab, f"{{ echo flush ruleset; nft list ruleset; }} >{SAVED}")
    kill_both(workspace, running)
    for restore in (("restore",), ("restore", "--drill", "quarterly-isolation")):
        left = ask(workspace, lab, *restore)
        assert (left.returncode, MEND_SAVED in left.stderr) == (5, True), left.stderr
        assert not is_isolated(lab)
        status = ask(workspace, lab, "status")
        assert status.returncode == 5
        assert "was seen without Islandmode objects, but its saved configuration still holds one" in status.stderr
    shell(lab, MEND_SAVED)
    mended = ask(workspace, lab, "restore")
    assert mended.returncode == 0, mended.stderr
    assert "was read back without Islandmode objects, and none is saved there" in mended.stdout
    assert ask(workspace, lab, "status").returncode == 0


@pytest.mark.more
def test_a_guardian_that_restored_what_somebody_saved_keeps_the_alarm(lab: Lab, tmp_path: Path) -> None:
    """The conductor is killed; its guardian sees the device clear, and reads that a restart would isolate again."""
    workspace = hold_workspace(tmp_path, lab)
    running = hold(workspace, lab)
    guardian = guardian_pid(workspace)
    shell(lab, f"{{ echo flush ruleset; nft list ruleset; }} >{SAVED}")
    os.killpg(running.pid, signal.SIGKILL)
    wait_until(lambda: not Path(f"/proc/{guardian}").exists(), "the guardian ends when it has looked")
    end_quietly(running)
    assert not is_isolated(lab)
    status = ask(workspace, lab, "status")
    assert (status.returncode, "its saved configuration still holds one" in status.stderr) == (5, True), status.stderr
    shell(lab, MEND_SAVED)
    assert ask(workspace, lab, "restore").returncode == 0
    assert ask(workspace, lab, "status").returncode == 0


@pytest.mark.more
def test_a_ruleset_that_is_loaded_again_in_the_hold_is_a_breach_and_isolates_nothing_again(
    lab: Lab, tmp_path: Path
) -> None:
    workspace = make_workspace(tmp_path, lab.state_dir)
    running = start(workspace, lab.name)
    wait_for(running, workspace, "dead_man.read", isolating=dict.fromkeys(CONDUITS, True))
    shell(lab, f"nft -f {SAVED}; nft add rule inet plant forward tcp dport 4711 accept")
    ended = end(running, workspace)
    assert not is_isolated(lab)
    assert (ended.code, ended.verdict["restoration"]) == (1, "proven"), ended.output
    assert "dead-man" in ended.codes()
    said = ended.finding("dead-man")["sentence"]
    assert "somebody removed it with" in said
    # A look may come in the middle of the reload, when only some of the objects are gone.
    gone = re.search(r"([a-z0-9, -]+) last stood there at ", said)
    assert gone is not None, said
    assert set(gone[1].strip().split(", ")) <= set(CONDUITS)
    assert "Also changed there: running (+ tcp dport 4711 accept; loaded again: table inet plant {)." in said
    assert "their counters began anew" in ended.finding("loaded-again")["sentence"]
    kinds = ended.kinds()
    assert "isolate.intent" not in kinds[kinds.index("restore.ordered") :]
    assert run_of(workspace) == ended.directory
