"""The plant's own word in real drills: an idle line is held as idle, one that runs is not drilled as idle, and a bypass in the hold restores."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from islandmode.core.plant_state import IDLE_SHOWS
from islandmode.rehearse.lab import Lab
from tests.lab.drills import drill, end, make_workspace, start, wait_for
from tests.lab.guarded import is_isolated
from tests.lab.rogue.bypass import in_node
from tests.patience import wait_until
from tests.ui.test_boundary_told import plain

pytestmark = pytest.mark.lab

DRILL = "drills/quarterly-isolation.yaml"
LOCKS = """
interlocks:
  - {{probe: filler-running, tells: the filler runs, running: 1, idle: 0, bad_for: 1 s}}
  - {{probe: filler-bypass, tells: a bypass is active, running: 0, idle: 0, bad_for: 1 s}}
plant_state: {state}
"""
RUN, BYPASS = 0, 1
COIL = """
import socket, struct, sys
coil, bit = map(int, sys.argv[1:])
with socket.create_connection(("10.40.0.11", 502), 10) as link:
    asked = struct.pack(">HHHBBHH", 1, 0, 6, 1, 5, coil, 0xFF00 * bit)
    link.sendall(asked)
    assert link.recv(12) == asked
"""
READS = """
import socket, struct, sys
with socket.create_connection(("10.40.0.11", 502), 10) as link:
    link.sendall(struct.pack(">HHHBBHH", 1, 0, 6, 1, 2, int(sys.argv[1]), 1))
    print(link.recv(10)[9])
"""


def turn(lab: Lab, coil: int, bit: int, input_: int) -> None:
    """Turn a switch of the filler, and wait until its program shows that."""
    in_node(lab, "ops", sys.executable, "-c", COIL, str(coil), str(bit))
    wait_until(
        lambda: in_node(lab, "ops", sys.executable, "-c", READS, str(input_)).strip() == str(bit), "it shows that"
    )


@pytest.fixture
def filler(lab: Lab) -> Iterator[Callable[[int, int], None]]:
    """Turn the filler's switches: its run command, and the key of its bypass. They are as they were after the test."""
    shown = {RUN: 1, BYPASS: 3}
    yield lambda coil, bit: turn(lab, coil, bit, shown[coil])
    turn(lab, RUN, 1, shown[RUN])
    turn(lab, BYPASS, 0, shown[BYPASS])


def workspace(lab: Lab, folder: Path, state: str, hold: str = "hold: 3 s") -> Path:
    def edit(text: str) -> str:
        return text.replace("hold: 3 s", hold) + LOCKS.format(state=state)

    return make_workspace(folder, lab.state_dir, {DRILL: edit})


def test_a_line_that_stands_is_held_and_nothing_says_that_it_ran(
    lab: Lab, tmp_path: Path, filler: Callable[[int, int], None]
) -> None:
    filler(RUN, 0)
    ended = drill(workspace(lab, tmp_path, "idle"), lab.name)
    assert ended.code == 0, ended.output
    assert (ended.verdict["verdict"], ended.verdict["restoration"], ended.verdict["plant_state"]) == (
        "held",
        "proven",
        "idle",
    )
    assert IDLE_SHOWS in " ".join(ended.output.split())
    assert ended.directory is not None
    said = plain((ended.directory / "report.html").read_text(encoding="utf-8"))
    assert IDLE_SHOWS in said
    assert ("ran as an island" in said, "The idle plant was an island." in said) == (False, True)
    rows = [row for row in ended.verdict["rows"] if row["role"] == "interlock"]
    assert {(row["probe"], row["expected"], row["bad"]) for row in rows} == {
        ("filler-running", "as needed", 0),
        ("filler-bypass", "as needed", 0),
    }
    assert "it shows nothing of production" in plain((ended.directory / "card.html").read_text(encoding="utf-8"))
    assert json.loads((ended.directory / "plan.json").read_text(encoding="utf-8"))["drill"]["plant_state"] == "idle"


@pytest.mark.more
def test_a_bypass_in_the_hold_restores_at_once(lab: Lab, tmp_path: Path, filler: Callable[[int, int], None]) -> None:
    folder = workspace(lab, tmp_path, "running", "hold: 2 min")
    running = start(folder, lab.name)
    wait_for(running, folder, "hold.started", stage="corporate")
    filler(BYPASS, 1)
    ended = end(running, folder)
    assert ended.code == 1, ended.output
    assert (ended.verdict["verdict"], ended.verdict["restoration"]) == ("breached", "proven")
    stop = next(record["data"] for record in ended.records() if record["kind"] == "stop")
    assert stop["by"] == "abort_when"
    assert stop["why"].startswith("Interlock filler-bypass was not seen to read 0 (a bypass is active) for 1.")
    assert "aborted" in ended.codes()
    assert not is_isolated(lab)


@pytest.mark.more
def test_a_line_that_stands_is_not_drilled_as_one_that_runs(
    lab: Lab, tmp_path: Path, filler: Callable[[int, int], None]
) -> None:
    filler(RUN, 0)
    running = start(workspace(lab, tmp_path, "running"), lab.name, again=0)
    ended = end(running, tmp_path)
    assert ended.code == 4, ended.output
    assert (
        "Interlock filler-running from vantage here does not read 1 (the filler runs), as plant_state running needs"
        in " ".join(ended.output.split())
    )
    assert not {"arm.intent", "isolate.intent"} & set(ended.kinds())
