"""Nine cases in which a chaos engine was run by hand (A and C to J), and what each must be here.

There, where a word in a settings file was wrong, the plant stayed isolated (D, E, F, G); a stop waited for the end of a hold
(A); a failure was called completed, or not deviated (C, F); and a dry run read like a pass (J). Here there is no word to get
wrong: the plant comes back in all nine, and only a drill that was done, and held, says so.
"""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from islandmode.rehearse.lab import Lab
from islandmode.store.journal import read_journal
from tests.lab.drills import Ended, end, newest_run, wait_for
from tests.lab.guarded import (
    DRILL,
    RESTORE_WITHIN_S,
    ask,
    conductor_pid,
    end_quietly,
    hold,
    hold_workspace,
    is_isolated,
    kinds,
    run_of,
    see_restored,
    stop_to_restored_s,
    wait_restored,
)
from tests.lab.rogue.bypass import in_node
from tests.patience import wait_until

pytestmark = pytest.mark.lab


def held(text: str) -> str:
    """Hold the first stage for so long that only a stop ends it."""
    return text.replace("hold: 2 s", "hold: 2 min")


def only_planned(text: str) -> str:
    """Let no rule stop the drill: it must be judged all the same."""
    without = re.sub(r"\nabort_when:.*", "\n", text, flags=re.DOTALL)
    assert without != text
    return without.replace("hold: 2 s", "hold: 3 s")


@contextmanager
def plc(lab: Lab, node: str, first: str, then: str) -> Iterator[None]:
    """Send a PLC one signal, and another when all is over."""
    in_node(lab, node, "sh", "-c", f"kill -{first} $(cat /run/plc.pid)")
    try:
        yield
    finally:
        in_node(lab, node, "sh", "-c", f"kill -{then} $(cat /run/plc.pid)")


def frozen(lab: Lab) -> AbstractContextManager[None]:
    """The filler still answers, with values that do not change: out of tolerance."""
    return plc(lab, "plc-filler", "USR1", "USR2")


def silent(lab: Lab, node: str = "plc-filler") -> AbstractContextManager[None]:
    """The PLC does not answer at all: the probe cannot say anything."""
    return plc(lab, node, "STOP", "CONT")


def stopped_by(ended: Ended) -> str:
    """Say who stopped a drill; nobody when it went to its planned end."""
    return next((str(one["data"]["by"]) for one in ended.records() if one["kind"] == "stop"), "nobody")


def assert_back(lab: Lab, ended: Ended) -> None:
    """The plant is back, which was seen, and the drill is not called held."""
    see_restored(lab)
    assert ended.verdict["restoration"] == "proven", ended.output
    assert ended.verdict["verdict"] == "breached", ended.output
    assert ended.code == 1


def test_a_a_stop_does_not_wait_for_the_end_of_the_hold(lab: Lab, tmp_path: Path) -> None:
    """There: restored 7 s after "terminating immediately"."""
    workspace = hold_workspace(tmp_path, lab, held)
    running = hold(workspace, lab)
    with frozen(lab):
        wait_for(running, workspace, "restore.seen")
    ended = end(running, workspace)
    assert stopped_by(ended) == "abort_when"
    assert stop_to_restored_s(workspace) < RESTORE_WITHIN_S
    assert_back(lab, ended)


@pytest.mark.more
def test_c_out_of_tolerance_with_nothing_said_about_it_is_breached(lab: Lab, tmp_path: Path) -> None:
    """There: completed."""
    workspace = hold_workspace(tmp_path, lab, only_planned)
    running = hold(workspace, lab)
    with frozen(lab):
        wait_for(running, workspace, "restore.seen")
    ended = end(running, workspace)
    assert stopped_by(ended) == "nobody"
    assert_back(lab, ended)


@pytest.mark.more
def test_d_a_signal_in_the_hold_restores(lab: Lab, tmp_path: Path) -> None:
    """There: left isolated."""
    workspace = hold_workspace(tmp_path, lab, held)
    running = hold(workspace, lab)
    running.send_signal(signal.SIGTERM)
    ended = end(running, workspace)
    see_restored(lab)
    assert (ended.code, ended.verdict["verdict"], ended.verdict["restoration"]) == (3, "inconclusive", "proven")
    assert stop_to_restored_s(workspace) < RESTORE_WITHIN_S


