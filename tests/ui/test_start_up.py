"""What each command imports: a command that only reads files waits for no library that talks to devices or lays out pages."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.patience import PATIENCE_S
from tests.ui.test_runs_commands import ARMED, SEEN, VERDICT, leave_run

PROJECT = Path(__file__).resolve().parents[2]
RECIPES = "islandmode.core.recipe.model"
"""Needed where a device goes by a recipe, and only there."""
HEAVY = {"napalm", "netmiko", "paramiko", "pymodbus", "napalm_nftables.driver", "jinja2"}
DRILLS_ONLY = {
    *(
        "rich",
        "matplotlib",
        "islandmode.run.conductor",
        "islandmode.core.planning.plan_drill",
        "islandmode.rehearse.site_in_lab",
    ),
    *("islandmode.observe.process_vantage", "islandmode.ui.pages", "islandmode.ui.report", "islandmode.ui.templates"),
    RECIPES,
}
"""What a drill needs, and putting a plant back does not."""
LOOK = """
import sys
from islandmode.ui.program import command
code = command({arguments!r})
print("imported:", " ".join(sorted(sys.modules)))
raise SystemExit(code)
"""


def imported_by(*arguments: str, cwd: Path) -> tuple[int, set[str]]:
    """Run a command in a process of its own; gives its exit code and every module that it imported."""
    look = LOOK.format(arguments=list(arguments))
    ended = subprocess.run(
        [sys.executable, "-c", look],
        check=False,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        cwd=cwd,
        timeout=PATIENCE_S,
    )
    assert "imported: " in ended.stdout, ended.stderr
    return ended.returncode, set(ended.stdout.rpartition("imported: ")[2].split())


@pytest.mark.parametrize(
    ("arguments", "others"),
    [
        (("validate",), {"rich", "islandmode.ui.report", "islandmode.run.conductor", "islandmode.rehearse.backends"}),
        (("plan", "quarterly-isolation"), {"islandmode.run.conductor", "islandmode.rehearse.backends", RECIPES}),
        (
            ("abort",),
            {"rich", "islandmode.operate.restoring", "islandmode.rehearse.lab", "islandmode.core.plan", "ruamel"},
        ),
        (("runs",), {"rich", "islandmode.run.conductor", "islandmode.rehearse.lab", "ruamel"}),
        (("status",), {"rich", "islandmode.run.conductor", "islandmode.operate.devices"}),
        (("show",), {"rich", "islandmode.run.conductor", "islandmode.rehearse.lab"}),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_a_command_imports_what_it_needs(arguments: tuple[str, ...], others: set[str], tmp_path: Path) -> None:
    """`bench/command_line.py` holds what this saves: NAPALM alone is half a second of processor time."""
    for name in ("drills", "inventory", "probes", "playbooks", "lab"):
        (tmp_path / name).symlink_to(PROJECT / name)
    leave_run(tmp_path, "2026-01-a", [*ARMED, SEEN], json.dumps(VERDICT))
    code, imported = imported_by(*arguments, cwd=tmp_path)
    assert code == 0
    assert imported & (HEAVY | others) == set()


@pytest.mark.parametrize(
    ("arguments", "code"), [(("restore",), 5), (("restore", "2026-01-a"), 5), (("guard", "2026-01-a"), 2)]
)
def test_what_puts_a_plant_back_waits_for_nothing_that_a_drill_needs(
    arguments: tuple[str, ...], code: int, tmp_path: Path
) -> None:
    """A run still owes a restore, and its lab is gone: all is imported but the library that talks to the device."""
    for name in ("drills", "inventory", "probes", "playbooks", "lab"):
        (tmp_path / name).symlink_to(PROJECT / name)
    leave_run(tmp_path, "2026-01-a", ARMED)
    ended, imported = imported_by(*arguments, cwd=tmp_path)
    assert ended == code
    assert "islandmode.run.restore" in imported
    assert imported & (HEAVY | DRILLS_ONLY) == set()


def test_the_edge_to_a_device_imports_nothing_that_lays_out_pages() -> None:
    """The NAPALM library imports templates of its own, and that is the only reason why any are there."""
    look = (
        "import sys, napalm; of_napalm = set(sys.modules); import islandmode.isolation.nftables.point, islandmode.operate.restoring; "
        "print('imported:', *sorted(set(sys.modules) - of_napalm))"
    )
    ended = subprocess.run([sys.executable, "-c", look], check=True, capture_output=True, text=True)
    assert set(ended.stdout.split()) & ({"jinja2"} | DRILLS_ONLY) == set()


def test_our_own_code_is_found_without_importing_it(tmp_path: Path) -> None:
    look = (
        "import sys; from islandmode.rehearse.own_code import code_digest; from islandmode.rehearse import backends; "
        "print(len(code_digest()), sorted({'napalm', 'napalm_nftables'} & set(sys.modules)))"
    )
    ended = subprocess.run([sys.executable, "-c", look], check=True, capture_output=True, text=True, cwd=tmp_path)
    assert ended.stdout == "64 []\n"
