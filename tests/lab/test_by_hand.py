"""A drill whose vendors' cable a person pulls: the cable is the lab's own, the person's word goes through the real command."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from islandmode.rehearse.lab import Lab
from tests.lab.by_hand import (
    CONDUIT,
    DRILL,
    GOOD,
    PERSON,
    POINT,
    Person,
    asks,
    at_the_cabinet,
    command,
    nothing,
    pulls,
    pushes,
    there,
    workspace_of,
)
from tests.lab.drills import Drill, drill, end, start, wait_for
from tests.lab.guarded import guardian_pid, kinds, records, run_of, see_restored
from tests.more import first_of
from tests.patience import LONG_PATIENCE_S, wait_until

pytestmark = pytest.mark.lab


def says_only(person: Person, _ask: dict[str, Any]) -> None:
    """Say that the cable is out, and leave it in."""
    person.confirm()


def test_a_person_pulls_the_cable_and_puts_it_back_and_the_drill_is_held(lab: Lab, tmp_path: Path) -> None:
    workspace = workspace_of(tmp_path, lab, within_s=60)

    def pulls_and_more(person: Person, ask: dict[str, Any]) -> None:
        """Type what is wrong first, then what is right, and that twice."""
        name = run_of(workspace).name
        assert (person.confirm(person="J. Doe"), person.confirm("other-point")) == (2, 4)
        listed = command(workspace, "confirm", name).stdout
        assert "Pull the cable labelled VENDOR." in listed
        assert f"  ASKED  {POINT}: {PERSON} (shift lead" in command(workspace, "status").stdout
        noted = command(workspace, "note", name, "Cabinet 4 is open; the key is with the shift lead.")
        assert noted.returncode == 0, noted.stderr
        (run_of(workspace) / "requests" / "torn.json").write_text('{"v": 1, "kind": "confirm"', encoding="utf-8")
        (run_of(workspace) / "requests" / "huge.json").write_text("{" + " " * 100_000, encoding="utf-8")
        pulls(person, ask)
        person.confirm()

    with at_the_cabinet(lab, workspace, {**GOOD, "isolate": pulls_and_more}):
        ended = drill(workspace, lab.name, named=DRILL)
    assert (ended.code, ended.verdict.get("verdict"), ended.verdict.get("restoration")) == (0, "held", "proven"), (
        ended.output
    )
    see_restored(lab)
    found = ended.records()
    order = [(one["data"]["act"], one["kind"]) for one in found if one["kind"] in ("hand.asked", "hand.confirmed")]
    assert order[:4] == [(act, kind) for act in ("be there", "isolate") for kind in ("hand.asked", "hand.confirmed")]
    assert ("restore", "hand.asked") in order
    ignored = [one["data"] for one in found if one["kind"] == "request.ignored"]
    assert {(one["file"], one["why"]) for one in ignored} >= {
        ("torn.json", "it is half-written"),
        ("huge.json", "it is longer than 4096 bytes"),
    }
    see_told(workspace, ended.output)


def see_told(workspace: Path, output: str) -> None:
    """See that screen, report and `show` tell what was asked, by whom it was confirmed, and what was noted."""
    assert f"ASKED  {POINT}: {PERSON} (shift lead, line 3; radio channel 4), isolate {CONDUIT} now" in output
    assert f"{POINT} --person 'R. Ortiz'" in output
    run = run_of(workspace)
    shown, report = command(workspace, "show", run.name).stdout, (run / "report.html").read_text(encoding="utf-8")
    for told in (shown, report):
        assert f"{POINT}: says it is isolated, typed by account" in told
        assert "note: Cabinet 4 is open; the key is with the shift lead." in told
    late = command(workspace, "confirm", run.name, POINT, "--person", PERSON)
    assert (late.returncode, "nobody is asked for anything" in late.stderr) == (4, True), late.stderr
    over = command(workspace, "note", run.name, "too late")
    assert (over.returncode, "does not go on any more" in over.stderr) == (4, True), over.stderr


@pytest.mark.more
def test_who_says_it_and_has_not_done_it_is_not_believed(lab: Lab, tmp_path: Path) -> None:
    workspace = workspace_of(tmp_path, lab)
    with at_the_cabinet(lab, workspace, {**GOOD, "isolate": says_only}):
        ended = drill(workspace, lab.name, named=DRILL)
    assert (ended.code, ended.verdict.get("verdict"), ended.verdict.get("restoration")) == (1, "breached", "proven"), (
        ended.output
    )
    (result,) = [one["data"] for one in ended.records() if one["kind"] == "isolate.result"]
    assert (result["outcome"], f"{PERSON} confirmed it, and " in result["why"]) == ("not done", True)
    see_restored(lab)


@pytest.mark.more
def test_what_nobody_confirms_is_unknown_and_restored_although_the_cable_is_out(lab: Lab, tmp_path: Path) -> None:
    workspace = workspace_of(tmp_path, lab)

    def pulls_silently(person: Person, _ask: dict[str, Any]) -> None:
        person.pull()

    with at_the_cabinet(lab, workspace, {**GOOD, "isolate": pulls_silently}):
        ended = drill(workspace, lab.name, named=DRILL)
    (result,) = [one["data"] for one in ended.records() if one["kind"] == "isolate.result"]
    assert result["outcome"] == "unknown"
    assert "not-by-hand" in ended.codes()
    assert (ended.verdict.get("verdict"), ended.verdict.get("restoration")) == ("inconclusive", "proven"), ended.output
    assert "hold.started" not in ended.kinds()
    see_restored(lab)


@pytest.mark.more
def test_who_is_not_there_is_asked_for_nothing_else(lab: Lab, tmp_path: Path) -> None:
    workspace = workspace_of(tmp_path, lab)
    with at_the_cabinet(lab, workspace, {"be there": nothing}):
        ended = drill(workspace, lab.name, again=0, named=DRILL)
    assert ended.code == 4, ended.output
    assert f"{PERSON} did not confirm within 20 s that they are there" in ended.output
    assert {one["act"] for one in asks(workspace)} == {"be there"}
    see_restored(lab)


@pytest.mark.parametrize("moment", first_of(["hold.started", "isolate.intent"]))
@pytest.mark.more
def test_the_guardian_goes_on_asking_when_the_conductor_was_killed(moment: str, lab: Lab, tmp_path: Path) -> None:
    workspace = workspace_of(tmp_path, lab, hold="2 min")
    acts = {"be there": there, "isolate": pulls if moment == "hold.started" else nothing, "restore": pushes}
    with at_the_cabinet(lab, workspace, acts):
        running = start(workspace, lab.name, named=DRILL)
        wait_for(running, workspace, moment)
        kill(running, workspace)
        wait_until(lambda: "guardian.ended" in kinds(workspace, "guardian"), "the guardian has ended")
    assert {"guardian.took_over", "hand.asked"} <= set(kinds(workspace, "guardian"))
    assert {one["data"]["point"] for one in records(workspace, "guardian") if one["kind"] == "restore.seen"} >= {POINT}
    see_restored(lab)


@pytest.mark.more
def test_restore_asks_and_waits_for_a_probe_when_both_were_killed(lab: Lab, tmp_path: Path) -> None:
    workspace = workspace_of(tmp_path, lab, hold="2 min")
    with at_the_cabinet(lab, workspace, GOOD) as person:
        running = start(workspace, lab.name, named=DRILL)
        wait_for(running, workspace, "hold.started")
        os.kill(guardian_pid(workspace), signal.SIGSTOP)
        stopped = guardian_pid(workspace)
        kill(running, workspace)
        os.kill(stopped, signal.SIGKILL)
        run = run_of(workspace).name
        still_out = command(workspace, "restore", run)
        assert still_out.returncode == 5, still_out.stdout
        assert "Put the cable labelled VENDOR into port 2." in still_out.stdout
        person.push()
        restored = command(workspace, "restore", run)
    assert restored.returncode == 0, restored.stderr
    assert f"a probe passed through {POINT}" in restored.stdout
    see_restored(lab)


def kill(running: Drill, workspace: Path) -> None:
    """Kill the conductor: the drill's process, and whatever it became."""
    text = next((workspace / "runs" / ".locks").glob("riverside.remote-access.lock")).read_text(encoding="utf-8")
    os.kill(int(text.split()[0]), signal.SIGKILL)
    running.wait(LONG_PATIENCE_S)
    end(running, workspace)
