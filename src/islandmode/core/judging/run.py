"""The verdict: a pure function of the plan, the journal and the episodes. Run again on an old record it gives the same.

Worst wins: breached > inconclusive > not tested > held. Whether the plant is as it was before stands beside it:
restoration is proven when every device was seen without Islandmode objects, its configuration has none, and every
isolated conduit was seen to pass again, each way in which it was seen dead. It is kept closed, and neither proven nor
unproven, where all of that holds but for conduits that somebody else keeps closed (judging/kept_closed.py).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from islandmode.core.clocks import clock_line
from islandmode.core.episodes import Episode, Seen
from islandmode.core.judging.backlogs import judge_backlogs
from islandmode.core.judging.continuity import judge_continuity
from islandmode.core.judging.devices import judge_devices, told_of_loss
from islandmode.core.judging.egress import judge_egress, saw_nothing
from islandmode.core.judging.interlocks import judge_interlock
from islandmode.core.judging.kept_closed import Closed, closed_of, judge_closed
from islandmode.core.judging.pairs import judge_pairs
from islandmode.core.judging.passage import Passage, SawNothing, not_counted, passage_of
from islandmode.core.judging.preflight import advised, leads_unwatched
from islandmode.core.judging.probes import Death, ProbeRecord, death_in, is_closed, judge_return, judge_severed
from islandmode.core.judging.timeline import AFTER, Timeline, Window, of_kind, taken_over, timeline_of
from islandmode.core.plan import Plan, PlanProbe, PlanStage
from islandmode.core.record import Record
from islandmode.core.unfinished import armed
from islandmode.core.verdict import Finding, Interval, Restoration, Result, Row, StageVerdict, Times, Verdict

RANK = (Result.HELD, Result.NOT_TESTED, Result.INCONCLUSIVE, Result.BREACHED)
STOPS = {
    "signal": (Result.INCONCLUSIVE, "stopped-by-person"),
    "abort_when": (Result.BREACHED, "aborted"),
    "flying_blind": (Result.INCONCLUSIVE, "flying-blind"),
    "dead_man": (Result.BREACHED, "dead-man"),
    "isolate": (Result.BREACHED, "not-isolating"),
    "internal": (Result.INCONCLUSIVE, "internal"),
    "guardian": (Result.INCONCLUSIVE, "guardian"),
    "abort": (Result.INCONCLUSIVE, "stopped-by-person"),
    "window": (Result.INCONCLUSIVE, "window-over"),
    "lock_out": (Result.BREACHED, "locked-out"),
    "person": (Result.BREACHED, "not-by-hand"),
    "return": (Result.INCONCLUSIVE, "not-in-order"),
    "word": (Result.INCONCLUSIVE, "no-word"),
}
OTHER_STOP = (Result.INCONCLUSIVE, "stopped-otherwise")
"""A stop of another version: whatever it was, the drill was not held to its end."""
LEAKS = ("leak", "egress-leak")
NOT_AS_BEFORE = {"stranded", "ours-left", "not-back", "configuration-unread", "guardian-disagrees"}
"""Findings with which the plant was not seen as it was."""
HELD_SLACK_S = 1.0
"""How much shorter than its hold an isolation may have been in effect: a few samples, and the device's own lag."""
COARSE_S = 0.5
ENDED_EARLY = {
    "lost": "ends without its worker's last word",
    "disk": "ends before its time, because its host's disk took no more",
    "full": "ends before its time, because it had reached its bound",
}
"""How a worker may end in the middle of a drill, by its own word for it."""
NO_TIMES = Times(ordered_to_effective=None, ordered_to_verified=None)


def worst(results: Sequence[Result]) -> Result:
    """Merge results: the worst wins; nothing at all is not tested."""
    return max(results, key=RANK.index, default=Result.NOT_TESTED)


