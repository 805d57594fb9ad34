"""Preflight: judging what was read before anything is armed. Every reason not to go on is one sentence.

A finding that refuses ends the run with nothing touched; the others are advice, a note in the verdict.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from islandmode.core.episodes import Sample, Seen
from islandmode.core.judging.probes import allowed_gap_us
from islandmode.core.outcome import Outcome
from islandmode.core.plan import Plan, PlanPoint
from islandmode.core.probe import CanaryProbe, IcmpProbe
from islandmode.core.text import share_text

BYTES_PER_SAMPLE = 20
"""A generous length of a sample's line with its hash; a probe that gives long reasons writes more than a probe that is good."""
BYTES_FOR_REST = 16 * 1024 * 1024
"""Journal, artifacts and report."""


@dataclass(frozen=True)
class PreflightFinding:
    """One thing found at preflight: a code to look up, a sentence to read, whether it ends the run, and the probe it is about.

    `late`: it is that something did not come in time, as on a busy machine.
    """

    code: str
    sentence: str
    refuses: bool
    probe: str = ""
    late: bool = False


@dataclass(frozen=True)
class FoundObject:
    """An Islandmode object that stands on a device before a run: whose it is, and how long its timer still runs, if it runs."""

    owner: str | None
    armed_s: float | None
    isolating: bool = False
    """Whether it isolates now, by what the device showed."""


def judge_point(
    name: str,
    planned: PlanPoint,
    *,
    outcome: Outcome,
    why: str = "",
    trouble: str = "",
    unready: tuple[str, ...] = (),
    interfaces: tuple[str, ...] | None = (),
    saved_has_ours: bool = False,
    saved_unread: tuple[tuple[str, str], ...] = (),
    saved_absent: tuple[str, ...] = (),
    mend: str = "",
    printed: str = "",
    lock_unread: str = "",
    pending: str = "",
    present: Mapping[str, FoundObject] | None = None,
    state_late: bool = False,
    restore: str = "islandmode restore",
) -> tuple[PreflightFinding, ...]:
    """Judge one isolation point by what it said of itself.

    `present` gives the Islandmode objects that were found on the device, by conduit; None means nobody could look, and
    `state_late` that the device did not answer then. `unready` says each thing that is not as a drill needs it. `mend` is the
    command that takes an object out of the saved configuration, `printed` the first line that a login file prints, `lock_unread` why
    it was not seen whether another session has locked the configuration, `pending` who made a change that waits to be confirmed, and `restore` the command that restores, without its arguments.
    """
    where = f"{name} at {planned.place}"
    user = planned.login.user if planned.login is not None else ""
    reason = _clause(why)
    if outcome is Outcome.UNKNOWN:
        return (_refusal("point-silent", f"{where} did not answer{reason}. Nothing was touched.", late=True),)
    if outcome is Outcome.NOT_DONE:
        return (_refusal("point-login", f"{where} could not be logged in to{reason}. Nothing was touched."),)
    if trouble:
        sentence = f"{where} let user {user} in, and cannot be used{_clause(trouble)}. Nothing was touched."
        return (_refusal("point-unusable", sentence),)
    found = [
        _refusal("point-not-ready", f"{where} is not ready for a drill{_clause(each)}. Nothing was touched.")
        for each in unready
    ]
    found += _standing(where, reason, present, pending, restore, late=state_late)
    if saved_has_ours:
        sentence = (
            f"{where} has an isolation in its saved configuration, so a restart would bring it back; take it out there "
            f"first{f'{planned.mended_as}: {mend}' if mend else ''}. Nothing was touched."
        )
        found.append(_refusal("point-saved-isolated", sentence))
    found += _unread_saved(where, user, saved_unread, saved_absent)
    found += _lock_unread(where, lock_unread)
    if printed:
        found.append(PreflightFinding("point-login-prints", _prints(where, user, planned, printed), refuses=False))
    return (*found, *_missing(where, planned, interfaces))


