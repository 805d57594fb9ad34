"""What stands behind a live run, by a real run's folder and its lines in the ledger; and what an insider does to that."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pytest

from islandmode.core.errors import Refused
from islandmode.core.ledger import BEGUN, ENDED
from islandmode.core.plan import Plan
from islandmode.core.planning.digest import drill_intent
from islandmode.core.policy import SHIPPED as POLICIES
from islandmode.core.policy import Policy
from islandmode.core.promotion import Rung, Tabletop, entered_at
from islandmode.core.record import Record
from islandmode.operate import promoting
from islandmode.operate.plan import plan_of
from islandmode.operate.promoting import missing_of, rungs_of, rungs_told
from islandmode.simulate.clock import SimulatedClock
from islandmode.store import catalog, rundir
from islandmode.store.ledger import enter, ledger_of, path_of
from islandmode.store.rundir import RunDirectory
from islandmode.system.clock import Clock
from islandmode.ui.program import command
from tests.operate.recorded_runs import DIED, FINISHED, recorded, rewrite

TWO_PEOPLE = POLICIES["two-people"]
AN_HOUR = TWO_PEOPLE.ages.model_copy(update={"rehearsal": 3600.0})
LATER = "2027-01-28T06:00:00.000000Z"
RAN, NOW = "2026-11-27T01:21:{:02}.000000Z", "2026-11-28T06:00:00.000000Z"


def at(utc: str = NOW) -> Clock:
    """Give a clock that stands."""
    clock = SimulatedClock()
    clock.step_utc(round(entered_at(utc).timestamp() * 1_000_000) - clock.utc_us())
    return clock


@dataclass
class Rehearsed:
    """A workspace in which the recorded run is a rehearsal that the ledger knows."""

    workspace: Path
    run: RunDirectory
    plan: Plan
    moments: int = 0

    def rungs(self, utc: str = NOW, plan: Plan | None = None, policy: Policy | None = None) -> dict[str, Rung]:
        clock, about = at(utc), plan or self.plan
        found = rungs_of(self.workspace, about, {}, policy or TWO_PEOPLE, clock=clock)
        return {rung.name: rung for rung in found}

    def enter(self, kind: str, utc: str = "", **said: object) -> int:
        self.moments += 1
        entered = enter(self.workspace, kind, utc or RAN.format(self.moments), said)
        assert entered.checkpoint is not None
        return entered.checkpoint.size

    def begin(self, run: str, utc: str = "", **other: str) -> int:
        drill = self.plan.drill
        known = {"site": drill.site, "drill": drill.drill, "drill_digest": self.plan.drill_digest, "mode": "rehearsal"}
        return self.enter(BEGUN, utc, run=run, **(known | other))

    def end(self, run: str, begun: int, result: str = "held", restoration: str = "proven") -> None:
        path = self.workspace / rundir.RUNS / run / rundir.SUMS
        sums = hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else ""
        self.enter(ENDED, run=run, begun=begun, result=result, restoration=restoration, sums=sums)

    def attempt(self, run: str, result: str = "held", restoration: str = "proven", **other: str) -> None:
        self.end(run, self.begin(run, **other), result, restoration)

    def says_that_it_was_entered(self, run: RunDirectory, line: int) -> None:
        """Let a run's journal say which line of the ledger it is, as it does since there is one."""
        name = ledger_of(self.workspace).name

        def with_line(records: list[Record]) -> list[Record]:
            place = next(place for place, record in enumerate(records) if record.kind == "arm.intent")
            before = records[place]
            data = {"ledger": name, "size": line, "root": "", "sha256": "0" * 64, "attempt": 1, "earlier": ""}
            entered = replace(before, kind="ledger.entered", data=data)
            kept = [record for record in records if record.kind != "ledger.entered"]
            moved = [*kept[:place], entered, *kept[place:]]
            return [replace(record, seq=seq) for seq, record in enumerate(moved)]

        rewrite(run.journal, lambda records: with_line(list(records)))
        run.seal()


@pytest.fixture
def rehearsed(tmp_path: Path) -> Rehearsed:
    run = recorded(FINISHED, tmp_path)
    made = Rehearsed(tmp_path, run, run.plan())
    begun = made.begin(FINISHED)
    made.says_that_it_was_entered(run, begun)
    made.end(FINISHED, begun)
    return made


