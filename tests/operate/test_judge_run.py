"""One way to a verdict: of a run that ended, of one whose conductor died, and again of an old one."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from islandmode.core.drill import Mode
from islandmode.core.errors import InputError
from islandmode.core.lifecycle import Phase
from islandmode.core.placing import Placed
from islandmode.core.record import Record
from islandmode.core.records import unlike
from islandmode.core.verdict import Restoration, Result, Verdict, verdict_json
from islandmode.operate.judge import Evidence, evidence_of, judge_died, judge_evidence, judge_run
from islandmode.operate.unfinished import owed_by
from islandmode.simulate.faults import Fault, Kind
from islandmode.store.journal import read_journal
from islandmode.store.rundir import RunDirectory
from islandmode.system.life import hold_life
from islandmode.ui.program import command
from tests.more import first_of
from tests.operate.recorded_runs import DIED, FINISHED, recorded, rewrite
from tests.run.simulated_run import GUARDIAN_JOURNAL, JOURNAL, RESUMED, run
from tests.spools import read_once

NOT_BETTER = (Result.INCONCLUSIVE, Result.BREACHED)


@pytest.fixture
def finished(tmp_path: Path) -> RunDirectory:
    return recorded(FINISHED, tmp_path)


@pytest.fixture
def dead(tmp_path: Path) -> RunDirectory:
    return recorded(DIED, tmp_path)


def codes(verdict: Verdict) -> set[str]:
    return {one.code for one in verdict.findings}


def proves_nothing(verdict: Verdict) -> bool:
    return verdict.verdict in NOT_BETTER and verdict.restoration is Restoration.UNPROVEN


def test_a_run_of_the_version_before_is_judged_again_to_the_same_bytes(finished: RunDirectory) -> None:
    written = (finished.root / "verdict.json").read_text(encoding="utf-8")
    assert json.loads(written)["verdict"] == "held"
    assert verdict_json(judge_run(finished)) == written
    # What a restore wrote afterwards changes no verdict that a conductor made.
    other = recorded(DIED, finished.workspace)
    for path in other.journal.parent.glob("restore-*.jsonl"):
        (finished.journal.parent / path.name).write_bytes(path.read_bytes())
    assert verdict_json(judge_run(finished)) == written


def test_a_run_of_the_version_before_is_shown_and_owes_what_it_owed(
    dead: RunDirectory, capsys: pytest.CaptureFixture[str]
) -> None:
    finished = recorded(FINISHED, dead.workspace)
    assert owed_by(finished) == {}
    assert owed_by(dead) == {}
    assert command(["show", FINISHED, "--workspace", str(dead.workspace)]) == 0
    assert f"{FINISHED}: verdict held" in capsys.readouterr().out
    for path in dead.journal.parent.glob("restore-*.jsonl"):
        path.unlink()
    assert owed_by(dead) == {"conduit-firewall": ("remote-access", "corporate-dmz", "corporate-line3")}


def test_a_run_whose_conductor_died_is_judged_by_what_restored_it(
    dead: RunDirectory, capsys: pytest.CaptureFixture[str]
) -> None:
    assert judge_died(dead) == ""
    verdict = judge_run(dead)
    assert proves_nothing(verdict)
    assert "stranded" not in codes(verdict)
    assert (dead.root / "verdict.json").read_text(encoding="utf-8") == verdict_json(verdict)
    assert "verdict.json" in (dead.root / "SHA256SUMS").read_text(encoding="utf-8")
    (told,) = (one.sentence for one in verdict.findings if one.code == "conductor-died")
    assert told == (
        "The conductor died: its journal ends with dead_man.read, and nothing was watched, measured or compared from then on. "
        "Since then a restore has seen every isolation point back."
    )
    assert command(["show", "--workspace", str(dead.workspace)]) == 0
    shown = capsys.readouterr()
    assert "verdict inconclusive, restoration unproven" in shown.out
    assert told in shown.out
    assert f"journal {dead.journal}" in shown.out
    # It adds no alarm to what the journals say, and takes none away.
    assert shown.err == ""
    assert command(["runs", "--workspace", str(dead.workspace)]) == 0
    assert "inconclusive  unproven" in capsys.readouterr().out


def test_a_dead_conductors_verdict_ends_no_alarm(dead: RunDirectory, capsys: pytest.CaptureFixture[str]) -> None:
    for path in dead.journal.parent.glob("restore-*.jsonl"):
        path.unlink()
    assert judge_died(dead) == ""
    assert "stranded" in codes(judge_run(dead))
    assert owed_by(dead) != {}
    command(["runs", "--workspace", str(dead.workspace)])
    assert "inconclusive  unproven: not seen restored" in capsys.readouterr().out


def test_a_verdict_that_is_there_is_never_written_over(dead: RunDirectory) -> None:
    (dead.root / "verdict.json").write_text("{}", encoding="utf-8")
    assert judge_died(dead) == ""
    assert (dead.root / "verdict.json").read_text(encoding="utf-8") == "{}"
    assert not dead.write_first("verdict.json", "other")
    assert sorted(path.name for path in dead.root.iterdir() if path.name.startswith(".")) == []


def test_a_run_that_goes_on_is_not_judged(dead: RunDirectory) -> None:
    hold_life(dead.root / "lock.conductor")
    assert dead.conductor() is not None
    judge_died(dead)
    assert not (dead.root / "verdict.json").exists()
    with pytest.raises(InputError, match="goes on"):
        judge_run(dead)


def test_a_run_that_armed_nothing_or_left_no_record_has_no_verdict(dead: RunDirectory) -> None:
    rewrite(dead.journal, lambda records: [one for one in records if not one.kind.startswith(("arm.", "dead_man"))][:5])
    with pytest.raises(InputError, match="nothing to judge"):
        judge_run(dead)
    dead.journal.unlink()
    with pytest.raises(InputError, match="no record that can be read"):
        judge_run(dead)
    assert judge_died(dead) != ""
    assert not (dead.root / "verdict.json").exists()


@pytest.mark.parametrize("lines", [1, 20, 60])
def test_a_journal_that_ends_too_early_is_of_a_conductor_that_died(finished: RunDirectory, lines: int) -> None:
    data = finished.journal.read_bytes().splitlines(keepends=True)
    finished.journal.write_bytes(b"".join(data[:-lines]))
    assert proves_nothing(judge_run(finished))
    assert "conductor-died" in codes(judge_run(finished))


def test_a_journal_that_was_altered_proves_nothing(finished: RunDirectory) -> None:
    data = finished.journal.read_bytes()
    finished.journal.write_bytes(data.replace(b'"verify.done"', b'"verify.dune"'))
    verdict = judge_run(finished)
    assert proves_nothing(verdict)
    assert "journal-altered" in codes(verdict)
    # Its end may be what is missing: nobody says that a conductor died.
    assert "conductor-died" not in codes(verdict)


def with_one(kind: str, data: dict[str, object]) -> Callable[[Sequence[Record]], Sequence[Record]]:
    """Add a record before the last one."""

    def change(records: Sequence[Record]) -> Sequence[Record]:
        *before, last = records
        return [*before, replace(last, kind=kind, data=data), replace(last, seq=last.seq + 1)]

    return change


def test_what_a_later_version_adds_is_left_alone(finished: RunDirectory) -> None:
    written = (finished.root / "verdict.json").read_text(encoding="utf-8")
    rewrite(finished.journal, lambda records: [replace(one, data={**one.data, "of": "tomorrow"}) for one in records])
    assert verdict_json(judge_run(finished)) == written
    rewrite(finished.journal, with_one("of.tomorrow", {"point": "conduit-firewall", "what": 1}))
    assert verdict_json(judge_run(finished)) == written


def test_a_stop_of_a_later_version_is_at_best_inconclusive(finished: RunDirectory) -> None:
    rewrite(finished.journal, with_one("stop", {"by": "tide", "why": "The tide came.", "proven": True}))
    verdict = judge_run(finished)
    assert verdict.verdict is Result.INCONCLUSIVE
    (told,) = (one for one in verdict.findings if one.code == "stopped-otherwise")
    assert told.sentence == "The drill was stopped and restored: The tide came."


@pytest.mark.parametrize("odd", first_of([{"a": 1}, None, [], -1]))
def test_a_spoilt_record_raises_nothing_and_proves_nothing(finished: RunDirectory, odd: object) -> None:
    evidence = evidence_of(finished)
    # The records are spoilt, and not the samples.
    assert isinstance(evidence.samples, Placed)
    evidence = replace(evidence, samples=read_once(evidence.samples))
    firsts = {record.kind: record for record in reversed(evidence.records)}
    assert len(firsts) > 15
    for record in firsts.values():
        for key in record.data:
            data = {name: one for name, one in record.data.items() if name != key} | ({} if odd is None else {key: odd})
            spoilt = replace(record, data=data)
            judged = judge_evidence(
                replace(evidence, records=[spoilt if one is record else one for one in evidence.records])
            )
            if unlike(spoilt):
                assert proves_nothing(judged.verdict), (record.kind, key)
                assert "record-unread" in codes(judged.verdict)


def test_a_record_about_a_point_that_is_not_in_the_plan_proves_nothing(finished: RunDirectory) -> None:
    rewrite(
        finished.journal,
        lambda records: [
            replace(one, data={**one.data, "point": "another"}) if one.kind == "isolate.result" else one
            for one in records
        ],
    )
    assert proves_nothing(judge_run(finished))


@pytest.mark.parametrize("phase", [Phase.ARMED, Phase.ISOLATING, Phase.HOLDING, Phase.RESTORING, Phase.RESTORED])
@pytest.mark.parametrize("kind", [Kind.CONDUCTOR_KILLED, Kind.HOST_LOST])
def test_a_simulated_conductor_that_is_killed_is_judged_never_better_than_inconclusive(
    phase: Phase, kind: Kind
) -> None:
    ended = run(1, faults=(Fault(kind, phase, 0.05),))
    disk = ended.plant.disk
    found = {path: read_journal(disk.after_power_loss(path)).records for path in disk.files if path.suffix == ".jsonl"}
    assert ended.claims.killed
    assert JOURNAL in found
    others = [*found.get(GUARDIAN_JOURNAL, ()), *found.get(RESUMED, ())]
    evidence = Evidence(
        "run-1", ended.plant.plan, found[JOURNAL], others, Placed({}, {}, {}), Mode.REHEARSAL, lab=True, died=True
    )
    verdict = judge_evidence(evidence).verdict
    assert proves_nothing(verdict)
    assert "stranded" not in codes(verdict)
