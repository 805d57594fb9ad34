from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from islandmode.core.errors import InputError
from islandmode.core.problem import listed
from islandmode.core.recipe.shipped import SHIPPED
from islandmode.isolation.table import IN_CODE
from islandmode.ui.program import command
from islandmode.ui.workspace import start_workspace

PROJECT = Path(__file__).resolve().parents[2]
FILES = ("drills", "inventory", "probes", "playbooks", "lab")


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    for folder in FILES:
        shutil.copytree(PROJECT / folder, tmp_path / folder, ignore=shutil.ignore_patterns(".built"))
    return tmp_path


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_validate_says_what_it_checked(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(["validate", "--workspace", str(workspace)]) == 0
    said = capsys.readouterr()
    assert said.out.startswith("drills/quarterly-isolation.yaml: good. 2 stages, 20 s of hold at riverside")
    assert said.err == ""


def line_of(path: Path, text: str) -> int:
    lines = path.read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


def complaints(workspace: Path) -> list[str]:
    with pytest.raises(InputError) as refused:
        command(["validate", "--workspace", str(workspace)])
    return str(refused.value).splitlines()


def test_validate_says_what_is_wrong_in_every_drill(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    drills = workspace / "drills"
    for name in ("a", "b"):
        shutil.copy(drills / "quarterly-isolation.yaml", drills / f"{name}.yaml")
        edit(drills / f"{name}.yaml", "drill: quarterly-isolation", f"drill: {name}")
    edit(drills / "a.yaml", "hold: 8 s", "hold: soon")
    edit(drills / "b.yaml", "  - plc-mixer", "  - plc-mixr")
    said = complaints(workspace)
    assert said[0].startswith("drills/a.yaml:21:11: ")
    assert said[1].startswith("drills/b.yaml:44:5: ")
    assert 'Did you mean "plc-mixer"?' in said[1]
    assert "drills/quarterly-isolation.yaml: good." in capsys.readouterr().out


def test_validate_shows_the_faults_of_all_layers_at_once_in_the_order_of_files_and_lines(workspace: Path) -> None:
    """YAML, form, names, limits, site by itself, what a platform can do, probes and topology."""
    drill, site = workspace / "drills" / "quarterly-isolation.yaml", workspace / "inventory" / "riverside.yaml"
    edit(drill, "longest_ot_gap: 1 s", "longest_ot_gap: 50 ms")
    edit(drill, "  - vendor-to-hmi\n", "  - vendor-to-hmy\n")
    (workspace / "drills" / "yearly.yaml").write_text("drill: yearly\n  site: riverside\n", encoding="utf-8")
    edit(site, "source: [10.15.0.10,", "source: [10.99.0.10,")
    edit(site, "      vendors: [eth2]\n", "")
    (workspace / "inventory" / "north.yaml").write_text("site: north\nzones: 7\n", encoding="utf-8")
    edit(workspace / "probes" / "line3.yaml", "address: 0", "address: 40001")
    (workspace / "lab" / "plant.clab.yml").write_text("topology: {nodes: {}}\n", encoding="utf-8")
    said = [line.partition(": ")[::2] for line in complaints(workspace)]
    assert [place.removeprefix(f"{workspace}/") for place, _ in said] == [
        "drills/quarterly-isolation.yaml:35:19",
        "drills/quarterly-isolation.yaml:53:5",
        "drills/yearly.yaml:2:3",
        "inventory/north.yaml:1:1",
        "inventory/north.yaml:1:1",
        "inventory/north.yaml:1:1",
        "inventory/north.yaml:2:8",
        f"inventory/riverside.yaml:{line_of(site, 'source: [10.99.0.10,')}:18",
        f"inventory/riverside.yaml:{line_of(site, 'corporate: [eth1]')}:7",
        "lab/plant.clab.yml:1:19",
        "probes/line3.yaml:13:14",
    ]


def test_validate_says_once_what_two_drills_stumble_over(workspace: Path) -> None:
    drills = workspace / "drills"
    shutil.copy(drills / "quarterly-isolation.yaml", drills / "yearly.yaml")
    edit(drills / "yearly.yaml", "drill: quarterly-isolation", "drill: yearly")
    edit(workspace / "inventory" / "riverside.yaml", "      vendors: [eth2]\n", "")
    assert len(complaints(workspace)) == 1


def test_validate_checks_a_site_without_a_drill(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(workspace / "drills")
    assert command(["validate", "--workspace", str(workspace)]) == 0
    said = capsys.readouterr().out
    assert said.startswith("inventory/riverside.yaml: good. 4 zones, 4 conduits, 8 flows, 1 isolation point.\n")
    site = workspace / "inventory" / "riverside.yaml"
    edit(site, "platform: nftables", "platform: iptables")
    line = line_of(site, "platform: iptables")
    assert complaints(workspace) == [
        f'inventory/riverside.yaml:{line}:15: There is no platform "iptables"; known: {listed((*IN_CODE, *SHIPPED, "nftables-plays"))}. Did you mean "nftables"?'
    ]


def test_validate_checks_one_file_of_each_folder(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(workspace / "probes" / "line3.yaml", "address: 0", "address: 40001")
    for file, said in (
        ("inventory/riverside.yaml", "inventory/riverside.yaml: good. 4 zones, "),
        ("probes/boundary.yaml", "probes/boundary.yaml: good. 15 probes.\n"),
        ("lab/plant.clab.yml", "lab/plant.clab.yml: good. 12 nodes, "),
    ):
        assert command(["validate", file, "--workspace", str(workspace)]) == 0
        assert capsys.readouterr().out.startswith(said)
    with pytest.raises(InputError, match=r'^probes/line3\.yaml:13:14: "address" must be counted from 0'):
        command(["validate", "probes/line3.yaml", "--workspace", str(workspace)])


def test_two_drills_of_one_name_are_refused(workspace: Path) -> None:
    drills = workspace / "drills"
    shutil.copy(drills / "quarterly-isolation.yaml", drills / "yearly.yaml")
    assert complaints(workspace) == [
        (
            'drills/yearly.yaml:7:8: Drill "quarterly-isolation" is already defined in drills/quarterly-isolation.yaml; give each '
            "drill a name of its own."
        )
    ]


def test_validate_refuses_a_path_that_would_write(workspace: Path) -> None:
    spoilt = (
        r'"/api/tags HTTP/1.1\nHost: a\n\nPOST /api/setpoint HTTP/1.1\nContent-Length: 9\n\n{\"sp\":99}GET /api/tags"'
    )
    edit(workspace / "probes" / "boundary.yaml", "path: /api/tags", f"path: {spoilt}")
    with pytest.raises(InputError, match=r'^probes/boundary\.yaml:\d+:11: "path" must be a path'):
        command(["validate", "--workspace", str(workspace)])


def test_validate_reads_a_site_that_no_drill_uses(workspace: Path) -> None:
    (workspace / "inventory" / "other.yaml").write_text("site: other\nzones: 7\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"inventory/other\.yaml:2:"):
        command(["validate", "--workspace", str(workspace)])


def test_validate_in_an_empty_folder_says_how_to_start(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="start a workspace with `islandmode init DIR`"):
        command(["validate", "--workspace", str(tmp_path)])


def test_init_says_why_a_folder_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(InputError, match=r"file cannot be made \(Not a directory\); name a folder"):
        start_workspace(tmp_path / "file")