def _lock_unread(where: str, why: str) -> Iterator[PreflightFinding]:
    if why:
        sentence = (
            f"{where} did not show whether another session has locked its configuration{_clause(why)}. If a session has, the device refuses "
            "the drill's first line."
        )
        yield PreflightFinding("point-lock-unread", sentence, refuses=False)


def _prints(where: str, user: str, planned: PlanPoint, printed: str) -> str:
    if planned.rendering.recipe is not None:
        return f'{where} shows "{printed}" when user {user} logs in. It is left out of every answer.'
    return (
        f'{where} prints "{printed}" before every command of user {user}, as a login file does that is not for '
        "terminals only. It is left out of every answer."
    )


def _standing(
    where: str, reason: str, present: Mapping[str, FoundObject] | None, pending: str, restore: str, *, late: bool
) -> Iterator[PreflightFinding]:
    """Refuse a device on which something stands, waits to be confirmed, or may stand unseen."""
    if present is None:
        sentence = f"{where} did not show whether something is isolated on it already{reason}. Nothing was touched."
        yield _refusal("point-state-unread", sentence, late=late)
    elif present and not pending:
        # Where the timer is the device's, no object shows a timer: a change that waits to be confirmed was not left behind.
        yield _refusal("point-already-isolated", f"{where} {_of_others(present, restore)} Nothing was touched.")
    if pending:
        sentence = (
            f"{where} has a change of {pending} that waits to be confirmed: a drill would confirm it, or be refused. Wait until it is "
            "confirmed or has gone back. Nothing was touched."
        )
        yield _refusal("point-change-pending", sentence)


def _missing(where: str, planned: PlanPoint, interfaces: tuple[str, ...] | None) -> Iterator[PreflightFinding]:
    if interfaces is None:
        return
    wanted = dict.fromkeys(each for names in planned.interfaces.values() for each in names)
    missing = [each for each in wanted if each not in interfaces]
    if missing:
        has = ", ".join(interfaces) or "none"
        sentence = (
            f"{where} has no interface {', '.join(missing)} (it has {has}); a rule on an interface that does not exist "
            "isolates nothing. Correct the site file. Nothing was touched."
        )
        yield _refusal("point-interface-missing", sentence)


def _unread_saved(
    where: str, user: str, unread: tuple[tuple[str, str], ...], absent: tuple[str, ...]
) -> Iterator[PreflightFinding]:
    for path, why in unread:
        sentence = (
            f"{where}: its saved configuration {path} could not be read{_clause(why)}, so whether a restart would isolate is "
            f"not known; let user {user} read it. Nothing was touched."
        )
        yield _refusal("point-saved-unread", sentence)
    for path in absent:
        sentence = (
            f"{where}: its saved configuration includes {path}, which is not there, so a restart would load no rules."
        )
        yield PreflightFinding("point-saved-absent", sentence, refuses=False)


def _of_others(present: Mapping[str, FoundObject], restore: str) -> str:
    """Tell an isolation whose run may still go on from an isolation that was left behind."""
    conduits, owners = ", ".join(present), sorted({found.owner or "unknown" for found in present.values()})
    whose = f"run {', '.join(owners)}"
    timers = [found.armed_s for found in present.values() if found.armed_s is not None]
    if timers:
        left = f"its timer runs, {max(timers):.0f} s are left"
        return f"is already isolated for {conduits} by {whose} ({left}); wait for its end, or abort it where it was started."
    if any(found.isolating for found in present.values()):
        return (
            f"already isolates {conduits}, by {whose}, and no timer runs that would end it. If a drill left it so, restore it: {restore} --drill NAME, with "
            "a drill that isolates the same; if somebody of the site did it, let them end it."
        )
    return (
        f"already carries an object for {conduits} that {whose} left behind (no timer runs, so it stops nothing); take it "
        f"away: {restore} --drill NAME, with a drill that isolates the same."
    )


