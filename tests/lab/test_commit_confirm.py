"""The drill of the quarter through NAPALM: the whole isolation is one commit of the real firewall, with the firewall's own timer."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from islandmode.rehearse.lab import Lab
from tests.isolation.by_candidate.world import HERE
from tests.lab.drills import drill, end, make_workspace, start, wait_for
from tests.lab.guarded import ask, end_quietly, is_isolated, kill_both, see_restored, wait_restored
from tests.lab.rogue.bypass import in_node
from tests.lab.test_devices import check
from tests.lab.test_plant_ground import plant
from tests.more import first_of
from tests.patience import PATIENCE_S

__all__ = ["plant"]
pytestmark = pytest.mark.lab
FIREWALL, ADDRESS = "conduit-firewall", "172.31.255.1"
NODE = "fw"
RIGHTS = "/etc/sudoers.d/napalm"
HOME = "/run/drill-account"
"""On the node's own disk: the account's home is the root folder, and that is the same one in every lab of this machine."""
STAGES = """stages:
  - name: everything
    isolate: [remote-access, corporate-dmz, corporate-line3]
    hold: HOLD

"""


def by_napalm(text: str) -> str:
    """Drive the site's firewall by the recipe."""
    return text.replace("platform: nftables\n", "platform: nftables-confirm\n    options: {state: STATE}\n    accept_lost_edits: "
                        '{accepted_by: "R. Ortiz, plant manager"}\n')  # fmt: skip


def in_one_stage(hold: str, dead_man: str, within: str) -> Any:
    """Isolate everything in one stage, under a timer that outlasts it."""

    def edit(text: str) -> str:
        text = re.sub(
            r"^stages:\n.*?(?=^# A conduit of)", STAGES.replace("HOLD", hold), text, flags=re.MULTILINE | re.DOTALL
        )
        for good, other in (("isolate_within: 5 s", f"isolate_within: {within}"), ("restore_within: 10 s", f"restore_within: {within}"),
                            ("undo_tier: A", "undo_tier: B"),
            ("dead_man: 3 min", f"dead_man: {dead_man}")):  # fmt: skip
            assert good in text
            text = text.replace(good, other)
        return text

    return edit


@contextmanager
def napalm_state(lab: Lab) -> Iterator[str]:
    """Let the drill's account do on the firewall what NAPALM's driver needs; gives where that driver keeps its state."""
    before = in_node(lab, NODE, "sh", "-c", "getent passwd islandmode | cut -d: -f6").strip()
    folder = f"{HOME}/.napalm_nftables"
    set_home(lab, HOME)
    line = "islandmode ALL=(root) NOPASSWD: /usr/bin/unshare"
    in_node(lab, NODE, "sh", "-c", f"echo '{line}' > {RIGHTS}; chmod 440 {RIGHTS}")
    in_node(lab, NODE, "install", "-d", "-m", "700", "-o", "islandmode", HOME, folder)
    try:
        yield folder
    finally:
        in_node(lab, NODE, "rm", "-rf", RIGHTS, HOME)
        set_home(lab, before)


def set_home(lab: Lab, home: str) -> None:
    """Give the drill's account another home on the firewall; also while it is logged in."""
    # The file is mounted there: it is written again, and not replaced.
    changed = rf"sed 's#^\(islandmode:.*:\)[^:]*\(:[^:]*\)$#\1{home}\2#' /etc/passwd"
    in_node(lab, NODE, "sh", "-c", f'text=$({changed}) && printf "%s\\n" "$text" >/etc/passwd')


@pytest.fixture
def state(lab: Lab) -> Iterator[str]:
    """Give where NAPALM's driver keeps its state."""
    with napalm_state(lab) as folder:
        yield folder


def workspace_of(
    folder: Path, lab: Lab, state: str, hold: str = "3 s", dead_man: str = "3 min", within: str = "20 s"
) -> Path:
    site = "inventory/riverside.yaml"
    edits = {
        site: lambda text: by_napalm(text).replace("STATE", state),
        "drills/quarterly-isolation.yaml": in_one_stage(hold, dead_man, within),
    }
    workspace = make_workspace(folder, lab.state_dir, edits)
    (workspace / "inventory" / "recipes").mkdir(exist_ok=True)
    shutil.copy(HERE / "nftables-confirm.yaml", workspace / "inventory" / "recipes")
    return workspace


