"""Line 3 isolated at its own router: FRR's real vtysh behind a real sshd, through netmiko's `cisco_ios`, and nothing on the router that restores it.

The router shuts the interface down by which vendors, office and DMZ come in. The drill's own processes put it back, or a later restore does.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from islandmode.core.errors import InputError
from islandmode.operate.plan import plan_of
from islandmode.rehearse.lab import Lab
from tests.lab.drills import Drill, end, make_workspace, wait_for
from tests.lab.guarded import end_quietly, guardian_pid, kill_both, kinds, run_of
from tests.lab.rogue.bypass import in_node
from tests.lab.test_plant_ground import SITE, as_plant, on_operations_host
from tests.patience import wait_until
from tests.ui.test_boundary_told import plan_text

pytestmark = pytest.mark.lab
ROUTER, NODE, ADDRESS, PASSWORD = "line3-router", "rtr", "10.40.0.1", "vtysh-password"
DRILL = "frr-router"
RECIPE = Path(__file__).parents[2] / "docs/minimal/inventory/recipes/frr-shutdown.yaml"
OUTER = "eth1"
ACCEPTED = '    accept_no_timer: {accepted_by: "M. Keller, plant manager"}\n'
CONDUITS = "remote-access, corporate-line3, dmz-line3"
POINT = f"""
  {ROUTER}:
    platform: frr-shutdown
    level: hard
    accept_no_timer: {{accepted_by: "M. Keller, plant manager"}}
    management: {{address: {ADDRESS}, zone: line3}}
    login: {{user: islandmode-frr, password: "file:router-password"}}
    interfaces: {{vendors: {OUTER}, corporate: {OUTER}, dmz: {OUTER}, line3: eth2}}
    isolates: [{CONDUITS}]
"""
DRILL_TEXT = f"""
drill: {DRILL}
site: riverside
service: {{name: Line 3 filling, target: ">= 40 bottles/min"}}
stages:
  - {{name: outside, isolate: [{CONDUITS}], hold: HOLD}}
limits: {{isolate_within: 15 s, restore_within: 15 s, dead_man: 3 min, longest_ot_gap: 1 s, undo_tier: D}}
sample_every: 100 ms
continuity: [plc-filler, plc-mixer, hmi-line3]
severed: [vendor-to-hmi, vendor-to-hmi-v6, line3-to-vendor, line3-to-vendor-v6, vendor-canary, office-to-plc, office-to-plc-v6, line3-to-erp,
          line3-to-erp-v6, office-canary, historian-to-plc, historian-to-plc-v6, line3-to-historian, line3-to-historian-v6]
abort_when: [{{probe: plc-filler, bad_for: 2 s}}]
"""
PROBES = """
probes:
  historian-to-plc: {kind: tcp, vantage: historian, target: 10.40.0.10, port: 502, purpose: The historian reads the PLC}
  historian-to-plc-v6: {kind: tcp, vantage: historian, target: "fd10:40::10", port: 502, purpose: The historian reads the PLC over IPv6}
  line3-to-historian: {kind: tcp, vantage: here, target: 10.20.0.10, port: 8080, purpose: Trends for the operators}
  line3-to-historian-v6: {kind: tcp, vantage: here, target: "fd10:20::10", port: 8080, purpose: Trends for the operators over IPv6}
