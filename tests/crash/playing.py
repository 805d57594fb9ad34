"""Plays one row of the crash matrix in a running lab, and says what was seen: the referee's word first, then the journals."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from islandmode.rehearse.lab import Lab
from islandmode.store import rundir
from islandmode.store.journal import read_journal
from tests.crash.breaking import STRANDED, MomentMissed, Stage, break_it, pids_naming, wait_until
from tests.crash.referee import Referee, Spell
from tests.crash.scenarios import Layer, Scenario, Way
from tests.crash.ways import referee_of, stage_of
from tests.lab.drills import newest_run
from tests.lab.guarded import guardian_pid
from tests.lab.rogue.bypass import in_node
from tests.lab.test_plays import playing
from tests.patience import LONG_PATIENCE_S, PATIENCE_S
from tests.ui.card_reading import read_card, rendered

CABLE = "Put the cable labelled VENDOR into port 2."
AFTER_DEATH = " (the conductor died)"
SENT_AGAIN_S = 3.0
"""What was sent so shortly before a restore may have been dropped, sent again, and answered after it."""
LATE_S = 5.0
"""How much later than the dead-man the plant may be back, whatever happened."""


@dataclass
class Played:
    """What was seen of one row. Times are this machine's monotonic seconds."""

    scenario: Scenario
    acted: str = ""
    isolated_s: float = 0.0
    beyond_s: float = 0.0
    journals: str = ""
    verdict: str = ""
    restored: bool = False
    """Whether the referee saw everything pass again, in time, for good, with no Islandmode object left."""
    refused: bool = False
    """Whether the row's moment did not come: on a machine that is too busy a drill must refuse to begin, or be restored before that."""
    tries: int = 1
    wrong: list[str] = field(default_factory=list)


def play(scenario: Scenario, lab: Lab, folder: Path) -> Played:
    """Play a row; the lab is afterwards as it was before."""
    played = Played(scenario)
    with stage_of(scenario, lab, folder) as stage:
        play_on(stage, played)
    return played


def play_on(stage: Stage, played: Played) -> None:
    """Play a row where it is played."""
    referee = referee_of(stage)
    try:
        with referee:
            stage.begin()
            break_it(stage)
            bring_back(stage, referee)
            finish(stage, referee, played)
        judge(stage, referee, played)
    except MomentMissed as early:
        played.refused = True
        played.wrong.append(f"{early} {stage.said()}")
    except (AssertionError, OSError, subprocess.SubprocessError) as failed:
        played.wrong.append(f"{failed} {stage.said() if (stage.folder / 'output').exists() else ''}")
    finally:
        clear(stage)


def bring_back(stage: Stage, referee: Referee) -> None:
    """Wait until the referee sees everything pass again after the fault; let a person act where the row says so."""
    row = stage.scenario
    if row.by_hand is not None:
        # Long enough to see that nobody else does it.
        time.sleep(3.0)
        if referee.passes(stage.fault_s):
            raise AssertionError("the plant came back before anybody restored it.")
        stage.banner = stage.ask("status")
        # What a person takes to come is not the product's time.
        stage.fault_s = time.monotonic()
        by_hand(stage, row.by_hand)
    if not row.ends_run:
        ended(stage)
    longest_s = row.dead_man_s + LATE_S + 3.0
    wait_until(lambda: referee.passes(stage.fault_s + 0.5), longest_s, "every flow passes again")
    stage.back_s = time.monotonic()
    # What stands, as read after that.
    wait_until(lambda: referee.has_read_since(stage.back_s), PATIENCE_S, "the ruleset is read")
    stage.standing = frozenset(name for name in referee.foreign() if not name.endswith(" noway"))


