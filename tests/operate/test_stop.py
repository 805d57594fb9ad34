"""What `abort` and `restore` say and enter, over directories such as runs leave."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from islandmode.core.capabilities import Works
from islandmode.core.plan import Plan
from islandmode.operate import stop
from islandmode.operate.rescue import _covers
from islandmode.operate.telling import Kept
from islandmode.store.active import RunRecord
from islandmode.store.rundir import RunDirectory
from islandmode.ui.silent_disk import DiskWatch
from islandmode.ui.spoken import Spoken
from tests.patience import PATIENCE_S
from tests.system.test_life import HOLD, child
from tests.ui.test_runs_commands import ARMED, SEEN, Step, ask, leave_run

LEFT = {"fw": ("a", "b", "c")}


def of_record(points: dict[str, tuple[str, ...]] | None) -> RunDirectory:
    root = Path("/plant/runs/2026-01-a")
    return RunDirectory(root, None if points is None else RunRecord(root, 0, root.name, Path("/plant"), {}, points))


@pytest.mark.parametrize(
    ("seen", "left", "recorded", "covered"),
    [
        pytest.param({"fw": ("a",)}, LEFT, LEFT, False, id="fewer conduits"),
        pytest.param({"fw": ("c", "b", "a", "d")}, LEFT, LEFT, True, id="these and more"),
        pytest.param({"other": ("a", "b", "c")}, LEFT, LEFT, False, id="another point"),
        pytest.param({"fw": ("a", "b", "c")}, {"?": ()}, LEFT, True, id="no plan, and recorded"),
        pytest.param({"fw": ("a",)}, {"?": ()}, LEFT, False, id="no plan, and recorded with more"),
        pytest.param({"fw": ("a", "b", "c")}, {"?": ()}, None, False, id="no plan and no record"),
    ],
)
def test_a_restore_by_the_drill_covers_a_run_conduit_by_conduit(
    seen: dict[str, tuple[str, ...]],
    left: dict[str, tuple[str, ...]],
    recorded: dict[str, tuple[str, ...]] | None,
    *,
    covered: bool,
) -> None:
    assert _covers(seen, left, of_record(recorded)) is covered


def test_an_abort_before_anything_was_armed_claims_no_restoration(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = leave_run(tmp_path, "2026-01-a", ARMED[:1])
    with child(HOLD, root / "lock.conductor") as running:
        assert ask("abort", workspace=tmp_path) == 0
        assert running.wait(PATIENCE_S) != 0
    assert capsys.readouterr().out == "2026-01-a: stopped before anything was armed.\n"


@dataclass
class CountingWatch(DiskWatch):
    """Watches nothing: counts how often it was told that the disk answers."""

    steps: int = 0
    _reading: bool = True

    def step(self) -> None:
        """Count."""
        self.steps += 1


def order(workspace: Path, verb: str) -> stop.StopOrder:
    return stop.StopOrder(workspace, None, "plant", (verb,), watch=CountingWatch(), listener=Spoken())


@pytest.mark.parametrize("act", [stop.abort, stop.restore])
def test_each_run_of_a_long_history_says_that_the_disk_answers(
    tmp_path: Path, act: Callable[[stop.StopOrder], int]
) -> None:
    for number in range(7):
        leave_run(tmp_path, f"2026-0{number}-a", [*ARMED, SEEN])
    asked = order(tmp_path, act.__name__)
    assert act(asked) == 0
    assert isinstance(asked.watch, CountingWatch)
    assert asked.watch.steps >= 7


def test_who_goes_on_is_signalled_once_and_before_finished_runs_are_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    live = leave_run(tmp_path, "2026-01-a", ARMED[:1])
    ended = leave_run(tmp_path, "2026-02-b", [*ARMED, SEEN])
    seen: list[str] | None = []

    def hear(event: str, arguments: tuple[object, ...]) -> None:
        if seen is not None and event == "os.kill":
            seen.append("signal")
        elif seen is not None and event == "open" and str(arguments[0]) == str(ended / "journals" / "conductor.jsonl"):
            seen.append("read")

    sys.addaudithook(hear)
    with child(HOLD, live / "lock.conductor") as running:
        assert stop.abort(order(tmp_path, "abort")) == 0
        heard, seen = seen, None
        running.wait(PATIENCE_S)
    assert heard is not None
    assert (heard[0], heard.count("signal"), "read" in heard) == ("signal", 1, True)
    assert capsys.readouterr().out == "2026-01-a: stopped before anything was armed.\n"


def test_of_several_runs_each_is_signalled_once(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A second signal would end one that is writing its verdict."""
    count = "\nimport signal; signal.signal(signal.SIGTERM, lambda *_: open(f'{sys.argv[1]}.heard', 'a').write('x'))"
    roots = [leave_run(tmp_path, name, ARMED[:1]) for name in ("2026-01-a", "2026-02-b")]
    with (
        child(HOLD + count, roots[0] / "lock.conductor") as first,
        child(HOLD + count, roots[1] / "lock.conductor") as second,
    ):
        endings = [threading.Timer(3.0, one.kill) for one in (first, second)]
        for ending in endings:
            ending.start()
        assert stop.abort(order(tmp_path, "abort")) == 0
        for ending in endings:
            ending.join()
    assert [(root / "lock.conductor.heard").read_text() for root in roots] == ["x", "x"]
    assert capfd.readouterr().out.count("stopped before anything was armed.") == 2


