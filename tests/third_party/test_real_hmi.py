"""Node-RED as the HMI: the drill and its probes work on it unchanged, and old values never pass for new values."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest

from islandmode.rehearse.namespaces import backend as namespaces
from islandmode.rehearse.namespaces.backend import NamespacesLab
from islandmode.store.catalog import load_probes
from tests.lab.drills import PROJECT, drill, end, start, wait_for
from tests.lab.rogue.bypass import in_node
from tests.patience import PATIENCE_S
from tests.third_party.conftest import NAME, TOPOLOGY
from tests.ui.card_reading import words

pytestmark = pytest.mark.lab

HMI = "http://10.40.0.20:8080"
LOOKER = Path(__file__).with_name("look_at_hmi.py")
FILLERS_PORT = "eth3"
LINES_MAX = 600
NEVER_ASKED = """
table inet looked {
    chain out {
        type filter hook forward priority 0; policy accept;
        ip saddr 10.40.0.20 ct state new counter
        ip6 saddr fd10:40::20 ct state new counter
    }
}
"""

Line = dict[str, Any]


@contextmanager
def lost_filler(lab: NamespacesLab) -> Iterator[None]:
    """Pull the filler's PLC off the line's switch."""
    in_node(lab, "sw-line3", "ip", "link", "set", FILLERS_PORT, "down")
    try:
        yield
    finally:
        in_node(lab, "sw-line3", "ip", "link", "set", FILLERS_PORT, "up")


@contextmanager
def looking(
    lab: NamespacesLab, probes: dict[str, dict[str, Any]]
) -> Iterator[Callable[[Callable[[Line], bool], int], list[Line]]]:
    """Look at the HMI from the operations host; gives a function that collects until so many lines are as wanted."""
    argv = lab.enter("ops", (sys.executable, str(LOOKER), json.dumps(probes)), network_only=True)
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, cwd=PROJECT) as looker:
        out = looker.stdout
        assert out is not None

        def until(wanted: Callable[[Line], bool], times: int) -> list[Line]:
            lines: list[Line] = []
            while sum(map(wanted, lines)) < times:
                assert len(lines) < LINES_MAX, f"never seen; the last was {lines[-1]}"
                lines.append(json.loads(out.readline()))
            return lines

        try:
            yield until
        finally:
            looker.kill()


def probes_on_the_hmi() -> dict[str, dict[str, Any]]:
    """Give the probe of the pack, one that goes by freshness alone, and one that is content with any answer."""
    packed = load_probes(PROJECT)[0]["hmi-line3"].model_dump(mode="json", by_alias=True)
    return {
        "packed": packed,
        "fresh": {**packed, "quality": None},
        "any answer": {**packed, "quality": None, "fresh": None},
    }


def all_good(line: Line) -> bool:
    return set(line["said"].values()) == {"good"}


def test_the_quarterly_drill_is_held(workspace: Path, lab: NamespacesLab) -> None:
    """From the command line as a person types it: the drill brings its own lab up and takes it down again."""
    ended = drill(workspace, "of-its-own", "--topology", str(TOPOLOGY))
    assert ended.code == 0, ended.output
    assert (ended.verdict["verdict"], ended.verdict["restoration"]) == ("held", "proven")
    assert namespaces.attach("of-its-own", lab.state_dir) is None


def test_a_plc_that_the_hmi_loses_breaches_the_drill_also_by_what_the_hmi_shows(
    workspace: Path, lab: NamespacesLab
) -> None:
    running = start(workspace, NAME, "--topology", str(PROJECT / TOPOLOGY))
    wait_for(running, workspace, "hold.started", stage="vendors")
    with lost_filler(lab):
        ended = end(running, workspace)
    assert ended.code == 1, ended.output
    assert (ended.verdict["verdict"], ended.verdict["restoration"]) == ("breached", "proven")
    gaps = {found["probe"] for found in ended.verdict["findings"] if found["code"] == "continuity-gap"}
    assert {"plc-filler", "hmi-line3"} <= gaps
    assert "plc-mixer" not in gaps


def test_old_values_with_status_200_are_bad_as_soon_as_the_probe_may_say_so(lab: NamespacesLab) -> None:
    probes = probes_on_the_hmi()
    within_s = probes["packed"]["changes_within"]
    with looking(lab, probes) as until:
        until(all_good, 5)
        with lost_filler(lab):
            lines = until(lambda line: "good" not in (line["said"]["packed"], line["said"]["fresh"]), 20)
        back = until(all_good, 5)
    assert {(line["status"], line["said"]["any answer"]) for line in lines} == {(200, "good")}
    last = lines[-1]
    assert last["quality"] == "bad"
    old = list(takewhile(lambda line: line["source_time"] == last["source_time"], reversed(lines)))[::-1]
    assert {line["value"] for line in old} == {last["value"]}
    # Counted by the samples' own clock, so it holds on a slow machine too.
    overdue = [line for line in old if line["judging_from"] - old[0]["judged_at"] > within_s]
    assert overdue
    assert {line["said"]["fresh"].partition(":")[0] for line in overdue} == {"stale"}
    assert "good" not in {line["said"]["packed"] for line in overdue}
    assert back[-1]["value"] != last["value"]
    assert back[-1]["source_time"] > last["source_time"]


def page(lab: NamespacesLab) -> tuple[str, ...]:
    """Read the operators' page as the browser on the operations host shows it."""
    quiet = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking")
    argv = ("chromium", *quiet, "--user-data-dir=/run/browser", "--virtual-time-budget=3000", "--dump-dom", f"{HMI}/")
    return words(in_node(lab, "ops", *argv))


def test_the_operators_page_says_which_values_are_old(lab: NamespacesLab) -> None:
    assert page(lab).count("current") == 2
    with lost_filler(lab), looking(lab, probes_on_the_hmi()) as until:
        until(lambda line: line["quality"] == "bad", 1)
        shown = page(lab)
        until(lambda line: line["quality"] == "bad", 1)
    assert shown.count("current") == 1
    assert "old values: the PLC does not answer" in shown[shown.index("plc-filler") :]
    with looking(lab, probes_on_the_hmi()) as until:
        until(all_good, 1)


@pytest.mark.parametrize(
    "path", ["/red", "/admin", "/flows", "/nodes", "/settings", "/auth/login", "/comms", "/settings.js"]
)
def test_nobody_can_edit_the_hmi_or_read_its_settings(lab: NamespacesLab, path: str) -> None:
    assert in_node(lab, "ops", "curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", f"{HMI}{path}") == "404"


def test_the_hmi_starts_without_asking_anybody_outside_the_line(lab: NamespacesLab) -> None:
    """A start that waits for a registry, a telemetry service or a name server would be late on an island."""
    subprocess.run(lab.enter("rtr", ("nft", "-f", "-")), input=NEVER_ASKED, text=True, check=True, timeout=PATIENCE_S)
    restarted = namespaces.restart(lab, "hmi")
    in_node(restarted, "ops", "python3", "/run/plant/plant/ready.py")
    with looking(restarted, probes_on_the_hmi()) as until:
        until(all_good, 20)
    rules = json.loads(in_node(lab, "rtr", "nft", "-j", "list", "table", "inet", "looked"))["nftables"]
    in_node(lab, "rtr", "nft", "delete", "table", "inet", "looked")
    counters = [part["counter"] for one in rules for part in one.get("rule", {}).get("expr", []) if "counter" in part]
    assert [counter["packets"] for counter in counters] == [0, 0]