def by_hand(stage: Stage, layer: Layer) -> None:
    """Be the person."""
    if stage.scenario.hand_dies_at:
        first = stage.start("restore", at=stage.scenario.hand_dies_at)
        if first.wait(timeout=PATIENCE_S) != -signal.SIGKILL:
            raise AssertionError("the first islandmode restore did not die at its moment.")
    if stage.push is not None:
        # Nothing but a cable lets it pass again: the command asks for that until it is in.
        threading.Thread(target=push_when_asked, args=(stage, stage.push), daemon=True).start()
    if layer is Layer.RESUME:
        if stage.restore()[0] != 0:
            raise AssertionError("islandmode restore did not see it restored.")
        return
    for page in read_card(rendered(stage.run() / "card.html")):
        for command in page.commands:
            in_node(stage.lab, "fw", "sh", "-c", command)


def push_when_asked(stage: Stage, push: Callable[[], None]) -> None:
    """Put the cable back when a restore has asked for it."""
    output = stage.folder / "output"
    wait_until(
        lambda: CABLE in output.read_text(encoding="utf-8", errors="replace"), LONG_PATIENCE_S, "the cable is asked for"
    )
    push()


def ended(stage: Stage) -> None:
    """Wait for the conductor's end."""
    try:
        stage.conductor.wait(timeout=LONG_PATIENCE_S)
    except subprocess.TimeoutExpired:
        raise AssertionError("the conductor did not end.") from None


def let_go_on(stage: Stage) -> None:
    """Wake who sleeps, see the conductor's end, and open what the row has closed."""
    row = stage.scenario
    if row.wake:
        stage.signal_conductor(signal.SIGCONT)
    ended(stage)
    if row.outside is not None and row.outside.act == "no-way-in":
        in_node(stage.lab, "fw", "nft", "delete", "table", "inet", "noway")
    if row.outside is not None and row.outside.act.startswith("freeze"):
        os.kill(guardian_pid(stage.folder), signal.SIGCONT)


def finish(stage: Stage, referee: Referee, played: Played) -> None:
    """Wake who sleeps, see the run's end, bring its record to an end, and see that nothing is isolated again."""
    row = stage.scenario
    let_go_on(stage)
    if row.way is Way.PLAYS:
        wait_until(lambda: not playing(stage.run()), PATIENCE_S, "no process of the play is left")
    if row.guardian != "absent":
        run = stage.run().name
        wait_until(lambda: not guardians(run), LONG_PATIENCE_S, "the guardian ends")
    played.verdict = verdict_of(stage)
    played.journals = journals_of(stage)
    if row.outside is not None and row.outside.act == "fill-disk":
        (stage.folder / "runs" / "neighbour").unlink()
    if stage.restore()[0] != 0:
        played.wrong.append("islandmode restore did not bring the run to its end")
    if stage.ask("status") != 0:
        played.wrong.append("status still says that something may be isolated")
    if row.by_hand is not None and stage.banner != STRANDED:
        played.wrong.append(f"status ended with {stage.banner} while the plant was isolated and nobody lived")
    if not referee.wait_passing(PATIENCE_S):
        played.wrong.append("not everything passed at the end")
    seen_s = time.monotonic()
    wait_until(lambda: referee.has_read_since(seen_s), PATIENCE_S, "the ruleset is read")


def guardians(run: str) -> bool:
    """Tell whether a guardian of this run lives."""
    return bool(pids_naming(f"guard\0{run}"))


def verdict_of(stage: Stage) -> str:
    """Give the verdict that the run wrote, or the process that restored it after its conductor had died."""
    path = stage.run() / "verdict.json"
    if not path.is_file() or not path.stat().st_size:
        return ""
    found = json.loads(path.read_text(encoding="utf-8"))
    dead = any(one["code"] == rundir.DIED for one in found["findings"])
    return f"{found['verdict']}, restoration {found['restoration']}{AFTER_DEATH if dead else ''}"