def judge_plan(plan: Plan) -> tuple[PreflightFinding, ...]:
    """Advise on what a plan leaves unseen, although the plan may be run."""
    return (
        *_without_canary(plan),
        *_unseen_flows(plan),
        *unpermitted(plan),
        *_closed_ways(plan),
        *_untested_ways(plan),
        *carried(plan),
        *_no_island(plan),
        *_backups(plan),
    )


def _without_canary(plan: Plan) -> Iterator[PreflightFinding]:
    held = {known.through for known in plan.probes.values() if isinstance(known.probe, CanaryProbe)}
    for conduit in plan.conduits:
        if conduit not in held:
            sentence = (
                f"No canary crosses {conduit}, so this drill does not show that connections which are already open "
                "stop passing there."
            )
            yield PreflightFinding("conduit-without-canary", sentence, refuses=False)


def _unseen_flows(plan: Plan) -> Iterator[PreflightFinding]:
    for flow in (flow for stage in plan.stages for flow in stage.dying_flows if not flow.watched_whole):
        share = (
            f"only {share_text(flow.covered)}"
            if flow.probes and flow.covered < 1
            else "all"
            if flow.probes
            else "nothing"
        )
        samples = ", each network and range of ports by some of its hosts and ports only" if flow.sampled else ""
        sentence = f"Severed probes test {share} of flow {flow.flow} on {flow.conduit} (owner {flow.owner}){samples}."
        yield PreflightFinding("flow-partly-tested", sentence, refuses=False)


def unpermitted(plan: Plan) -> Iterator[PreflightFinding]:
    """Name the severed probes that ask for what no flow of their conduit permits, where it has any."""
    flows = [flow for stage in plan.stages for flow in stage.dying_flows]
    declared, known = {flow.conduit for flow in flows}, {name for flow in flows for name in flow.probes}
    for name, planned in plan.probes.items():
        if name in plan.drill.severed and name not in known and planned.through in declared:
            asked = "icmp" if isinstance(planned.probe, IcmpProbe) else f"tcp/{planned.probe.port}"
            sentence = (
                f"Probe {name} asks {planned.probe.asked_told} for {asked}, and no flow of {planned.crosses} permits "
                "that: it is good only where the firewall lets more pass than the site says. Add the flow with its owner, or ask "
                "for what a flow permits."
            )
            yield PreflightFinding("probe-without-flow", sentence, refuses=False)


def _closed_ways(plan: Plan) -> Iterator[PreflightFinding]:
    for way in (way for stage in plan.stages for way in stage.closed):
        sentence = f"{way.told} is closed by rule (declared): the allow-list permits nothing there, and this drill does not test it."
        yield PreflightFinding("closed-by-rule", sentence, refuses=False)


def _untested_ways(plan: Plan) -> Iterator[PreflightFinding]:
    for way in plan.boundary.untested:
        sentence = f"Severed probes test nothing of other way {way.named}, which leads round {way.conduit}: nobody would see what passes there."
        yield PreflightFinding("other-way-untested", sentence, refuses=False)


def carried(plan: Plan) -> Iterator[PreflightFinding]:
    """Name the vantages that no run hears, because a person carries their worker."""
    for name in plan.kits:
        probes = ", ".join(known for known, planned in plan.probes.items() if planned.probe.vantage == name)
        sentence = (
            f"Vantage {name} is watched by a kit that a person carries there: what {probes} sees is not known before the isolation, nor at "
            "the run's end. Until the kit is brought back the verdict is inconclusive."
        )
        yield PreflightFinding("kit-unseen", sentence, refuses=False)


def _no_island(plan: Plan) -> Iterator[PreflightFinding]:
    if not plan.boundary.is_island:
        yield PreflightFinding("no-island", plan.boundary.told, refuses=False)