def judge(
    plan: Plan,
    records: Sequence[Record],
    episodes: Mapping[str, tuple[Episode, ...]],
    *,
    mode: str,
    lab: bool,
    run: str,
    others: Sequence[Record] = (),
    against: Sequence[Finding] = (),
    restored: Collection[str] = (),
) -> Verdict:
    """Judge a run; `episodes` are in the conductor's monotonic time, cut at the windows of `timeline_of`.

    `others` are the guardian's records. `against` is what speaks against the record itself; `restored` are points that somebody
    else saw restored after the conductor died.
    """
    timeline = timeline_of([stage.name for stage in plan.stages], records, others)
    first_stage = {name: stage for stage in reversed(plan.stages) for name in stage.dead}
    # What the firewalls counted says who sent a refusal; from when on they had to count nothing, the probes say without it.
    uncounted = _probe_records(plan, records, episodes, not_counted)
    counted, witness = judge_egress(plan, records, timeline, _in_force_us(plan, uncounted, timeline, first_stage))
    probes = _probe_records(plan, records, episodes, partial(saw_nothing, plan, witness))
    closed = closed_of(plan, records, others, probes, timeline)
    explained = frozenset(each.conduit for each in closed if each.explains)
    of_probes, longest_gap_us = _of_the_probes(plan, probes, timeline, first_stage, closed)
    findings = [*against, *_of_the_record(plan, records, others, timeline, restored), *of_probes, *counted]
    stages, times = _stages(plan, probes, timeline, first_stage, findings)
    restoration_times, late = _restoration_times(plan, probes, timeline)
    restoration = (
        Restoration.UNPROVEN if against else _restoration(plan, records, probes, timeline, findings, explained)
    )
    found_closed, kept_closed = judge_closed(closed, restoration)
    left, backlogs = judge_backlogs(plan, probes, timeline)
    findings += [*late, *found_closed, *left]
    verdict = worst([*(stage.result for stage in stages), *(finding.result for finding in findings)])
    return Verdict(
        verdict=verdict,
        restoration=restoration,
        isolation_s=times,
        restoration_s=restoration_times,
        longest_ot_gap_s=longest_gap_us / 1_000_000 if longest_gap_us is not None else None,
        leaks=sum(finding.code in LEAKS for finding in findings),
        stages=tuple(stages),
        rows=tuple(_rows(plan, probes, timeline, findings)),
        findings=tuple(sorted(findings, key=_worst_first)),
        witness=witness,
        island=verdict is Result.HELD and plan.boundary.is_island and not leads_unwatched(findings, witness),
        boundary=plan.boundary,
        closed_by_rule=tuple(way for stage in plan.stages for way in stage.closed),
        kept_closed=kept_closed,
        backlogs=backlogs,
        **_named(plan, mode=mode, lab=lab, run=run),
    )


def _worst_first(finding: Finding) -> tuple[int, float, str]:
    return -RANK.index(finding.result), finding.first_s or 0.0, finding.code


def _named(plan: Plan, **of_the_run: Any) -> dict[str, Any]:
    return {
        **of_the_run,
        "site": plan.drill.site,
        "drill": plan.drill.drill,
        "drill_digest": plan.drill_digest,
        "plan_digest": plan.plan_digest,
        "plant_state": plan.drill.plant_state,
    }


def _of_the_probes(
    plan: Plan,
    probes: Mapping[str, ProbeRecord],
    timeline: Timeline,
    first_stage: Mapping[str, PlanStage],
    closed: Sequence[Closed],
) -> tuple[list[Finding], int | None]:
    """Judge every probe, and give the longest gap of those that had to stay alive."""
    explained = {each.conduit for each in closed if each.explains}
    # A word that was given after the run explains the way back, and says nothing of who stopped a flow while the drill went on.
    in_time = explained - {each.conduit for each in closed if each.is_late}
    found: list[Finding] = []
    gaps_us: list[int] = []
    for name, record in probes.items():
        if record.planned.role == "severed":
            found += judge_severed(plan, first_stage[name], record, timeline, in_time)
            found += judge_return(record, timeline, explained)
            continue
        if record.planned.role == "backlog":
            continue
        if record.planned.role == "interlock":
            found += judge_interlock(plan, record, timeline)
            continue
        more, gap_us = judge_continuity(plan, record, timeline)
        found += more
        gaps_us += [] if gap_us is None else [gap_us]
    return found, max(gaps_us, default=None)