def test_a_lab_that_goes_while_its_run_is_restored_is_no_stranded_plant(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Started again on the operations host, a command does not ask whether anything is owed."""
    begun = ("run.started", {"mode": "rehearsal", "lab": "taken down"})
    leave_run(tmp_path, "2026-01-a", [begun, *ARMED[1:]])
    assert ask("restore", "2026-01-a", "--at-once", workspace=tmp_path) == 0
    said = capsys.readouterr()
    assert "2026-01-a: its lab is gone, and the isolation with it." in said.out
    assert "must not show" not in said.err


ORDERED = ("restore.ordered", {"why": "a person asked for it"})
IGNORES = "\nimport signal; signal.signal(signal.SIGTERM, lambda *_: open(f'{sys.argv[1]}.heard', 'a').write('x'))"
FOR_EVER_S = 1e6


def leave_slow_run(workspace: Path, steps: Sequence[Step], works_s: float) -> Path:
    """Leave a run on devices that work on a restore for a while."""
    root = leave_run(workspace, "2026-01-a", steps)
    plan = Plan.model_validate_json((root / "plan.json").read_bytes())
    points = {
        name: point.model_copy(
            update={"capabilities": point.capabilities.model_copy(update={"works_s": Works(restore=works_s)})}
        )
        for name, point in plan.points.items()
    }
    text = plan.model_copy(update={"points": points}).model_dump_json(by_alias=True)
    (root / "plan.json").write_text(text, encoding="utf-8")
    return root


@dataclass
class Acting(Kept):
    """Does something when a certain sentence is said."""

    words: str = ""
    act: Callable[[], object] = lambda: None

    def say(self, sentence: str) -> None:
        """Keep it, and act."""
        super().say(sentence)
        if self.words in sentence:
            self.act()


def test_an_abort_waits_for_a_restore_on_which_the_device_works(tmp_path: Path) -> None:
    root = leave_slow_run(tmp_path, [*ARMED, ORDERED], FOR_EVER_S)
    after = leave_run(tmp_path / "after", "2026-01-a", [*ARMED, ORDERED, SEEN])
    journal = Path("journals") / "conductor.jsonl"
    # Its restore is seen only when more was waited than any other device needs.
    heard = Acting(words="its own processes restore", act=lambda: (after / journal).replace(root / journal))
    with child(HOLD + IGNORES, root / "lock.conductor") as running:
        assert stop.abort(replace(order(tmp_path, "abort"), listener=heard)) == 0
        running.kill()
    assert heard.said == [
        f"2026-01-a: its own processes restore; the device works on that for up to {FOR_EVER_S:g} s.",
        "2026-01-a: stopped; restoration was seen.",
    ]


@pytest.mark.parametrize(
    ("steps", "hears"),
    [
        pytest.param([*ARMED], IGNORES, id="it has ordered nothing"),
        pytest.param([*ARMED, ORDERED], "", id="it dies of the signal"),
    ],
)
def test_an_abort_waits_for_no_process_that_does_not_restore(
    steps: Sequence[Step], hears: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = leave_slow_run(tmp_path, steps, FOR_EVER_S)
    with child(HOLD + hears, root / "lock.conductor") as running:
        # The command restores by itself then; it cannot, because the lab is not there, and says so.
        assert ask("abort", workspace=tmp_path) == 5
        running.kill()
    assert "Lab plant is not running" in capsys.readouterr().err