def findings_of(stage: Stage) -> str:
    """Say what breached a run, to explain a verdict other than the expected one."""
    path = stage.run() / "verdict.json"
    if not path.is_file() or not path.stat().st_size:
        return ""
    findings = json.loads(path.read_text(encoding="utf-8"))["findings"]
    return " ".join(f"{one['code']}: {one['sentence']}" for one in findings if one["result"] == "breached")


def journals_of(stage: Stage) -> str:
    """Say whether every journal of the run can be read up to its end."""
    said = []
    for path in sorted((stage.run() / "journals").glob("*.jsonl")):
        reading = read_journal(path.read_bytes())
        state = "whole" if reading.whole else "last line cut off" if reading.cut_off else f"NOT READABLE: {reading.why}"
        said.append(f"{path.stem.split('-')[0]} {state}")
    return ", ".join(said)


def records_of(stage: Stage) -> list[dict[str, Any]]:
    """Read every journal of the run, in the order of time."""
    found = []
    for path in (stage.run() / "journals").glob("*.jsonl"):
        for record in read_journal(path.read_bytes()).records:
            found.append(
                {"by": path.stem.split("-")[0], "kind": record.kind, "s": record.monotonic_us / 1e6} | record.data
            )
    return sorted(found, key=lambda one: float(one["s"]))


def judge(stage: Stage, referee: Referee, played: Played) -> None:
    """Decide by what the referee saw; the journals only name who acted."""
    row = stage.scenario
    spells = referee.spells()
    records = records_of(stage)
    ordered = next((one["s"] for one in records if one["kind"] == "restore.ordered"), None)
    due_s = stage.fault_s if row.ends_run or ordered is None else float(ordered)
    played.isolated_s = max(((one.until_s or time.monotonic()) - one.from_s for one in spells), default=0.0)
    last_s = max(((one.until_s or time.monotonic()) for one in spells), default=0.0)
    played.beyond_s = max(last_s - due_s, 0.0)
    played.acted = acted(stage, last_s, records)
    if any(one.until_s is None for one in spells):
        played.wrong.append("a flow never passed again")
    again = [one.flow for one in spells if one.from_s > stage.back_s]
    if again:
        played.wrong.append(f"isolated again after it was back: {', '.join(again)}")
    struck = [one.flow for one in spells if one.flow.split(" ")[0] in row.spared]
    if struck:
        played.wrong.append(f"isolated by a line that was given up: {', '.join(struck)}")
    if row.closed:
        played.wrong += leaks(spells, records)
    if played.beyond_s > row.dead_man_s + LATE_S:
        played.wrong.append(f"back {played.beyond_s:.1f} s late")
    if referee.foreign():
        played.wrong.append(f"left on the firewall: {', '.join(referee.foreign())}")
    played.restored = not played.wrong
    if played.acted != row.layer:
        played.wrong.append(f"expected {row.layer}, but it was {played.acted}")
    if "NOT READABLE" in played.journals:
        played.wrong.append("a journal cannot be read")
    judge_verdict(stage, played)
    if row.verdict and not played.verdict.startswith(row.verdict):
        played.wrong.append(f"expected the verdict {row.verdict}, but {findings_of(stage) or stage.said()}")


def leaks(spells: Sequence[Spell], records: Sequence[dict[str, Any]]) -> list[str]:
    """Say which flows passed again before anything was restored: a restore acts first, and is recorded later."""
    # In the journal the attempts stand by when they were noted; the first may not be the first that was made.
    asked_s = min((float(one["asked_us"]) / 1e6 for one in records if one["kind"] == "restore.attempt"), default=0.0)
    return [
        f"{one.flow} passed again {asked_s - one.until_s:.2f} s before the first restore"
        for one in spells
        if one.until_s is not None and one.until_s < asked_s - SENT_AGAIN_S
    ]