def _probe_records(
    plan: Plan, records: Sequence[Record], episodes: Mapping[str, tuple[Episode, ...]], saw_nothing: SawNothing
) -> dict[str, ProbeRecord]:
    found = {}
    near = [name for name, vantage in plan.vantages.items() if not vantage.far]
    beside = [
        record.data for name in near[:1] for record in of_kind(records, "vantage.offset", vantage=name, outcome="done")
    ]
    for name, planned in plan.probes.items():
        measured = [
            record.data for record in of_kind(records, "vantage.offset", vantage=planned.probe.vantage, outcome="done")
        ]
        line = clock_line(measured, beside)
        uncertainty_us = line.uncertainty_us if line is not None else 0
        mine = episodes.get(name, ())
        # A firewall that counted nothing says nothing of a way round it.
        counted = saw_nothing(planned.through, planned.direction) if planned.through is not None else None
        passages = tuple(_passage(plan, planned, episode, saw_nothing=counted) for episode in mine)
        found[name] = ProbeRecord(name, planned, mine, uncertainty_us, passages)
    return found


def _passage(plan: Plan, planned: PlanProbe, episode: Episode, *, saw_nothing: bool | None) -> Passage:
    return passage_of(
        episode,
        target=planned.probe.target,
        zones=plan.zones,
        near=plan.vantages[planned.probe.vantage].zone,
        beyond=planned.zone,
        translated=planned.probe.stands_for is not None,
        saw_nothing=saw_nothing,
    )


def _of_the_record(
    plan: Plan, records: Sequence[Record], others: Sequence[Record], timeline: Timeline, restored: Collection[str]
) -> list[Finding]:
    """Judge what the journals say by themselves: preflight, the run, its vantages, its devices."""
    return [
        *advised(records),
        *_of_the_run(plan, records, others, timeline),
        *_of_the_witness(plan, records),
        *judge_devices(plan, records, restored),
        *judge_pairs(plan, records, timeline),
    ]


def _of_the_run(plan: Plan, records: Sequence[Record], others: Sequence[Record], timeline: Timeline) -> list[Finding]:
    """Judge how the run went: stops, stages that were not reached, holes in the journal."""
    found = []
    for record in of_kind(records, "stop"):
        result, code = STOPS.get(record.data["by"], OTHER_STOP)
        if not record.data.get("proven", True):
            # A device that was not heard has breached nothing that anybody saw.
            result = min(result, Result.INCONCLUSIVE, key=RANK.index)
        sentence = f"The drill was stopped and restored: {record.data['why']}{told_of_loss(records, record)}"
        found.append(Finding(code=code, result=result, sentence=sentence, records=(record.seq,)))
    taken = taken_over(records, others)
    if taken is not None:
        sentence = f"The guardian took the run over and restored: {taken.data['why']}"
        found.append(Finding(code="guardian", result=Result.INCONCLUSIVE, sentence=sentence))
    for record in of_kind(others, "guardian.disagrees"):
        sentence = f"The guardian found more to restore after the conductor had seen all back: {record.data['why']}"
        found.append(Finding(code="guardian-disagrees", result=Result.INCONCLUSIVE, sentence=sentence))
    for stage in plan.stages:
        window = timeline.window(stage.name)
        if window is None or not window.complete:
            sentence = f"Stage {stage.name} was not held to its end."
            found.append(Finding(code="stage-not-held", result=Result.NOT_TESTED, sentence=sentence, stage=stage.name))
    for record in of_kind(records, "journal.hole"):
        sentence = f"The journal has a hole: {record.data['why']}"
        found.append(Finding(code="journal-hole", result=Result.INCONCLUSIVE, sentence=sentence, records=(record.seq,)))
    return found