"""
BEGIN = """
mkdir -p /run/sshd
rm -f /run/frr_key /run/frr_key.pub
ssh-keygen -q -t ed25519 -N "" -f /run/frr_key
useradd -M -s /usr/bin/vtysh -G frrvty islandmode-frr
echo "islandmode-frr:$1" | chpasswd
/usr/sbin/sshd -h /run/frr_key -o ListenAddress=$2 -o PidFile=/run/frr_sshd.pid -o UsePAM=no -o UseDNS=no -o StrictModes=no -o PrintMotd=no
while [ ! -s /run/frr_sshd.pid ]; do sleep 0.05; done
cat /run/frr_key.pub
"""
OVER = """
kill "$(cat /run/frr_sshd.pid)"
rm -f /run/frr_sshd.pid
userdel islandmode-frr
"""


@dataclass(frozen=True)
class Plant:
    """The workspace, and the lab that its plant is."""

    lab: Lab
    workspace: Path

    def drill(self) -> Drill:
        """Begin the drill in a process of its own on the operations host, as on a plant."""
        words = (str(self.workspace), self.lab.name, str(self.lab.state_dir), "", DRILL)
        argv = self.lab.enter("ops", (sys.executable, "-m", "tests.lab.on_three_platforms", *words), network_only=True)
        return Drill(
            argv,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )

    def asked(self, *words: str) -> subprocess.CompletedProcess[str]:
        return on_operations_host(self.lab, "islandmode", *words, "--workspace", str(self.workspace))

    @property
    def is_isolated(self) -> bool:
        """Ask the router itself."""
        return f"Interface {OUTER} is down" in vtysh(self.lab, f"show interface {OUTER}")


def vtysh(lab: Lab, *lines: str) -> str:
    return in_node(lab, NODE, "vtysh", *(word for line in lines for word in ("-c", line)))


def kept_by_router(lab: Lab) -> tuple[str, ...]:
    """Give what a shut interface may lose: configuration, addresses and routes, as FRR and the kernel have them."""
    asked = (("ip", "-o", "addr", "show", "scope", "global"), ("ip", "route"), ("ip", "-6", "route"))
    told = (sorted(in_node(lab, NODE, *argv).splitlines()) for argv in asked)
    # The kernel numbers the next hops anew.
    return vtysh(lab, "show running-config"), *(re.sub(r" nhid \d+", "", "\n".join(lines)) for lines in told)


@pytest.fixture
def plant(lab: Lab, tmp_path: Path) -> Iterator[Plant]:
    """Let an account log in to the router's vtysh, and describe it as a plant does."""

    def with_router(text: str) -> str:
        found = as_plant(text).replace(
            "isolates: [remote-access, corporate-dmz, corporate-line3, dmz-line3]", "isolates: [corporate-dmz]"
        )
        return found.replace("\nisolation_points:\n", f"\nisolation_points:{POINT}")

    key = in_node(lab, NODE, "sh", "-ec", BEGIN, "sh", PASSWORD, ADDRESS).split()
    try:
        workspace = make_workspace(tmp_path, lab.state_dir, {SITE: with_router})
        (workspace / ".lab").unlink()
        (workspace / "inventory" / "recipes").mkdir(exist_ok=True)
        shutil.copy(RECIPE, workspace / "inventory" / "recipes")
        (workspace / "probes" / "frr.yaml").write_text(PROBES, encoding="utf-8")
        (workspace / "inventory" / "known_hosts").write_text(f"{ADDRESS} {key[0]} {key[1]}\n", encoding="ascii")
        (workspace / "router-password").write_text(PASSWORD, encoding="ascii")
        (workspace / "router-password").chmod(0o600)
        holding(workspace, "3 s")
        yield Plant(lab, workspace)
    finally:
        vtysh(lab, "configure terminal", f"interface {OUTER}", "no shutdown")
        in_node(lab, NODE, "sh", "-c", OVER)


def holding(workspace: Path, hold: str) -> None:
    (workspace / "drills" / f"{DRILL}.yaml").write_text(DRILL_TEXT.replace("HOLD", hold), encoding="utf-8")


def test_the_router_isolates_the_line_and_everything_is_as_before(plant: Plant) -> None:
    before = kept_by_router(plant.lab)
    checked = plant.asked("devices", "check", ROUTER)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "Undo tier D, no timer: nothing on it restores an isolation by itself" in checked.stdout
    running = plant.drill()
    wait_for(running, plant.workspace, "hold.started")
    ended = end(running, plant.workspace)
    assert (ended.code, ended.verdict.get("verdict"), ended.verdict.get("restoration")) == (0, "held", "proven"), (
        ended.output
    )
    assert not plant.is_isolated
    wait_until(
        lambda: all("default via" in part for part in kept_by_router(plant.lab)[2:]), "the routes are back", every_s=0.5
    )
    assert kept_by_router(plant.lab) == before