def judge_verdict(stage: Stage, played: Played) -> None:
    """Hold a verdict against how its conductor ended."""
    if played.verdict.endswith(AFTER_DEATH):
        if not played.verdict.startswith(("inconclusive, restoration unproven", "breached, restoration unproven")):
            played.wrong.append(f"a conductor that died is judged {played.verdict}")
    elif played.verdict and stage.conductor.returncode != code_of(played.verdict):
        played.wrong.append(f"exit code {stage.conductor.returncode} with the verdict {played.verdict}")


def code_of(verdict: str) -> int:
    """Give the exit code that goes with a verdict: restoration that was not proven outranks it."""
    if "unproven" in verdict:
        return 5
    return {"held": 0, "breached": 1}.get(verdict.partition(",")[0], 3)


def acted(stage: Stage, passed_s: float, records: Sequence[dict[str, Any]]) -> str:
    """Name who brought it back: the device alone where nobody's attempt came before it or its object still stood."""
    row = stage.scenario
    if row.by_hand is not None:
        return row.by_hand
    # What a restore afterwards did, when all was over, brought nothing back. The attempt that was done, not the look that
    # proves it, which comes later where a line was given up.
    seen = [
        one
        for one in records
        if (one["kind"], one.get("outcome")) == ("restore.attempt", "done") and one["by"] != "restore"
    ]
    if row.way is Way.HAND and seen:
        # Everything passes once the last of firewall and cable is back.
        first: dict[str, dict[str, Any]] = {}
        for one in seen:
            first.setdefault(str(one["point"]), one)
        seen = [max(first.values(), key=lambda one: float(one["asked_us"]))]
    # Of a pair the other member's object stands for a moment after its traffic passes, or for as long as it leaks.
    if passed_s and stage.standing and not (row.way is Way.PAIR and seen):
        return Layer.TIMER
    died_in_restore = [
        layer
        for at, layer in ((row.at, Layer.CONDUCTOR), (row.guardian, Layer.GUARDIAN))
        if at.startswith("restore:") and row.do == "kill"
    ]
    if seen and passed_s and not died_in_restore and passed_s < float(seen[0]["asked_us"]) / 1e6:
        return Layer.LEAK if row.way is Way.PAIR else Layer.REBOOT
    if seen:
        return {"conductor": Layer.CONDUCTOR, "guardian": Layer.GUARDIAN}[str(seen[0]["by"])]
    return acted_unseen(row, passed_s, records, died_in_restore)


def acted_unseen(
    row: Scenario, passed_s: float, records: Sequence[dict[str, Any]], died_in_restore: Sequence[Layer]
) -> str:
    """Name who brought it back where no journal has an attempt that was done."""
    if not passed_s:
        return Layer.NOTHING
    kinds = {str(one["kind"]) for one in records}
    if "guardian.agrees" in kinds and "guardian.took_over" not in kinds:
        # Its own journal had failed; its guardian heard from it that all was restored, and looked.
        return Layer.CONDUCTOR
    if row.way is Way.CANDIDATE and not died_in_restore:
        # A commit that the device takes back leaves nothing there.
        return Layer.TIMER
    # Its line had left, and it died before it could note what came of it.
    return died_in_restore[0] if died_in_restore else "nobody"


def clear(stage: Stage) -> None:
    """Leave nothing of this row: processes that name its run, its disk, whatever it left on the firewall."""
    found = newest_run(stage.folder)
    if stage.running is not None and stage.running.poll() is None:
        stage.running.kill()
        stage.running.wait()
    for pid in pids_naming(found.name) if found is not None else ():
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    for node in stage.firewalls:
        left = in_node(stage.lab, node, "nft", "list", "tables")
        for table in (
            line.split()[2] for line in left.splitlines() if "islandmode_" in line or line.endswith(" noway")
        ):
            in_node(stage.lab, node, "nft", "delete", "table", "inet", table, check=False)
    if os.path.ismount(stage.folder / "runs"):
        subprocess.run(["umount", "--lazy", str(stage.folder / "runs")], check=False, timeout=PATIENCE_S)