def test_e_a_kill_in_the_hold_restores_and_leaves_a_record(lab: Lab, tmp_path: Path) -> None:
    """There: left isolated, and no file at all."""
    workspace = hold_workspace(tmp_path, lab, held)
    running = hold(workspace, lab)
    os.kill(conductor_pid(workspace), signal.SIGKILL)
    wait_restored(lab)
    end_quietly(running)
    reading = read_journal((run_of(workspace) / "journals" / "conductor.jsonl").read_bytes())
    assert reading.whole or reading.cut_off
    assert "hold.started" in kinds(workspace, "conductor")
    # The plant is back; that it stays so is seen after the latest moment of what the conductor may have sent.
    wait_until(lambda: "restore.seen" in kinds(workspace, "guardian"), "the guardian sees it restored")
    # The guardian judges it, and a run whose conductor died must not be taken for a pass.
    wait_until((run_of(workspace) / "verdict.json").is_file, "it is judged")
    shown = ask(workspace, lab, "show", "last", "--json")
    assert json.loads(shown.stdout)["verdict"] == "inconclusive"


@pytest.mark.more
def test_f_bad_for_a_while_in_the_hold_is_breached(lab: Lab, tmp_path: Path) -> None:
    """There: left isolated, and not deviated, because nobody looked before or after."""
    workspace = hold_workspace(tmp_path, lab, only_planned)
    running = hold(workspace, lab)
    with frozen(lab):
        wait_for(running, workspace, "isolate.intent", stage="corporate")
    ended = end(running, workspace)
    assert stopped_by(ended) == "nobody"
    assert_back(lab, ended)
    assert any(found["probe"] == "plc-filler" for found in ended.verdict["findings"])


@pytest.mark.more
def test_g_a_probe_that_cannot_ask_counts_as_bad(lab: Lab, tmp_path: Path) -> None:
    """There: left isolated."""
    workspace = hold_workspace(tmp_path, lab, held)
    running = hold(workspace, lab)
    with silent(lab):
        wait_for(running, workspace, "restore.seen")
    ended = end(running, workspace)
    assert stopped_by(ended) == "abort_when"
    assert stop_to_restored_s(workspace) < RESTORE_WITHIN_S
    assert_back(lab, ended)


@pytest.mark.more
def test_h_a_probe_that_cannot_ask_is_judged_though_no_rule_names_it(lab: Lab, tmp_path: Path) -> None:
    """There: restored, because another word stood in the settings."""
    workspace = hold_workspace(tmp_path, lab, only_planned)
    running = hold(workspace, lab)
    with silent(lab):
        wait_for(running, workspace, "restore.seen")
    ended = end(running, workspace)
    assert stopped_by(ended) == "nobody"
    assert_back(lab, ended)


@pytest.mark.more
def test_i_with_nobody_to_ask_it_restores_though_no_rule_says_so(lab: Lab, tmp_path: Path) -> None:
    """There: restored, because a third word stood in the settings."""
    workspace = hold_workspace(tmp_path, lab, lambda text: only_planned(text).replace("hold: 3 s", "hold: 2 min"))
    running = hold(workspace, lab)
    with silent(lab), silent(lab, "plc-mixer"):
        wait_for(running, workspace, "restore.seen")
    ended = end(running, workspace)
    assert stopped_by(ended) == "flying_blind"
    assert stop_to_restored_s(workspace) < RESTORE_WITHIN_S
    assert_back(lab, ended)


def test_j_a_drill_that_touches_nothing_does_not_read_like_a_pass(lab: Lab, tmp_path: Path) -> None:
    """There: completed, not deviated, one restore. A dry run is looked at in test_dry_run.py."""
    mode = "tabletop"
    workspace = hold_workspace(tmp_path, lab, held)
    done = ask(workspace, lab, "run", DRILL, "--mode", mode)
    assert done.returncode == 6
    assert not is_isolated(lab)
    assert newest_run(workspace) is None
    # But for the option by which a note says on which day a tabletop was held.
    assert not re.search(r"\b(held(?!-on)|passed|completed|proven)\b", done.stdout), done.stdout
    machine = ask(workspace, lab, "run", DRILL, "--mode", mode, "--json")
    assert machine.returncode == 6
    assert "verdict" not in json.dumps(machine.stdout)