CONFIRM = """
import sys
from napalm.base import get_network_driver
address, known_hosts, password, state = sys.argv[1:]
driver = get_network_driver("nftables")(address, "islandmode", password, 15, {"alt_key_file": known_hosts, "state_dir": state})
driver.open()
driver.confirm_commit()
"""
"""What a colleague's program does that means well."""


def confirm(lab: Lab, state: str) -> None:
    argv = (sys.executable, "-c", CONFIRM, ADDRESS, str(lab.known_hosts), lab.secret(FIREWALL), state)
    subprocess.run(lab.enter("ops", argv, network_only=True), check=True, timeout=PATIENCE_S)


def test_a_drill_holds_and_everything_is_as_before(tmp_path: Path, lab: Lab, state: str) -> None:
    before = in_node(lab, NODE, "nft", "-s", "-t", "list", "ruleset")
    ended = drill(workspace_of(tmp_path, lab, state), lab.name)
    assert (ended.code, ended.verdict.get("verdict"), ended.verdict.get("restoration")) == (0, "held", "proven"), (
        ended.output
    )
    assert in_node(lab, NODE, "nft", "-s", "-t", "list", "ruleset") == before
    assert (
        in_node(lab, NODE, "sh", "-c", f"ls {state}/pending.* 2>&1; true").strip().endswith("No such file or directory")
    )


@pytest.mark.more
def test_a_colleague_who_confirms_it_in_the_hold_is_named_and_it_is_restored_at_once(
    tmp_path: Path, lab: Lab, state: str
) -> None:
    workspace = workspace_of(tmp_path, lab, state, "2 min")
    running = start(workspace, lab.name)
    wait_for(running, workspace, "hold.started", stage="everything")
    confirm(lab, state)
    ended = end(running, workspace)
    assert (ended.code, ended.verdict.get("verdict"), ended.verdict.get("restoration")) == (1, "breached", "proven"), (
        ended.output
    )
    assert ended.finding("dead-man")["sentence"] == (
        "The drill was stopped and restored: conduit-firewall: the device's dead-man is not running any more; the newest change on the "
        "device is that of islandmode from 172.31.255.100, and it confirmed the isolation."
    )
    see_restored(lab)


def test_a_check_says_that_it_is_ready_and_what_its_account_lacks(lab: Lab, plant: Path, state: str) -> None:
    site = plant / "inventory" / "riverside.yaml"
    site.write_text(by_napalm(site.read_text(encoding="utf-8")).replace("STATE", state), encoding="utf-8")
    (plant / "inventory" / "recipes").mkdir(exist_ok=True)
    shutil.copy(HERE / "nftables-confirm.yaml", plant / "inventory" / "recipes")
    code, told = check(lab, plant)
    assert (code, told["platform"], told["undo_tier"], told["ready"]) == (0, "nftables-confirm", "B", True), told
    assert sorted(told["at_rest"]) == ["corporate-dmz", "corporate-line3", "dmz-line3", "remote-access"]
    in_node(lab, NODE, "rm", RIGHTS)
    code, told = check(lab, plant)
    assert (code, told["ready"]) == (4, False)
    (finding,) = [each for each in told["findings"] if each["refuses"]]
    assert "unshare" in finding["sentence"]


@pytest.mark.parametrize("left", first_of(["the device", "the guardian"]))
@pytest.mark.more
def test_who_is_left_restores(tmp_path: Path, lab: Lab, state: str, left: str) -> None:
    workspace = workspace_of(tmp_path, lab, state, "8 s", dead_man="40 s", within="12 s")
    running = start(workspace, lab.name)
    wait_for(running, workspace, "hold.started", stage="everything")
    assert is_isolated(lab)
    if left == "the guardian":
        running.kill()
    else:
        kill_both(workspace, running)
    wait_restored(lab)
    end_quietly(running)
    restored = ask(workspace, lab, "restore")
    assert restored.returncode == 0, restored.stderr
    see_restored(lab)
