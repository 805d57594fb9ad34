"""A drill that turns real in the lab: root puts the site's own deny into the firewall while it holds, and the undo leaves it there."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from islandmode.rehearse.lab import Lab
from tests.lab.drills import Ended, drill, end, make_workspace, start, wait_for
from tests.lab.guarded import is_isolated
from tests.lab.rogue.bypass import in_node
from tests.ui.test_boundary_told import plain

pytestmark = pytest.mark.lab

DRILL, SITE = "drills/quarterly-isolation.yaml", "inventory/riverside.yaml"
TABLE = "site_closed"
DENY = (
    f"add table inet {TABLE}; add chain inet {TABLE} forward {{ type filter hook forward priority -5; }}; "
    f"add rule inet {TABLE} forward iifname eth1 drop; add rule inet {TABLE} forward oifname eth1 drop"
)
CONDUITS = ("corporate-dmz", "corporate-line3")


@pytest.fixture
def deny(lab: Lab) -> Iterator[None]:
    """Take the site's deny away after the test."""
    yield
    in_node(lab, "fw", "sh", "-c", f"nft delete table inet {TABLE} 2>/dev/null || :")


def shown(site: str) -> str:
    """Say by what text the firewall shows the deny."""
    return site.replace("      what: nft -f", f"      shows_as: table inet {TABLE}\n      what: nft -f")


def typed(workspace: Path, *words: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "islandmode", *words, "--workspace", str(workspace)]
    return subprocess.run(argv, capture_output=True, text=True, check=False)


def turned_real(workspace: Path, lab: Lab, *, says: bool) -> Ended:
    """Isolate all, put the deny in, say so or not, and end the drill."""
    running = start(workspace, lab.name)
    wait_for(running, workspace, "hold.started", stage="corporate")
    in_node(lab, "fw", "nft", DENY)
    if says:
        said = typed(workspace, "keep-closed", "last", CONDUITS[1], "--by", "Plant manager")
        assert (said.returncode, "Plant manager keeps corporate-line3 closed" in said.stdout) == (0, True), said.stderr
    typed(workspace, "abort", "last")
    return end(running, workspace)


def test_the_undo_leaves_the_sites_deny_and_the_end_says_who_keeps_it_closed(
    lab: Lab, tmp_path: Path, deny: None
) -> None:
    workspace = make_workspace(
        tmp_path, lab.state_dir, {DRILL: lambda text: text.replace("hold: 3 s", "hold: 2 min"), SITE: shown}
    )
    ended = turned_real(workspace, lab, says=True)
    assert (ended.code, ended.verdict["verdict"], ended.verdict["restoration"]) == (3, "inconclusive", "kept closed"), (
        ended.output
    )
    kept = {each["conduit"]: (each["by"], each["seen_on"]) for each in ended.verdict["kept_closed"]}
    assert kept == {
        "corporate-dmz": ([], ["conduit-firewall"]),
        "corporate-line3": (["Plant manager"], ["conduit-firewall"]),
    }
    told = "ours removed; kept closed by a deny on conduit-firewall and Plant manager"
    assert told in " ".join(ended.output.split())
    assert "STRANDED" not in ended.output
    assert not {"no-control-after", "stranded"} & ended.codes()
    assert TABLE in in_node(lab, "fw", "nft", "list", "tables")
    assert not is_isolated(lab)
    assert ended.directory is not None
    assert told in plain((ended.directory / "report.html").read_text(encoding="utf-8"))
    assert "keep-closed" in plain((ended.directory / "card.html").read_text(encoding="utf-8"))
    status = typed(workspace, "status")
    assert (status.returncode, told in status.stdout, status.stderr) == (0, True, "")
    assert told in typed(workspace, "runs").stdout
    (attempt,) = json.loads(typed(workspace, "ledger", "--json").stdout)["attempts"]
    assert (attempt["result"], attempt["restoration"]) == ("inconclusive", "kept closed")


@pytest.mark.more
def test_what_nobody_said_is_unproven_until_somebody_says_it(lab: Lab, tmp_path: Path, deny: None) -> None:
    workspace = make_workspace(tmp_path, lab.state_dir, {DRILL: lambda text: text.replace("hold: 3 s", "hold: 2 min")})
    ended = turned_real(workspace, lab, says=False)
    assert (ended.code, ended.verdict["restoration"]) == (5, "unproven"), ended.output
    assert typed(workspace, "status").returncode == 5
    first = typed(workspace, "keep-closed", "last", CONDUITS[0], "--by", "Plant manager")
    assert (first.returncode, "unproven" in first.stdout) == (5, True), first.stderr
    second = typed(workspace, "keep-closed", "last", CONDUITS[1], "--by", "Plant manager")
    told = "ours removed; kept closed by Plant manager"
    assert (second.returncode, told in " ".join(second.stdout.split())) == (3, True), second.stderr
    status = typed(workspace, "status")
    assert (status.returncode, told in status.stdout, status.stderr) == (0, True, "")
    assert told in typed(workspace, "runs").stdout
    ledger = typed(workspace, "ledger")
    assert ledger.returncode == 0, ledger.stdout
    in_node(lab, "fw", "nft", f"delete table inet {TABLE}")
    opened = drill(workspace, lab.name)
    assert (opened.code, opened.verdict["restoration"]) == (0, "proven"), opened.output
    assert "kept closed" not in typed(workspace, "status").stdout