def test_a_rehearsal_that_held_stands_behind_the_same_drill(rehearsed: Rehearsed) -> None:
    rungs = rehearsed.rungs()
    assert rungs["rehearsal"] == Rung(
        "rehearsal", True, f"{FINISHED} (2026-11-27) held, and its restoration is proven; that counts until 2027-02-25"
    )
    assert rungs["breaches"].stands
    assert not rungs["tabletop"].stands
    assert "There is no signed note of a tabletop of this drill" in rungs["tabletop"].told


def test_it_counts_for_as_long_as_the_site_says(rehearsed: Rehearsed) -> None:
    assert rehearsed.rungs("2027-02-25T01:21:00.000000Z")["rehearsal"].stands
    stale = rehearsed.rungs("2027-02-25T01:22:00.000000Z")["rehearsal"]
    assert not stale.stands
    assert stale.told.startswith(
        f"The newest rehearsal of this drill that held is {FINISHED} (2026-11-27), and one counts for 90 d; rehearse it again: `"
    )
    assert not rehearsed.rungs(policy=TWO_PEOPLE.model_copy(update={"ages": AN_HOUR}))["rehearsal"].stands
    # A clock that was set back makes it a rehearsal of tomorrow.
    assert not rehearsed.rungs("2026-11-26T00:00:00.000000Z")["rehearsal"].stands


def test_a_clock_that_was_set_forward_makes_no_rehearsal_younger(rehearsed: Rehearsed) -> None:
    old = Rehearsed(
        rehearsed.workspace.parent / "other", recorded(FINISHED, rehearsed.workspace.parent / "other"), rehearsed.plan
    )
    begun = old.begin(FINISHED, "2027-02-01T00:00:00.000000Z")
    old.says_that_it_was_entered(old.run, begun)
    old.end(FINISHED, begun)
    old.attempt("later", "inconclusive")
    assert not old.rungs("2027-03-01T00:00:00.000000Z")["rehearsal"].stands
    assert "(2026-11-27)" in old.rungs("2027-03-01T00:00:00.000000Z")["rehearsal"].told


def edit_verdict(made: Rehearsed) -> None:
    path = made.run.root / rundir.VERDICT
    path.write_text(path.read_text(encoding="utf-8").replace("inconclusive", "held"), encoding="utf-8")
    path.write_text(path.read_text(encoding="utf-8") + " ", encoding="utf-8")


def edit_verdict_and_seal(made: Rehearsed) -> None:
    edit_verdict(made)
    made.run.seal()


def delete(made: Rehearsed) -> None:
    shutil.rmtree(made.run.root)


def copy_under_another_name(made: Rehearsed) -> None:
    """Delete the line's own folder, and give out another run's as it."""
    shutil.copytree(made.run.root, made.run.root.with_name("copied"))
    delete(made)


def copy_and_enter(made: Rehearsed) -> None:
    copy_under_another_name(made)
    path_of(made.workspace).unlink()
    made.attempt("copied")


def copy_rename_and_enter(made: Rehearsed) -> None:
    """Write the journal of the copy anew under its new name, all chained and sealed as it should be."""
    copy_under_another_name(made)
    copied = RunDirectory(made.run.root.with_name("copied"))
    path_of(made.workspace).unlink()
    rewrite(copied.journal, lambda records: [replace(record, run="copied") for record in records])
    made.begin("copied")
    copied.seal()
    made.end("copied", 2)


def enter_under_another_site(made: Rehearsed) -> None:
    path_of(made.workspace).unlink()
    made.attempt(FINISHED, site="millbrook")


def seal_what_was_changed(made: Rehearsed) -> None:
    """Change what the judge reads, and chain and seal all of it anew."""
    rewrite(made.run.journal, lambda records: [record for record in records if record.kind != "stop"][:-1])
    made.run.seal()


def lose_its_end(made: Rehearsed) -> None:
    lines = path_of(made.workspace).read_bytes().splitlines(keepends=True)
    path_of(made.workspace).write_bytes(b"".join(lines[:-1]))


def spoil_its_intent(made: Rehearsed) -> None:
    path_of(made.workspace).unlink()
    begun = made.begin(FINISHED)
    made.says_that_it_was_entered(made.run, begun)
    (made.run.root / rundir.INTENT).write_text("{}", encoding="utf-8")
    made.run.seal()
    made.end(FINISHED, begun)


