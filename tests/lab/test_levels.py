"""Level hard in the lab: the firewall's outer interfaces go down in a drill, and everything hangs on them again afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from islandmode.core.errors import InputError
from islandmode.operate.plan import plan_of
from islandmode.rehearse.lab import Lab
from islandmode.ui.card import TypedAt, render_card
from tests.lab.drills import end, make_workspace, start, wait_for
from tests.lab.guarded import DRILL, ask, end_quietly, held, hold, kill_both, run_of
from tests.lab.rogue.bypass import in_node
from tests.lab.test_exact_return import everything
from tests.lab.test_plant_ground import SITE
from tests.patience import wait_until
from tests.ui.test_boundary_told import plan_text

pytestmark = pytest.mark.lab
SUDOERS = "/etc/sudoers.d/islandmode"
ROUTES = (
    "ip route add 198.51.100.0/24 via 10.10.0.10 dev eth1",
    "ip -6 route add 2001:db8:7::/48 via fd10:10::10 dev eth1",
)
A_DAEMONS = "ip route add 203.0.113.0/24 via 10.10.0.10 dev eth1 proto bird"


def hard(text: str) -> str:
    return text.replace("    platform: nftables\n", "    platform: nftables\n    level: hard\n")


def tier_b(text: str) -> str:
    return text.replace("undo_tier: A", "undo_tier: B")


def shell(lab: Lab, command: str) -> str:
    return in_node(lab, "fw", "sh", "-c", command)


def is_down(lab: Lab, interface: str) -> bool:
    return "UP" not in shell(lab, f"ip -oneline link show dev {interface}").partition("<")[2].partition(">")[0].split(
        ","
    )


@pytest.fixture
def site(lab: Lab) -> Iterator[Lab]:
    """Let the account do what level hard needs, and put routes on the interfaces that go down."""
    shell(
        lab,
        f"cp {SUDOERS} /run/sudoers 2>/dev/null && sed -i 's#/usr/sbin/nft\\b#/usr/sbin/nft, /bin/sh#' /run/sudoers; true",
    )
    shell(lab, f"cat {SUDOERS} >/run/sudoers.before 2>/dev/null && cat /run/sudoers >{SUDOERS}; true")
    for route in ROUTES:
        shell(lab, route)
    yield lab
    for route in (*ROUTES, A_DAEMONS):
        shell(lab, f"{route.replace(' add ', ' del ')} 2>/dev/null; true")
    shell(lab, f"[ -s /run/sudoers.before ] && cat /run/sudoers.before >{SUDOERS}; true")


def compared(lab: Lab) -> list[str]:
    """Give what a drill must leave as it was; an interface gets its addresses back in another order."""
    return sorted(" ".join(sorted(line.split())) for line in everything(lab).splitlines() if line)


def test_a_drill_takes_the_interfaces_down_and_leaves_everything_as_it_was(site: Lab, tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path, site.state_dir, {SITE: hard, DRILL: tier_b})
    plan = plan_of(workspace, "quarterly-isolation")[1]
    assert "level hard: eth2 and eth1 goes down while isolated" in " ".join(plan_text(plan).replace("│", " ").split())
    card = render_card(plan, at=TypedAt(workspace, "islandmode", site.name))
    assert "hard: eth2 and eth1 goes down" in card
    assert "ip link set dev eth1 up" in card
    before = compared(site)
    running = start(workspace, site.name)
    wait_for(running, workspace, "hold.started", stage="vendors")
    assert (is_down(site, "eth2"), is_down(site, "eth4")) == (True, False)
    wait_for(running, workspace, "hold.started", stage="corporate")
    assert is_down(site, "eth1")
    ended = end(running, workspace)
    assert (ended.code, ended.verdict.get("verdict"), ended.verdict.get("restoration")) == (0, "held", "proven"), (
        ended.output
    )
    parts = [one["data"] for one in ended.records() if one["kind"] == "configuration.compared"]
    assert {one["part"] for one in parts} >= {"routes", "routes-v6", "addresses", "neighbours", "interfaces"}
    assert all(one["same"] for one in parts)
    report = (ended.directory / "report.html").read_text(encoding="utf-8") if ended.directory else ""
    assert "level hard: eth2 and eth1" in report
    wait_until(lambda: compared(site) == before, "every byte is as before", every_s=0.5)


@pytest.mark.more
def test_a_route_that_does_not_come_back_is_told_and_the_restoration_is_not_proven(site: Lab, tmp_path: Path) -> None:
    # No daemon is there that would set it again.
    shell(site, A_DAEMONS)
    workspace = make_workspace(tmp_path, site.state_dir, {SITE: hard, DRILL: tier_b})
    ended = end(start(workspace, site.name), workspace)
    assert (ended.code, ended.verdict.get("restoration")) == (5, "unproven"), ended.output
    sentence = ended.finding("not-back")["sentence"]
    assert "its routes are not as before the drill" in sentence
    assert "203.0.113.0/24 via 10.10.0.10" in sentence
    assert "198.51.100.0/24" not in sentence


@pytest.mark.more
def test_the_firewall_puts_its_interfaces_up_with_conductor_and_guardian_killed(site: Lab, tmp_path: Path) -> None:
    before = compared(site)

    def short(text: str) -> str:
        return tier_b(held(text)).replace("dead_man: 3 min", "dead_man: 30 s")

    workspace = make_workspace(tmp_path, site.state_dir, {SITE: hard, DRILL: short})
    running = hold(workspace, site)
    assert is_down(site, "eth2")
    kill_both(workspace, running)
    wait_until(lambda: not is_down(site, "eth2"), "the firewall puts the interface up by itself", every_s=0.5)
    assert ask(workspace, site, "restore", run_of(workspace).name).returncode == 0
    wait_until(lambda: compared(site) == before, "everything is as before", every_s=0.5)


@pytest.mark.more
def test_the_guardian_restores_when_the_conductor_was_killed(site: Lab, tmp_path: Path) -> None:
    before = compared(site)
    workspace = make_workspace(tmp_path, site.state_dir, {SITE: hard, DRILL: lambda text: tier_b(held(text))})
    running = hold(workspace, site)
    assert is_down(site, "eth2")
    running.kill()
    end_quietly(running)
    wait_until(lambda: not is_down(site, "eth2"), "the guardian has restored")
    wait_until(lambda: compared(site) == before, "everything is as before", every_s=0.5)


def test_a_site_that_is_managed_by_what_goes_down_is_refused_at_its_place(tmp_path: Path, lab: Lab) -> None:
    def wrong(text: str) -> str:
        return hard(text).replace("line3: [eth4]", "line3: [eth2, eth4]")

    workspace = make_workspace(tmp_path, lab.state_dir, {SITE: wrong, DRILL: tier_b})
    with pytest.raises(InputError, match=r"riverside\.yaml:\d+:\d+: .*level hard takes eth2 down"):
        plan_of(workspace, "quarterly-isolation")
