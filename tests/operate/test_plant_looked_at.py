"""`status --devices` for runs on a plant: their devices are looked at from here, and no lab is asked for."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from islandmode.operate.devices import look_at_devices
from islandmode.operate.ground import PlantGround
from islandmode.operate.plan import plan_of
from islandmode.operate.telling import Kept
from islandmode.operate.unfinished import known_runs
from islandmode.operate.watch import Unwatched
from islandmode.store import rundir
from islandmode.store.active import record_run
from islandmode.store.run_request import REQUEST, RunRequest
from tests.emulators.kirkby import OTHER_RUN, Kirkby, device_of, isolated_by
from tests.emulators.server import SshServer
from tests.more import first_of
from tests.patience import PATIENCE_S

PROJECT = Path(__file__).resolve().parents[2]
DRILL = "devices-only"
PLATFORMS = first_of(["fortios-schedule", "ios-time-range"])


@pytest.fixture(params=PLATFORMS)
def kirkby(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Kirkby]:
    """A plant with one emulated device, provisioned."""
    with SshServer(device_of(request.param)) as server:
        plant = Kirkby(tmp_path / "kirkby", request.param, server)
        plant.provisioned()
        yield plant


def begin(root: Path, drill: str) -> None:
    """Begin a run's folder and its record as the product does."""
    _, plan = plan_of(root, drill)
    ground = PlantGround(root, plan.drill.site)
    directory = rundir.create(root, OTHER_RUN)
    directory.keep(rundir.PLAN, plan.model_dump_json(by_alias=True))
    directory.keep(REQUEST, RunRequest(OTHER_RUN, root, drill, "live", "nobody", ground.words()).text())
    record_run(OTHER_RUN, root, plan, ground.words())


def begun(kirkby: Kirkby, drill: str = DRILL) -> None:
    """Begin a run in a process of its own, which is gone then: while it lives, its run goes on."""
    code = f"from pathlib import Path; from tests.operate.test_plant_looked_at import begin; begin(Path({str(kirkby.root)!r}), {drill!r})"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=PROJECT, timeout=PATIENCE_S)


def looked(kirkby: Kirkby) -> tuple[int, Kept]:
    listener = Kept()
    code = look_at_devices(known_runs(kirkby.root), (), Unwatched(), listener)
    return code, listener


def test_what_a_run_on_a_plant_left_is_looked_at(kirkby: Kirkby) -> None:
    begun(kirkby)
    isolated_by(OTHER_RUN, kirkby)
    code, listener = looked(kirkby)
    assert code == 5
    (told,) = [said for said in listener.said if said.startswith(kirkby.name)]
    assert "IS ISOLATED" in told
    assert told.endswith("made by no run that goes on.")
    assert not [said for said in (*listener.said, *listener.warned) if "lab" in said.casefold()]
    assert not kirkby.server.device.was_touched


def test_what_cannot_be_logged_in_to_is_said_and_never_taken_for_at_rest(kirkby: Kirkby) -> None:
    begun(kirkby, "all-ways")
    kirkby.known_hosts.unlink()
    code, listener = looked(kirkby)
    assert code == 5
    assert any(
        said.startswith(f"{kirkby.name} could not be read: There is no inventory/known_hosts")
        for said in listener.warned
    )
    by_hand = f"press-modem of {OTHER_RUN} must be looked at by a person: nothing logs in there."
    assert by_hand in listener.warned
    assert listener.said == []


def test_a_plant_with_no_unfinished_run_is_not_logged_in_to(kirkby: Kirkby) -> None:
    code, listener = looked(kirkby)
    assert (code, kirkby.server.device.logins) == (0, [])
    assert listener.said == ["No lab of this workspace is up, so there is no device to look at."]