NOT_AS_IT_ENDED = "its SHA256SUMS, or a file that stands there, is not what it was when the run ended"
INSIDER: dict[str, tuple[Callable[[Rehearsed], object], str]] = {
    "its verdict is edited": (edit_verdict, NOT_AS_IT_ENDED),
    "its verdict is edited and it is sealed anew": (edit_verdict_and_seal, NOT_AS_IT_ENDED),
    "it is deleted": (delete, "its folder is gone"),
    "it is copied under another name": (copy_under_another_name, "its folder is gone"),
    "the copy is entered": (copy_and_enter, "its own journal does not have that line of this ledger"),
    "the copy is renamed and entered": (
        copy_rename_and_enter,
        "its own journal does not have that line of this ledger",
    ),
    "it is of another site": (enter_under_another_site, "This drill was never rehearsed"),
    "its record is changed and sealed anew": (seal_what_was_changed, NOT_AS_IT_ENDED),
    "its end is taken from the ledger": (lose_its_end, "no line says how it ended"),
    "its intent is another": (spoil_its_intent, "its intent.json is not what its drill digest was made of"),
}


@pytest.mark.parametrize("what", INSIDER)
def test_no_rehearsal_counts_that_an_insider_made_of_it(rehearsed: Rehearsed, what: str) -> None:
    act, sentence = INSIDER[what]
    act(rehearsed)
    rung = rehearsed.rungs()["rehearsal"]
    assert not rung.stands
    assert sentence in rung.told
    assert "rehearse it: `" in rung.told


def test_the_word_of_a_verdict_counts_for_nothing(tmp_path: Path) -> None:
    """A run whose conductor died, entered and sealed as one that held."""
    run = recorded(DIED, tmp_path)
    made = Rehearsed(tmp_path, run, run.plan())
    (run.root / rundir.VERDICT).write_text('{"verdict": "held", "restoration": "proven"}\n', encoding="utf-8")
    begun = made.begin(DIED)
    made.says_that_it_was_entered(run, begun)
    made.end(DIED, begun)
    rungs = made.rungs()
    assert f"the newest, {DIED} (2026-11-27), is inconclusive, restoration unproven; " in rungs["rehearsal"].told
    assert not rungs["breaches"].stands


def test_a_breach_stays_open_until_a_later_run_holds(rehearsed: Rehearsed) -> None:
    rehearsed.attempt("breached-live", "breached", mode="live")
    shown = rehearsed.rungs()["breaches"]
    assert not shown.stands
    assert shown.told.startswith(
        "A run of this drill is not closed: breached-live (2026-11-27) is breached by the ledger, and its folder is gone; find out why"
    )
    # By the ledger's word alone nothing is closed.
    rehearsed.attempt("held-by-word", "held")
    assert not rehearsed.rungs()["breaches"].stands


def test_a_rehearsal_that_held_afterwards_closes_a_breach(tmp_path: Path) -> None:
    made = Rehearsed(tmp_path, recorded(FINISHED, tmp_path), recorded(FINISHED, tmp_path).plan())
    made.attempt("breached-live", "breached", mode="live")
    begun = made.begin(FINISHED)
    made.says_that_it_was_entered(made.run, begun)
    made.end(FINISHED, begun)
    assert made.rungs()["breaches"] == Rung("breaches", stands=True, told="none is open")


@pytest.mark.parametrize(
    ("result", "restoration", "seen"),
    [
        ("breached", "proven", "open"),
        ("held", "unproven", "open"),
        ("without", "", "open"),
        ("inconclusive", "proven", "no breach"),
        ("not tested", "proven", "no breach"),
        ("refused", "", "no breach"),
    ],
)
def test_what_speaks_against_a_drill_is_a_breach_a_plant_that_was_not_seen_back_or_no_result(
    rehearsed: Rehearsed, result: str, restoration: str, seen: str
) -> None:
    begun = rehearsed.begin("later")
    if result != "without":
        rehearsed.end("later", begun, result, restoration)
    rungs = rehearsed.rungs()
    assert rungs["breaches"].stands is (seen == "no breach")
    assert rungs["rehearsal"].stands