def _of_the_witness(plan: Plan, records: Sequence[Record]) -> list[Finding]:
    """Judge the vantages: every one collected, its spool whole, its clock measured before and after."""
    found = []
    for name in plan.vantages:
        spools = list(of_kind(records, "collect.result", vantage=name, outcome="done"))
        if not spools:
            refused = next(
                (str(record.data.get("why", "")) for record in of_kind(records, "collect.result", vantage=name)), ""
            )
            how = f" ({refused})" if refused else ""
            sentence = f"The samples of vantage {name} were not collected{how}; what it watched is not known."
            found.append(Finding(code="witness-lost", result=Result.INCONCLUSIVE, sentence=sentence))
        for record in spools:
            early = ENDED_EARLY.get(record.data["ended"], "")
            if not record.data["chain_ok"] or early:
                what = early if record.data["chain_ok"] else "cannot be relied on"
                why = f" {record.data['chain_why']}" if record.data.get("chain_why") else ""
                sentence = f"The spool of vantage {name} {what}; what it watched is not known for sure.{why}"
                lost = Finding(
                    code="witness-lost", result=Result.INCONCLUSIVE, sentence=sentence, records=(record.seq,)
                )
                found.append(lost)
        brought = next(of_kind(records, "samples.brought", vantage=name), None)
        if brought is not None:
            found += _brought(name, brought)
        elif plan.vantages[name].kit:
            # Nobody measures its clock: the kit tells it, once it is brought back.
            continue
        for when in ("before", "after"):
            if brought is not None and brought.data["unplaced"]:
                break
            if not any(of_kind(records, "vantage.offset", vantage=name, when=when, outcome="done")):
                sentence = f"The clock of vantage {name} was not measured {when} the drill; its times are uncertain."
                found.append(Finding(code="clock-unmeasured", result=Result.INCONCLUSIVE, sentence=sentence))
        found += _coarse(name, records)
    return found


def _coarse(vantage: str, records: Sequence[Record]) -> list[Finding]:
    """Say of a host that answers late how little its clock tells; what is uncertain by that is judged as uncertain."""
    answers = of_kind(records, "vantage.offset", vantage=vantage, outcome="done")
    measured = (record for record in answers if not record.data.get("by_utc"))
    coarsest = max(measured, key=lambda record: int(record.data.get("uncertainty_us", 0)), default=None)
    uncertain_s = 0.0 if coarsest is None else int(coarsest.data.get("uncertainty_us", 0)) / 1_000_000
    if coarsest is None or uncertain_s < COARSE_S:
        return []
    sentence = (
        f"The clock of vantage {vantage} was measured to {uncertain_s:.1f} s only, because its host answered late; whatever it watched is "
        "uncertain by that."
    )
    return [Finding(code="clock-coarse", result=Result.HELD, sentence=sentence, records=(coarsest.seq,))]


def _brought(vantage: str, brought: Record) -> list[Finding]:
    """Say of samples that were brought after the run was closed what they are worth."""
    author = brought.data["author"]
    if brought.data.get("by_login"):
        told = f"{author} had them fetched from its host after the run was closed, when their key was told, and nothing but that host vouches"
    else:
        what = "a kit" if brought.data["kit"] else "a copy of what its host kept"
        told = f"{author} brought them ({what}) after the run was closed, and nothing but the person who brought them vouches"
    sentence = f"The samples of vantage {vantage} are unkeyed: {told} that they were not made later."
    found = [Finding(code="samples-unkeyed", result=Result.HELD, sentence=sentence, records=(brought.seq,))]
    if brought.data["unplaced"]:
        sentence = f"The times of vantage {vantage} cannot be placed: {brought.data['unplaced']}. What it watched is not known."
        found.append(
            Finding(code="clock-unkept", result=Result.INCONCLUSIVE, sentence=sentence, records=(brought.seq,))
        )
    return found


def _stages(
    plan: Plan,
    probes: Mapping[str, ProbeRecord],
    timeline: Timeline,
    first_stage: Mapping[str, PlanStage],
    findings: list[Finding],
) -> tuple[list[StageVerdict], Times]:
    """Judge every stage's times; adds a finding where isolation came late or never. Returns the slowest stage's times."""
    stages, slowest = [], NO_TIMES
    for stage in plan.stages:
        window = timeline.window(stage.name)
        mine = [record for name, record in probes.items() if first_stage.get(name) is stage]
        times = NO_TIMES
        if window is not None and timeline.restore_ordered_us is not None:
            times = _isolation_times(
                plan, window, timeline.restore_ordered_us, timeline.isolate_answered_us.get(stage.name), mine
            )
            leaked = any(finding.code in LEAKS and finding.stage == stage.name for finding in findings)
            findings += _late(plan, stage.name, times, leaked=leaked) + _short(stage, window, times)
            slowest = _slower(slowest, times)
        own = [finding.result for finding in findings if finding.stage == stage.name]
        held_s = round(window.length_us / 1_000_000, 6) if window is not None else None
        result = worst([*own, Result.HELD if window is not None and window.complete else Result.NOT_TESTED])
        stages.append(StageVerdict(name=stage.name, result=result, isolation_s=times, held_s=held_s))
    return stages, slowest


