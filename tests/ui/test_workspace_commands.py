from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from islandmode.core.errors import InputError
from islandmode.ui.cli import command
from islandmode.ui.workspace import start_workspace

PROJECT = Path(__file__).resolve().parents[2]
FILES = ("drills", "inventory", "probes")


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    for folder in FILES:
        shutil.copytree(PROJECT / folder, tmp_path / folder)
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


def test_validate_says_what_is_wrong_in_every_drill(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    drills = workspace / "drills"
    for name in ("a", "b"):
        shutil.copy(drills / "quarterly-isolation.yaml", drills / f"{name}.yaml")
    edit(drills / "a.yaml", "hold: 8 s", "hold: soon")
    edit(drills / "b.yaml", "plc-mixer", "plc-mixr")
    assert command(["validate", "--workspace", str(workspace)]) == 2
    said = capsys.readouterr()
    assert "drills/a.yaml:" in said.err
    assert "drills/b.yaml:" in said.err
    assert 'Did you mean "plc-mixer"?' in said.err
    assert "drills/quarterly-isolation.yaml: good." in said.out


def test_validate_refuses_a_path_that_would_write(workspace: Path) -> None:
    spoilt = (
        r'"/api/tags HTTP/1.1\nHost: a\n\nPOST /api/setpoint HTTP/1.1\nContent-Length: 9\n\n{\"sp\":99}GET /api/tags"'
    )
    edit(workspace / "probes" / "boundary.yaml", "path: /api/tags", f"path: {spoilt}")
    with pytest.raises(InputError, match=r'^probes/boundary\.yaml:\d+:11: "path" must be a path'):
        command(["validate", "--workspace", str(workspace)])


def test_validate_explains_an_address_as_in_a_devices_own_list(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(workspace / "probes" / "line3.yaml", "address: 0", "address: 40001")
    assert command(["validate", "--workspace", str(workspace)]) == 0
    assert capsys.readouterr().out.startswith("note: probes/line3.yaml:13:14: Address 40001 is asked for as it stands")


def test_validate_reads_a_site_that_no_drill_uses(workspace: Path) -> None:
    (workspace / "inventory" / "other.yaml").write_text("site: other\nzones: 7\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"inventory/other\.yaml:2:"):
        command(["validate", "--workspace", str(workspace)])


def test_validate_in_an_empty_folder_says_how_to_start(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="start a workspace with `islandmode init`"):
        command(["validate", "--workspace", str(tmp_path)])


def test_init_says_why_a_folder_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(InputError, match=r"file cannot be made \(Not a directory\); name a folder"):
        start_workspace(tmp_path / "file")
