"""The example workspaces: each validates, is planned and is drawn as it stands in the repository."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from islandmode.core.errors import InputError
from islandmode.ui.program import command

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
MILLBROOK, KIRKBY, ASHBY = EXAMPLES / "millbrook", EXAMPLES / "kirkby", EXAMPLES / "ashby"
VENDOR_NODES, SELBY = EXAMPLES / "vendor-nodes", EXAMPLES / "selby"
VENDORS = sorted(path.stem for path in (VENDOR_NODES / "inventory").glob("*.yaml") if path.stem != "nftables")


def test_every_example_is_listed_and_tested() -> None:
    folders = {path.name for path in EXAMPLES.iterdir() if path.is_dir()}
    assert folders == {MILLBROOK.name, KIRKBY.name, ASHBY.name, VENDOR_NODES.name, SELBY.name}
    assert all(f"[{name}]({name}/)" in (EXAMPLES / "README.md").read_text(encoding="utf-8") for name in folders)


def test_two_firewalls_in_series_validate_plan_and_are_drawn(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert command(["validate", "--workspace", str(MILLBROOK)]) == 0
    assert "drills/cut-off.yaml: good. 2 stages, 7 s of hold at millbrook" in capsys.readouterr().out
    assert command(["plan", "cut-off", "--workspace", str(MILLBROOK)]) == 0
    plan = capsys.readouterr().out
    # Nine services to two controllers, of which three are tried; a range counts by one port of it.
    assert "17%, sampled" in plan
    # The outer firewall is managed from a zone behind the inner one: that way is counted too.
    assert "192.168.30.0/24" in plan
    assert "192.168.99.0/24" in plan
    picture = tmp_path / "millbrook.svg"
    assert command(["lab", "graph", str(picture), "--workspace", str(MILLBROOK)]) == 0
    drawn = picture.read_text(encoding="utf-8")
    assert all(f">{node}<" in drawn for node in ("enterprise-fw", "plant-fw", "sw-dmz", "plc-pasteuriser"))


def test_a_pair_of_firewalls_validates_and_is_planned_as_one(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert command(["validate", "--workspace", str(ASHBY)]) == 0
    assert "2 isolation points, 1 pair" in capsys.readouterr().out
    card = tmp_path / "card.html"
    assert command(["plan", "cut-off", "--workspace", str(ASHBY), "--card", str(card)]) == 0
    plan = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert "member of pair station-firewall, with station-firewall-b: all of them are isolated, or none" in plan
    assert (
        "not isolated: VRRP (IP protocol 112, hop limit 255) between 10.70.0.2, fe80::70:a and 10.70.0.3, fe80::70:b"
        in plan
    )
    page = card.read_text(encoding="utf-8")
    assert "station-firewall: restore station-firewall-b too, whichever carries the traffic" in page
    assert "station-firewall: restore station-firewall-a too, whichever carries the traffic" in page


def test_a_firewall_and_a_router_by_recipes_and_a_modem_by_hand_validate_and_plan(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert command(["validate", "--workspace", str(KIRKBY)]) == 0
    said = capsys.readouterr().out
    assert "drills/all-ways.yaml: good. 2 stages, 300 s of hold at kirkby" in said
    assert "drills/devices-only.yaml: good." in said
    card = tmp_path / "card.html"
    assert command(["plan", "all-ways", "--workspace", str(KIRKBY), "--card", str(card)]) == 0
    plan = capsys.readouterr().out
    assert all(f"╭─ {name} ─" in plan for name in ("edge-firewall", "vendor-router", "press-modem"))
    assert "Device 3 of 3: press-modem" in card.read_text(encoding="utf-8")
    with pytest.raises(InputError, match="press-modem is isolated by hand"):
        command(["run", "all-ways", "--mode", "rehearsal", "--workspace", str(KIRKBY)])


def test_a_works_with_six_ways_out_validates_and_is_planned(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert command(["validate", "--workspace", str(SELBY)]) == 0
    assert "7 isolation points, 1 pair" in capsys.readouterr().out
    card = tmp_path / "card.html"
    assert command(["plan", "cut-off", "--workspace", str(SELBY), "--card", str(card)]) == 0
    plan = " ".join(capsys.readouterr().out.replace("│", " ").split())
    for way in ("nftables at", "nftables-confirm at", "nftables-plays at", "frr-shutdown at", "by hand"):
        assert way in plan
    assert "NOTHING ON THE DEVICE RESTORES THIS BY ITSELF" in plan
    assert "Device 7 of 7: " in card.read_text(encoding="utf-8")


def read(path: Path) -> Any:
    return YAML(typ="safe").load(path.read_text(encoding="utf-8"))


def test_the_labs_of_vendor_nodes_validate(capsys: pytest.CaptureFixture[str]) -> None:
    assert command(["validate", "--workspace", str(VENDOR_NODES)]) == 0
    said = capsys.readouterr().out
    for name in ("nftables", *VENDORS):
        assert f"drills/cut-off-{name}.yaml: good." in said
        assert f"inventory/{name}.yaml: good." in said
        assert f"lab/{name}.clab.yml: good." in said


@pytest.mark.parametrize("name", VENDORS)
def test_a_lab_of_a_vendor_node_is_the_lab_that_is_drilled_but_for_its_firewall(name: str) -> None:
    """What a test cannot run differs in nothing else from what a test does run."""
    tried, theirs = (read(VENDOR_NODES / "lab" / f"{one}.clab.yml") for one in ("nftables", name))
    node = theirs["topology"]["nodes"].pop("fw")
    own = tried["topology"]["nodes"].pop("fw")
    assert node["kind"] != "linux"
    assert (node["mgmt-ipv4"], node["labels"]["islandmode.isolation-point"]) == (own["mgmt-ipv4"], "fw")
    assert (VENDOR_NODES / "lab" / node["startup-config"]).is_file()
    ends = [[end.partition(":")[0] for end in link["endpoints"]] for link in theirs["topology"].pop("links")]
    assert ends == [[end.partition(":")[0] for end in link["endpoints"]] for link in tried["topology"].pop("links")]
    assert theirs | {"name": ""} == tried | {"name": ""}
    sites = [read(VENDOR_NODES / "inventory" / f"{one}.yaml") for one in ("nftables", name)]
    for site in sites:
        for key in ("site", "lab", "isolation_points"):
            site.pop(key)
    assert sites[0] == sites[1]


@pytest.mark.parametrize("name", VENDORS)
@pytest.mark.parametrize("folder", ["lab", "inventory"])
def test_a_file_for_an_image_that_could_not_be_run_says_so(folder: str, name: str) -> None:
    (path,) = (VENDOR_NODES / folder).glob(f"{name}.*")
    assert "Not run here:" in path.read_text(encoding="utf-8").partition("name:")[0]


@pytest.mark.parametrize("name", VENDORS)
def test_a_drill_on_a_vendor_node_is_planned_with_its_card(
    name: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    card = tmp_path / "card.html"
    assert command(["plan", f"cut-off-{name}", "--workspace", str(VENDOR_NODES), "--card", str(card)]) == 0
    plan = capsys.readouterr().out
    assert "isolates corporate-line" in plan
    if read(VENDOR_NODES / "inventory" / f"{name}.yaml")["isolation_points"]["fw"]["platform"] == "manual":
        assert "undo tier D" in " ".join(plan.replace("│", " ").split())
    assert "Device 1 of 1: fw" in card.read_text(encoding="utf-8")