def test_a_dropped_rung_says_which_change_did_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(["init", str(tmp_path)]) == 0
    loaded, plan = plan_of(tmp_path, "quarterly-isolation")
    run = rundir.create(tmp_path, "20261120-quarterly")
    (run.root / rundir.INTENT).write_bytes(drill_intent(loaded.drill, loaded.site, loaded.probes))
    run.seal()
    made = Rehearsed(tmp_path, run, plan)
    made.attempt(run.run)
    drill = tmp_path / "drills" / "quarterly-isolation.yaml"
    drill.write_text(
        drill.read_text(encoding="utf-8").replace("restore_within: 10 s", "restore_within: 30 s"), encoding="utf-8"
    )
    changed = plan_of(tmp_path, "quarterly-isolation")[1]
    told = made.rungs(plan=changed)["rehearsal"].told
    assert told.startswith(
        "The rehearsal of 2026-11-27 (20261120-quarterly) was of another drill: limits.restore_within was 10 s and is now 30 s; rehearse it: `"
    )
    (run.root / rundir.INTENT).unlink()
    told = made.rungs(plan=changed)["rehearsal"].told
    assert "what changed since cannot be told, as that run kept no intent.json of its digest" in told
    capsys.readouterr()
    assert command(["plan", "quarterly-isolation", "--workspace", str(tmp_path)]) == 0
    shown = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert "before it may be live" in shown
    assert "(20261120-quarterly) was of another drill" in shown
    with pytest.raises(
        Refused,
        match=r"(?s)was of another drill.*There is no signed note of a tabletop of this drill.*No record of a bench counts",
    ):
        command(["run", "quarterly-isolation", "--mode", "live", "--workspace", str(tmp_path)])


def test_a_tabletop_counts_for_the_digest_it_was_of_and_for_its_time(rehearsed: Rehearsed) -> None:
    plan, digest = rehearsed.plan, rehearsed.plan.drill_digest

    def rung(*known: Tabletop) -> Rung:
        rungs = rungs_of(rehearsed.workspace, plan, {}, tabletops=lambda _at, _plan: known, clock=at())
        return next(rung for rung in rungs if rung.name == "tabletop")

    made = partial(Tabletop, "note-1")
    assert rung(made(entered_at("2026-06-01T00:00:00Z"), digest)).stands
    assert "one counts for 365 d" in rung(made(entered_at("2025-06-01T00:00:00Z"), digest)).told
    assert "was of the drill as it was before" in rung(made(entered_at("2026-06-01T00:00:00Z"), "0" * 64)).told
    assert not rung().stands


def test_every_device_is_benched_and_every_way_back_as_the_site_asks(rehearsed: Rehearsed) -> None:
    rungs = rehearsed.rungs(policy=TWO_PEOPLE.model_copy(update={"undo_tier": "A"}))
    assert rungs["benches"].told.startswith("No record of a bench counts for conduit-firewall; bench it: `")
    assert " devices bench conduit-firewall" in rungs["benches"].told
    assert rungs["undo tier"].stands
    point = rehearsed.plan.points["conduit-firewall"]
    weaker = point.model_copy(update={"capabilities": point.capabilities.model_copy(update={"undo_tier": "C"})})
    plan = rehearsed.plan.model_copy(update={"points": {"conduit-firewall": weaker}})
    missing = missing_of(rungs_of(rehearsed.workspace, plan, {}, clock=at()))
    assert any(
        "conduit-firewall is undone by tier C, and a live drill of this site may not go below tier B" in told
        for told in missing
    )
    assert rungs_told(rungs.values())[0].startswith(f"rehearsal: {FINISHED}")


def test_a_run_of_the_version_before_has_no_intent_and_counts(rehearsed: Rehearsed) -> None:
    assert not (rehearsed.run.root / rundir.INTENT).exists()
    assert rehearsed.rungs()["rehearsal"].stands


def test_the_intent_of_a_plan_is_what_its_digest_is_of(tmp_path: Path) -> None:
    assert command(["init", str(tmp_path)]) == 0
    loaded = catalog.load(tmp_path, "quarterly-isolation")
    kept = drill_intent(loaded.drill, loaded.site, loaded.probes)
    assert hashlib.sha256(kept).hexdigest() == plan_of(tmp_path, "quarterly-isolation")[1].drill_digest
    assert json.loads(kept)["format"] == 1


def test_the_ages_and_the_weakest_undo_are_those_of_the_policy_of_the_site(
    rehearsed: Rehearsed, monkeypatch: pytest.MonkeyPatch
) -> None:
    strict = POLICIES["strict"]
    monkeypatch.setattr(promoting, "policy_of", lambda _workspace: strict)
    rungs = {rung.name: rung for rung in rungs_of(rehearsed.workspace, rehearsed.plan, {}, clock=at(LATER))}
    assert "counts for 30 d" in rungs["rehearsal"].told
    assert rungs["undo tier"].told == "none is weaker than A"
    monkeypatch.setattr(promoting, "policy_of", lambda _workspace: POLICIES["two-people"])
    rungs = {rung.name: rung for rung in rungs_of(rehearsed.workspace, rehearsed.plan, {}, clock=at(LATER))}
    assert rungs["rehearsal"].stands
    assert rungs["undo tier"].told == "none is weaker than B"
