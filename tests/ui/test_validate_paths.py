"""What `validate` may be given: a file that is checked, by its folder and its ending; everything else is refused, never good."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from islandmode.core.errors import InputError
from islandmode.ui.program import command
from islandmode.ui.workspace import start_workspace

EXPECTED = (
    "validate takes a drill (drills/NAME.yaml), a site (inventory/NAME.yaml), a probe pack (probes/NAME.yaml), a recipe (inventory/recipes/NAME.yaml), a lab topology "
    "(lab/NAME.clab.yml, or the file that a site names), or nothing, for all of them."
)
FILES = {
    "lab/boot.sh": "#!/bin/sh\n",
    "lab/fw/plant.nft": "flush ruleset\n",
    "lab/README.md": "# The lab\n",
    "lab/notes.yaml": "drill: weekly\n",
    "lab/.hidden.clab.yml": "name: hidden\n",
    "drills/README.md": "# Drills\n",
    "drills/noext": "drill: weekly\n",
    "inventory/noext": "site: north\n",
    "inventory/.riverside.yaml": "site: north\n",
    "probes/notes.txt": "",
    "other.yaml": "nothing: known\n",
    "playbooks/site.yml": "nothing: known\n",
}


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace with another workspace below it, as examples in a repository are; we stand in the upper one."""
    folder = tmp_path / "plant"
    assert start_workspace(folder) == 0
    shutil.copytree(folder, folder / "examples" / "millbrook")
    for name, text in FILES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(folder)
    return folder


def refused(path: str, *more: str) -> str:
    with pytest.raises(InputError) as raised:
        command(["validate", path, *more])
    assert raised.value.exit_code == 2
    return str(raised.value)


@pytest.mark.usefixtures("workspace")
@pytest.mark.parametrize("path", FILES)
def test_what_cannot_be_checked_is_refused_with_what_was_expected(path: str) -> None:
    assert refused(path) == f"{path} cannot be checked; {EXPECTED}"


@pytest.mark.usefixtures("workspace")
@pytest.mark.parametrize("path", ["lab", "drills", "examples", "lab/fw"])
def test_a_folder_is_refused_with_what_was_expected(path: str) -> None:
    assert refused(path) == f"{path} is a folder; {EXPECTED}"


def test_a_file_that_is_no_yaml_is_refused_with_its_place_and_with_what_was_expected(workspace: Path) -> None:
    (workspace / "list.yml").write_text("- hosts: all\n", encoding="utf-8")
    first, second = refused("list.yml").splitlines()
    assert (first, second) == (
        f"list.yml cannot be checked; {EXPECTED}",
        'list.yml:1:1: Expected a mapping at the top of the file, lines such as "name: value".',
    )


@pytest.mark.parametrize(
    "path",
    ["inventory/riverside.yaml", "drills/quarterly-isolation.yaml", "probes/line3.yaml", "lab/plant.clab.yml"],
)
def test_a_file_of_another_workspace_is_named_with_the_command_that_checks_it(workspace: Path, path: str) -> None:
    other = workspace / "examples" / "millbrook"
    given = f"examples/millbrook/{path}"
    command_there = f"islandmode validate {path} --workspace {other}"
    for one in (given, str(other / path)):
        told = refused(one)
        assert told.startswith(f"{one[:60]}")
        assert re.fullmatch(
            rf".* belongs to another workspace; `\S*{re.escape(command_there)}` checks it there\.", told
        )
    assert command(["validate", path, "--workspace", str(other)]) == 0
    assert command(["validate", given, "--workspace", str(other)]) == 0


def test_another_workspace_itself_is_named_with_its_command(workspace: Path) -> None:
    other = workspace / "examples" / "millbrook"
    told = refused("examples/millbrook")
    assert told.startswith("examples/millbrook is a workspace; `")
    assert told.endswith(f"islandmode validate --workspace {other}` checks all of it.")


def test_a_drill_is_found_by_its_name_and_wherever_it_lies(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (workspace / "quarterly-isolation").mkdir()
    shutil.copy(workspace / "drills" / "quarterly-isolation.yaml", workspace / "draft.yaml")
    for given in ("quarterly-isolation", "draft.yaml", str(workspace / "draft.yaml")):
        assert command(["validate", given]) == 0
        assert capsys.readouterr().out.startswith(f"{given}: good. 2 stages, ")


def test_a_file_of_the_workspace_is_one_though_it_is_a_link(workspace: Path) -> None:
    (workspace / "elsewhere.txt").write_bytes((workspace / "lab" / "plant.clab.yml").read_bytes())
    (workspace / "lab" / "linked.clab.yml").symlink_to(workspace / "elsewhere.txt")
    assert command(["validate", "lab/linked.clab.yml"]) == 0


GOOD = [
    "drills/quarterly-isolation.yaml: good. 2 stages, 20 s of hold at riverside, drill digest ",
    "inventory/riverside.yaml: good. 4 zones, 4 conduits, 8 flows, 1 isolation point.",
    "probes/boundary.yaml: good. 15 probes.",
    "probes/line3.yaml: good. 8 probes.",
    "inventory/recipes/nftables-plays.yaml: good. 8 facts, 0 unchecked facts.",
    "lab/plant.clab.yml: good. 12 nodes, 11 links, 1 isolation point.",
    "lab/third-party.clab.yml: good. 12 nodes, 11 links, 1 isolation point.",
]


def starts(lines: list[str], expected: list[str]) -> bool:
    return len(lines) == len(expected) and all(map(str.startswith, lines, expected))


def test_a_whole_validate_says_of_every_file_that_it_was_checked(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(["validate"]) == 0
    assert starts(capsys.readouterr().out.splitlines(), GOOD)
    assert command(["validate", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert starts(document.pop("told"), GOOD)
    assert document == {"exit_code": 0, "errors": []}
    probes = workspace / "probes" / "line3.yaml"
    probes.write_text(probes.read_text(encoding="utf-8").replace("address: 0", "address: 40001", 1), encoding="utf-8")
    with pytest.raises(InputError, match=r"^probes/line3\.yaml:13:14"):
        command(["validate"])
    assert starts(capsys.readouterr().out.splitlines(), [line for line in GOOD[1:] if "line3" not in line])