@pytest.mark.more
def test_the_guardian_restores_the_router_when_the_conductor_was_killed(plant: Plant) -> None:
    holding(plant.workspace, "2 min")
    running = plant.drill()
    wait_for(running, plant.workspace, "hold.started")
    assert plant.is_isolated
    running.kill()
    end_quietly(running)
    wait_until(lambda: not plant.is_isolated, "the guardian has restored the router")
    wait_until(lambda: "guardian.ended" in kinds(plant.workspace, "guardian"), "the guardian has seen it and ended")


@pytest.mark.more
def test_nothing_on_the_router_restores_it_and_a_later_command_does(plant: Plant) -> None:
    holding(plant.workspace, "2 min")
    running = plant.drill()
    wait_for(running, plant.workspace, "hold.started")
    kill_both(plant.workspace, running)
    status = plant.asked("status")
    assert (status.returncode, plant.is_isolated) == (5, True)
    restored = plant.asked("restore", run_of(plant.workspace).name)
    assert restored.returncode == 0, restored.stderr
    assert not plant.is_isolated


@pytest.mark.more
def test_the_conductor_restores_the_router_when_the_guardian_was_killed(plant: Plant) -> None:
    holding(plant.workspace, "2 min")
    running = plant.drill()
    wait_for(running, plant.workspace, "hold.started")
    os.kill(guardian_pid(plant.workspace), signal.SIGKILL)
    ended = end(running, plant.workspace)
    assert (ended.verdict.get("verdict"), ended.verdict.get("restoration")) == ("inconclusive", "proven"), ended.output
    assert not plant.is_isolated


def test_a_plan_says_that_nothing_restores_it_and_is_refused_where_the_site_does_not_accept_that(plant: Plant) -> None:
    told = " ".join(line.strip("│ ") for line in plan_text(plan_of(plant.workspace, DRILL)[1]).splitlines())
    assert "undo tier D, accepted by M. Keller, plant manager: NOTHING ON THE DEVICE RESTORES THIS BY ITSELF." in told
    assert "not for live: it has nothing on the device that would restore it by itself (undo tier D)" in told
    site = plant.workspace / SITE
    site.write_text(site.read_text(encoding="utf-8").replace(ACCEPTED, ""), encoding="utf-8")
    with pytest.raises(
        InputError,
        match=rf"riverside\.yaml:\d+:\d+: Nothing on {ROUTER} \(frr-shutdown\) restores by itself .* accept_no_timer: \{{accepted_by: NAME\}}\.",
    ):
        plan_of(plant.workspace, DRILL)


@pytest.mark.more
def test_an_address_that_frr_does_not_know_is_lost_and_the_verdict_tells_of_it(plant: Plant) -> None:
    by_ip = "fd10:30::99/64"
    in_node(plant.lab, NODE, "ip", "-6", "addr", "add", by_ip, "dev", OUTER, "nodad")
    try:
        running = plant.drill()
        wait_for(running, plant.workspace, "hold.started")
        ended = end(running, plant.workspace)
        assert ended.verdict.get("restoration") is not None, ended.output
        assert any(by_ip in finding["sentence"] for finding in ended.verdict["findings"]), ended.verdict["findings"]
        assert by_ip not in in_node(plant.lab, NODE, "ip", "-o", "addr", "show", "dev", OUTER)
    finally:
        in_node(plant.lab, NODE, "sh", "-c", f"ip -6 addr del {by_ip} dev {OUTER} 2>/dev/null; true")


@pytest.mark.more
def test_an_interface_that_somebody_had_shut_down_is_no_rest_and_stays_as_it_is(plant: Plant) -> None:
    vtysh(plant.lab, "configure terminal", f"interface {OUTER}", "shutdown")
    checked = plant.asked("devices", "check", ROUTER)
    assert checked.returncode == 4, checked.stdout
    assert "and no timer runs that would end it. If a drill left it so, restore it: " in checked.stdout
    assert plant.is_isolated