def _in_force_us(
    plan: Plan, probes: Mapping[str, ProbeRecord], timeline: Timeline, first_stage: Mapping[str, PlanStage]
) -> dict[str, int]:
    """Give for each stage from when on nothing might pass: when its probes saw that, at the latest at the site's limit."""
    found = {}
    for stage in plan.stages:
        window = timeline.window(stage.name)
        if window is None or timeline.restore_ordered_us is None:
            continue
        mine = [record for name, record in probes.items() if first_stage.get(name) is stage]
        effective = _isolation_times(plan, window, timeline.restore_ordered_us, None, mine).ordered_to_effective
        latest_s = effective.latest_s if effective is not None and effective.latest_s is not None else 0.0
        within_s = min(latest_s, plan.drill.limits.isolate_within)
        found[stage.name] = window.start_us + round(within_s * 1_000_000)
    return found


def _isolation_times(
    plan: Plan, window: Window, end_us: int, answered_us: int | None, mine: list[ProbeRecord]
) -> Times:
    deaths = [(record, death_in(plan, record, window, end_us)) for record in mine if record.episodes]
    if not deaths:
        return NO_TIMES
    earliest_us = max(death.last_passed_us - record.uncertainty_us for record, death in deaths)
    latest_us = _latest(deaths)
    effective = _interval(earliest_us, latest_us, window.start_us)
    verified = None
    if latest_us is not None and answered_us is not None:
        verified = _seconds(max(latest_us, answered_us), window.start_us)
    return Times(ordered_to_effective=effective, ordered_to_verified=verified)


def _latest(deaths: list[tuple[ProbeRecord, Death]]) -> int | None:
    latest = 0
    for record, death in deaths:
        if death.first_stopped_us is None:
            return None
        latest = max(latest, death.first_stopped_us + record.uncertainty_us)
    return latest


def _interval(earliest_us: int, latest_us: int | None, ordered_us: int) -> Interval:
    latest_s = None if latest_us is None else _seconds(latest_us, ordered_us)
    earliest_s = max(_seconds(earliest_us, ordered_us), 0.0)
    return Interval(earliest_s=min(earliest_s, latest_s) if latest_s is not None else earliest_s, latest_s=latest_s)


def _seconds(moment_us: int, ordered_us: int) -> float:
    return round((moment_us - ordered_us) / 1_000_000, 6)


def _slower(times: Times, other: Times) -> Times:
    """Give the slower of two stages' times; a stage that never came into effect is the slowest."""

    def rank(times: Times) -> float:
        if times.ordered_to_effective is None:
            return -1.0
        latest = times.ordered_to_effective.latest_s
        return float("inf") if latest is None else latest

    return other if rank(other) > rank(times) else times


def _late(plan: Plan, stage: str, times: Times, *, leaked: bool) -> list[Finding]:
    limit_s = plan.drill.limits.isolate_within
    effective = times.ordered_to_effective
    if effective is None:
        sentence = f"No severed probe of stage {stage} says whether its isolation came into effect."
        return [Finding(code="witness-gap", result=Result.INCONCLUSIVE, sentence=sentence, stage=stage)]
    if effective.latest_s is None:
        # Without a leak nothing passed: the stage was stopped before every probe had the time to show itself dead.
        # Whose samples were lost may have died all the same.
        how = "never died" if leaked else "was not seen dead"
        sentence = f"Isolation of stage {stage} was not seen to come into effect: at least one severed probe {how}."
        result = Result.BREACHED if leaked else Result.INCONCLUSIVE
        return [Finding(code="never-effective", result=result, sentence=sentence, stage=stage)]
    if effective.latest_s > limit_s:
        sentence = f"Isolation of stage {stage} took {_took(effective)} (limit {limit_s:g} s)."
        return [Finding(code="isolated-late", result=_beyond(effective, limit_s), sentence=sentence, stage=stage)]
    return []


def _beyond(interval: Interval, limit_s: float) -> Result:
    """Judge an interval that reaches beyond a limit: a breach only where all of it does."""
    return Result.BREACHED if interval.earliest_s > limit_s else Result.INCONCLUSIVE


