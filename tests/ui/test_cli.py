from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from islandmode import __version__
from islandmode.rehearse.topology import read_topology
from islandmode.run import outermost
from islandmode.ui.lab_commands import node_meant
from islandmode.ui.program import command
from tests.called_here import called_here
from tests.patience import PATIENCE_S

PROJECT = Path(__file__).resolve().parents[2]
HEAVY = {"anyio", "asyncio", "napalm", "netmiko", "paramiko", "pydantic", "pymodbus", "rich", "ruamel"}


def test_the_command_line_imports_nothing_heavy() -> None:
    """`islandmode --help` takes a tenth of a second because of this; bench/ holds the number."""
    look = f"import sys, islandmode.ui.program; print(sorted({HEAVY!r} & set(sys.modules)))"
    ended = subprocess.run([sys.executable, "-c", look], check=True, capture_output=True, text=True, timeout=PATIENCE_S)
    assert ended.stdout == "[]\n"


def test_help_names_every_command_and_every_exit_code_as_the_readme_does(capsys: pytest.CaptureFixture[str]) -> None:
    assert command(["--help"]) == 0
    said = capsys.readouterr().out
    for name in ("init", "validate", "schema", "plan", "run", "runs", "show", "status", "lab"):
        assert f"\n  {name} " in said
    assert " ".join(said.split("Exit codes:")[1].split()) == ", ".join(codes_of_readme())


@pytest.mark.parametrize("verb", ["shell", "restart"])
def test_a_node_may_be_named_by_its_isolation_point_and_the_help_says_so(
    verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The card names the isolation point, and its reader may not know the node's own name."""
    assert command(["lab", verb, "--help"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "Name of a node or of an isolation point." in said
    topology = read_topology(PROJECT / "lab" / "plant.clab.yml")
    assert [node_meant(topology, name) for name in ("conduit-firewall", "fw", "hmi")] == ["fw", "fw", "hmi"]


def codes_of_readme() -> list[str]:
    """Read the exit codes and what each means, as the README gives them."""
    (row,) = re.findall(
        r"^Exit codes: (.*?)\n\n", (PROJECT / "README.md").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    return [" ".join(code.split()) for code in row.split("·")]


def test_what_a_refusal_left_is_said_the_same_wherever_the_codes_stand() -> None:
    """A device may refuse to be armed when others were armed already: *nothing touched* would be false."""
    refused = "4 refused before it isolated anything, nothing of it left on any device"
    assert refused in codes_of_readme()
    assert refused in (outermost.__doc__ or "")


def test_the_version_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert command(["--version"]) == 0
    assert capsys.readouterr().out == f"islandmode {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["nope"], "No such command 'nope'."),
        (["run", "quarterly-isolation"], "Missing option '--mode'."),
        (["plan"], "Missing argument 'DRILL'"),
        (["plan", "--nope", "x"], "No such option: --nope"),
        (["lab", "up", "extra"], "unexpected extra argument"),
    ],
)
def test_a_command_line_nobody_understands_is_bad_input(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(arguments) == 2
    said = capsys.readouterr()
    assert complaint.lower() in said.err.lower()
    assert said.out == ""


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("plan", "nope"), "There is no drill nope; known drills: quarterly-isolation."),
        (("run", "quarterly-isolation", "--mode", "nope"), "There is no mode nope; known modes: tabletop, dry-run"),
        (
            ("schema", "nope"),
            "There is no schema nope; known schemas: drill, site, probes, recipe, people, policy, topology.",
        ),
        (("show", "nope"), "nope is not a run of this workspace"),
        (("validate", "nope.yaml"), "There is no drill nope.yaml; known drills: quarterly-isolation."),
    ],
)
def test_bad_input_is_one_sentence_and_exit_2(arguments: tuple[str, ...], sentence: str, tmp_path: Path) -> None:
    where = () if arguments[0] == "schema" else ("--workspace", str(PROJECT))
    ended = called_here(*arguments, *where, cwd=tmp_path)
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert sentence in ended.stderr
    assert "Traceback" not in ended.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("mode", "sentence"),
    [
        (
            "live",
            "A live run cannot begin:",
        ),
        ("incident", "Mode incident does not exist yet in this version. Nothing was touched."),
    ],
)
def test_real_plants_are_refused_with_all_that_speaks_against_it(mode: str, sentence: str, tmp_path: Path) -> None:
    ended = called_here("run", "quarterly-isolation", "--mode", mode, "--workspace", str(PROJECT), cwd=tmp_path)
    assert ended.returncode == 4
    assert sentence in ended.stderr
    assert "There is no inventory/people, so nobody can approve a live run" in ended.stderr


def test_a_walk_through_touches_nothing_and_judges_nothing(tmp_path: Path) -> None:
    ended = called_here("run", "quarterly-isolation", "--mode", "tabletop", "--workspace", str(PROJECT), cwd=tmp_path)
    assert ended.returncode == 6, ended.stderr
    assert "stage 2: corporate" in ended.stdout


def test_a_dry_run_stands_on_a_plant_and_not_on_a_lab(tmp_path: Path) -> None:
    ended = called_here("run", "quarterly-isolation", "--mode", "dry-run", "--workspace", str(PROJECT), cwd=tmp_path)
    assert ended.returncode == 2
    assert re.fullmatch(
        r"islandmode: inventory/riverside.yaml:\d+:\d+: conduit-firewall is a device of a rehearsal lab, .*\n",
        ended.stderr,
    )


def test_a_plan_for_machines_is_json_and_nothing_else(tmp_path: Path) -> None:
    ended = called_here("plan", "quarterly-isolation", "--json", "--workspace", str(PROJECT), cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert [stage["name"] for stage in json.loads(ended.stdout)["stages"]] == ["vendors", "corporate"]


def test_schemas_know_the_keys_of_the_files(capsys: pytest.CaptureFixture[str]) -> None:
    assert command(["schema"]) == 0
    schemas = json.loads(capsys.readouterr().out)
    assert set(schemas) == {"drill", "site", "probes", "recipe", "people", "policy", "topology"}
    assert command(["schema", "drill"]) == 0
    assert json.loads(capsys.readouterr().out) == schemas["drill"]
    assert {"stages", "limits", "continuity", "severed"} <= set(schemas["drill"]["properties"])
