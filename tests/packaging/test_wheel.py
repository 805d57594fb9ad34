from __future__ import annotations

import json
import subprocess
import zipfile
from pathlib import Path

import pytest

from tests.packaging.installed import PROJECT, Installed

FOLDERS = ("drills", "inventory", "probes", "playbooks", "lab")


def operators_files() -> dict[str, bytes]:
    """Read the operators' folders as they are in the clone, without what running them leaves behind."""
    command = [
        "git",
        "-c",
        "safe.directory=*",
        "ls-files",
        "--cached",
        "--others",
        "--exclude-standard",
        "-z",
        *FOLDERS,
    ]
    names = subprocess.run(command, cwd=PROJECT, check=True, capture_output=True, text=True).stdout.split("\0")
    return {name: path.read_bytes() for name in names if name and (path := PROJECT / name).is_file()}


@pytest.fixture(scope="session")
def workspace(installed: Installed, tmp_path_factory: pytest.TempPathFactory) -> Path:
    outside = tmp_path_factory.mktemp("operator")
    ended = installed.run("islandmode", "init", "plant", cwd=outside)
    assert ended.returncode == 0, ended.stderr
    return outside / "plant"


def test_the_wheel_carries_the_code_its_types_and_the_template_only(installed: Installed) -> None:
    names = set(zipfile.ZipFile(installed.wheel).namelist())
    assert {"islandmode/ui/cli.py", "islandmode/py.typed", "napalm_nftables/py.typed"} <= names
    pages = {
        f"islandmode/ui/templates/{path.name}" for path in (PROJECT / "src/islandmode/ui/templates").glob("*.[hcs]*")
    }
    assert pages == {name for name in names if name.startswith("islandmode/ui/templates/") and not name.endswith(".py")}
    assert len(pages) > 5
    template = {name.removeprefix("islandmode/template/") for name in names if name.startswith("islandmode/template/")}
    assert template == set(operators_files())
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"islandmode", "napalm_nftables"}
    assert [name for name in names if "__pycache__" in name] == []


def test_the_installed_package_is_not_the_clone(installed: Installed, tmp_path: Path) -> None:
    where = "import islandmode, napalm_nftables; print(islandmode.__file__); print(napalm_nftables.__file__)"
    ended = installed.run("python", "-c", where, cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert all(line.startswith(str(installed.environment)) for line in ended.stdout.splitlines())


def test_napalm_finds_the_driver_by_its_name(installed: Installed, tmp_path: Path) -> None:
    find = "from napalm import get_network_driver; print(get_network_driver('nftables').__module__.split('.')[0])"
    ended = installed.run("python", "-c", find, cwd=tmp_path)
    assert (ended.returncode, ended.stdout) == (0, "napalm_nftables\n"), ended.stderr


def test_init_gives_an_operator_every_file_of_the_template(workspace: Path) -> None:
    made = {
        path.relative_to(workspace).as_posix(): path.read_bytes()
        for folder in FOLDERS
        for path in (workspace / folder).rglob("*")
        if path.is_file()
    }
    assert made == operators_files()


def test_a_new_workspace_is_good_as_it_is(installed: Installed, workspace: Path) -> None:
    ended = installed.run("islandmode", "validate", cwd=workspace)
    assert ended.returncode == 0, ended.stderr
    assert "quarterly-isolation.yaml: good. 2 stages" in ended.stdout


def test_the_plan_is_the_same_as_in_the_clone(installed: Installed, workspace: Path) -> None:
    plan = ("islandmode", "plan", "quarterly-isolation", "--json")
    here, there = installed.run(*plan, cwd=workspace), installed.run(*plan, "--workspace", str(PROJECT), cwd=workspace)
    assert here.returncode == there.returncode == 0, here.stderr + there.stderr
    assert json.loads(here.stdout)["plan_digest"] == json.loads(there.stdout)["plan_digest"]


def test_init_overwrites_nothing(installed: Installed, workspace: Path) -> None:
    drill = workspace / "drills" / "quarterly-isolation.yaml"
    before = drill.read_bytes()
    ended = installed.run("islandmode", "init", str(workspace), cwd=workspace)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert f"{workspace} is not empty; name a new folder" in ended.stderr
    assert drill.read_bytes() == before