def _took(interval: Interval) -> str:
    return f"between {interval.earliest_s:.1f} and {interval.latest_s or 0:.1f} s"


def _short(stage: PlanStage, window: Window, times: Times) -> list[Finding]:
    """Find a stage whose isolation was in effect for clearly less than its hold: the order is not the effect."""
    effective = times.ordered_to_effective
    if not window.complete or effective is None or effective.latest_s is None:
        return []
    lasted_s = window.length_us / 1_000_000 - effective.latest_s
    if lasted_s >= stage.hold_s - HELD_SLACK_S:
        return []
    # The order to the effect is an interval: by its begin the hold may have been long enough.
    may_have_s = window.length_us / 1_000_000 - effective.earliest_s
    sure = "is known to have been" if may_have_s >= stage.hold_s - HELD_SLACK_S else "was"
    sentence = (
        f"Stage {stage.name} was to be held {stage.hold_s:g} s; its isolation {sure} in effect for {lasted_s:.1f} s."
    )
    return [Finding(code="held-short", result=Result.NOT_TESTED, sentence=sentence, stage=stage.name)]


def _restoration_times(
    plan: Plan, probes: Mapping[str, ProbeRecord], timeline: Timeline
) -> tuple[Times, list[Finding]]:
    """Time restoration by fresh connections: from the last connection that failed to the first that passed, for the slowest probe."""
    after = timeline.window(AFTER)
    if after is None or timeline.restore_seen_us is None:
        return NO_TIMES, []
    fresh = [
        probe for probe in probes.values() if probe.planned.role == "severed" and probe.planned.probe.kind != "canary"
    ]
    earliest_us, latest_us, missing = after.start_us, after.start_us, False
    for record in fresh:
        # From each conduit's own order: where a drill has an order of its return, one waits for another.
        later_us = (timeline.back_ordered_us(record.planned.crosses) or after.start_us) - after.start_us
        good = record.within(after.start_us + later_us, after.end_us + 60_000_000, Seen.GOOD)
        if not good:
            missing = True
            continue
        bad = [
            episode.last_us
            for episode in record.episodes
            if episode.seen is Seen.BAD and episode.last_us < good[0].first_us
        ]
        earliest_us = max([earliest_us, *(us - later_us - record.uncertainty_us for us in bad)])
        latest_us = max(latest_us, good[0].first_us - later_us + record.uncertainty_us)
    effective = _interval(earliest_us, None if missing else latest_us, after.start_us)
    seen_us = max([latest_us, *_seen_back(timeline, after)])
    times = Times(
        ordered_to_effective=effective, ordered_to_verified=None if missing else _seconds(seen_us, after.start_us)
    )
    limit_s = plan.drill.limits.restore_within
    if effective.latest_s is not None and effective.latest_s > limit_s:
        each = ", at the slowest step and from its own order" if timeline.given_back else ""
        sentence = f"Restoration took {_took(effective)}{each} (limit {limit_s:g} s)."
        result = _beyond(effective, limit_s)
        return times, [Finding(code="restored-late", result=result, sentence=sentence, stage=AFTER)]
    return times, []


def _seen_back(timeline: Timeline, after: Window) -> Iterator[int]:
    """Give when devices were seen to have given back, each as if it had been ordered when the first was."""
    rest_us = timeline.rest_ordered_us if timeline.given_back else None
    if timeline.restore_seen_us is not None:
        yield timeline.restore_seen_us - (0 if rest_us is None else rest_us - after.start_us)
    for given in timeline.given_back.values():
        if given.seen_us is not None:
            yield given.seen_us - (given.ordered_us - after.start_us)


def _restoration(
    plan: Plan,
    records: Sequence[Record],
    probes: Mapping[str, ProbeRecord],
    timeline: Timeline,
    findings: Sequence[Finding],
    closed: Collection[str],
) -> Restoration:
    """Say whether the plant was seen as it was before, or all but what somebody else keeps closed."""
    if _is_back(plan, records, probes, timeline, findings, ()):
        return Restoration.PROVEN
    if closed and _is_back(plan, records, probes, timeline, findings, closed):
        return Restoration.KEPT_CLOSED
    return Restoration.UNPROVEN