def _backups(plan: Plan) -> Iterator[PreflightFinding]:
    """Ask for the backup of every isolation point, where the site declares backups at all: a live drill is refused without."""
    backups = plan.declared.backups if plan.declared is not None else None
    if backups is None:
        return
    for name in plan.points:
        if name not in backups.isolation_points:
            sentence = f"The site declares no backup of {name} that lies elsewhere."
            yield PreflightFinding("backup-missing", sentence, refuses=False)


def judge_baseline(
    plan: Plan, last: Mapping[str, Sample], now_us: int, unseen: Mapping[str, str] | None = None
) -> tuple[PreflightFinding, ...]:
    """Judge the last sample of every probe, near and far: each must be good, and recent, before anything is isolated.

    `now_us` is when the vantages were asked; `unseen` gives the vantages that could not be looked at, with the reason.
    """
    found = [_unseen(name, why) for name, why in (unseen or {}).items()]
    # What says that the plant is not in the state that was declared comes before what only follows from it.
    first = {lock.probe: plan.probes[lock.probe] for lock in plan.drill.interlocks}
    for name, planned in (first | plan.probes).items():
        if planned.probe.vantage in (unseen or {}) or planned.probe.vantage in plan.kits:
            continue
        sample = last.get(name)
        where = f"{_called(plan, name)} from vantage {planned.probe.vantage}"
        old_us = 0 if sample is None else now_us - sample.asked_us
        if sample is None or old_us > allowed_gap_us(plan, planned):
            how_long = f" for {old_us / 1_000_000:.1f} s" if sample is not None else ""
            sentence = f"{where} said nothing{how_long} before the drill. Nothing was touched."
            found.append(PreflightFinding("baseline-silent", sentence, refuses=True, probe=name, late=True))
        elif sample.seen is not Seen.GOOD and planned.role == "interlock":
            lock = next(lock for lock in plan.drill.interlocks if lock.probe == name)
            state = plan.drill.plant_state
            sentence = f"{where} does not read {lock.needed_told(state)}, as plant_state {state} needs{_clause(sample.why)}. Nothing was touched."
            found.append(PreflightFinding("interlock", sentence, refuses=True, probe=name))
        elif sample.seen is not Seen.GOOD:
            sentence = f"{where} is {sample.seen.value} before the drill{_clause(sample.why)}. Nothing was touched."
            found.append(PreflightFinding("baseline-not-good", sentence, refuses=True, probe=name))
    return tuple(found)


def _called(plan: Plan, name: str) -> str:
    return f"{'Interlock' if plan.probes[name].role == 'interlock' else 'Probe'} {name}"


def _unseen(vantage: str, why: str) -> PreflightFinding:
    sentence = (
        f"What vantage {vantage} sees could not be looked at before the drill{_clause(why)}. Nothing was touched."
    )
    return _refusal("baseline-unseen", sentence, late=True)


def bytes_needed(plan: Plan, sampling_s: float) -> int:
    """Bound what a run writes when every worker samples for `sampling_s`."""
    samples = len(plan.probes) * sampling_s / plan.drill.sample_every
    return round(samples * BYTES_PER_SAMPLE) + BYTES_FOR_REST


def judge_machine(*, free_bytes: int, needed_bytes: int) -> tuple[PreflightFinding, ...]:
    """Judge this machine: room for the whole record, because a run without a record must not isolate anything."""
    if free_bytes >= needed_bytes:
        return ()
    sentence = (
        f"The runs directory has {free_bytes // 1_000_000} MB free and this drill may write "
        f"{-(-needed_bytes // 1_000_000)} MB; make room there. Nothing was touched."
    )
    return (_refusal("disk-full", sentence),)


def _refusal(code: str, sentence: str, *, late: bool = False) -> PreflightFinding:
    return PreflightFinding(code, sentence, refuses=True, late=late)


def _clause(why: str) -> str:
    return f": {why.strip().rstrip('.')}" if why.strip() else ""