def _is_back(
    plan: Plan,
    records: Sequence[Record],
    probes: Mapping[str, ProbeRecord],
    timeline: Timeline,
    findings: Sequence[Finding],
    closed: Collection[str],
) -> bool:
    """Tell whether the plant was seen as it was before; of conduits that are `closed` nothing but the device is asked."""
    if {finding.code for finding in findings} & NOT_AS_BEFORE:
        return False
    touched = armed(records)
    if not touched.keys() <= {record.data["point"] for record in of_kind(records, "restore.seen")}:
        return False
    after, back_from_us = timeline.window(AFTER), timeline.back_from_us
    if after is None or back_from_us is None:
        return not touched
    severed = [probe for probe in probes.values() if probe.planned.role == "severed" and not is_closed(probe, closed)]
    # Fresh connections only: a connection that stayed open, or leaked, says nothing of the way back.
    fresh = [probe for probe in severed if probe.planned.probe.kind != "canary"]
    back = {_way(probe) for probe in fresh if probe.came_back(back_from_us, after)}
    # Where only held connections saw a way die, nothing saw it come back.
    dead = {_way(probe) for probe in severed if _died(probe, after.start_us)}
    crossed = {probe.planned.through for probe in severed}
    stages = [stage for stage in plan.stages if timeline.window(stage.name) is not None]
    # What no probe crosses is closed by rule: only the device can say that it is back.
    reached = {name for stage in stages for name in stage.conduits if name in crossed}
    return dead <= back and reached <= {conduit for conduit, _, _, by in back if by is None}


def _way(record: ProbeRecord) -> tuple[str | None, str, int, str | None]:
    return record.planned.crosses, record.planned.direction, record.planned.family, record.planned.probe.by


def _died(record: ProbeRecord, by_us: int) -> bool:
    """Tell whether a probe was alive once and dead when last heard of by a moment; a lost witness says neither."""
    known = [episode for episode in record.episodes if episode.first_us < by_us and episode.seen is not Seen.UNKNOWN]
    return bool(known) and known[-1].seen is Seen.BAD and any(episode.seen is Seen.GOOD for episode in known)


def _leaks_into(finding: Finding, window: Window, timeline: Timeline) -> bool:
    """Tell whether a leak of an earlier stage goes on in a window."""
    if finding.code != "leak" or finding.first_s is None or finding.last_s is None:
        return False
    return finding.first_s < timeline.seconds(window.end_us) and finding.last_s >= timeline.seconds(window.start_us)


def _expected(record: ProbeRecord, *, dead: bool) -> str:
    if record.planned.role in ("interlock", "backlog"):
        return "as needed" if record.planned.role == "interlock" else "drained in the end"
    return "dead" if dead else "alive"


def _rows(plan: Plan, probes: Mapping[str, ProbeRecord], timeline: Timeline, findings: Sequence[Finding]) -> list[Row]:
    """Give a row for every probe in every window, with the records it rests on."""
    rows = []
    dead_in = {stage.name: stage.dead for stage in plan.stages}
    for window in timeline.windows:
        for name, record in probes.items():
            inside = record.within(window.start_us, window.end_us)
            counts = {seen: sum(episode.count for episode in inside if episode.seen is seen) for seen in Seen}
            mine = (finding for finding in findings if finding.probe == name)
            own = [
                finding for finding in mine if finding.stage == window.name or _leaks_into(finding, window, timeline)
            ]
            known = counts[Seen.GOOD] + counts[Seen.BAD] > 0
            gaps = [episode.longest_gap_us for episode in inside]
            rows.append(
                Row(
                    stage=window.name,
                    probe=name,
                    role=record.planned.role,
                    vantage=record.planned.probe.vantage,
                    expected=_expected(record, dead=name in dead_in.get(window.name, ())),
                    result=worst([*(finding.result for finding in own), Result.HELD if known else Result.INCONCLUSIVE]),
                    good=counts[Seen.GOOD],
                    bad=counts[Seen.BAD],
                    unknown=counts[Seen.UNKNOWN],
                    passed=record.passed(window.start_us, window.end_us),
                    longest_gap_s=max(gaps) / 1_000_000 if gaps else None,
                    records=tuple(sorted({*window.records, *(seq for finding in own for seq in finding.records)})),
                )
            )
    return rows
