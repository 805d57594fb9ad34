"""Invariants of every run, with any fault, checked against the world and not against the run's own records.

A run's `Claims` are what it told people; the plant's devices, packets and disk are what really was. Each function takes
both and returns its violations as sentences; an empty tuple means that the invariant held.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from islandmode.core.record import Record
from islandmode.core.returning import returns_of
from islandmode.core.unfinished import owed
from islandmode.core.verdict import Verdict
from islandmode.simulate.device import FOR_REAL, OURS, Happening
from islandmode.simulate.network import FOREVER_US, Blocked
from islandmode.simulate.plant import SimulatedPlant

RESTORES_ALL = ("restore.ordered", "guardian.took_over")
BLIND_US = 1_200_000
"""Shorter than this, something true may fall between two samples and their timeouts; a verdict may not know it."""
ROUND_TRIP_S = 0.02
"""A probe whose question passed and whose answer did not was asked this much before the rule came into force."""
DEAD_MAN_LATE_S = 5.0
"""How much later than its dead-man the plant may be back, with any fault."""
READING_S = 2.0
"""What a device counted is true of some moment between its being asked and its answer, which comes in so long."""
START_BOUND_S = 120.0
END_BOUND_S = 240.0
HOLD_BOUND_S = 60.0
GO_BOUND_S = 3600.0


@dataclass(frozen=True)
class Claims:
    """What a run said of itself. `restored` is what it told at its end; `verdict` is None when nothing was judged."""

    restored: bool
    refused: bool
    records: tuple[Record, ...]
    acknowledged: tuple[Record, ...]
    """Records whose `append` came back: the run relies on their being durable."""
    journal: Path
    ended_us: int
    started_us: int
    verdict: str | None = None
    restoration: str | None = None
    judged: Verdict | None = None
    others: tuple[Record, ...] = ()
    """What the guardian recorded."""
    over_us: int = FOREVER_US
    """When the last process had ended: what was under way to a device then still landed."""
    killed: bool = False
    """Whether the conductor did not live to verify with packets what the devices said."""
    needs_go: bool = False
    """Whether the run had to be given a go before it armed."""

    @property
    def stranded(self) -> bool:
        """Tell whether people were told that the plant may not be as it was."""
        return not self.restored or self.restoration == "unproven"


def check_all(plant: SimulatedPlant, claims: Claims) -> tuple[str, ...]:
    """Check every invariant."""
    return tuple(sentence for check in INVARIANTS for sentence in check(plant, claims))


def never_left_isolated(plant: SimulatedPlant, claims: Claims) -> tuple[str, ...]:
    """Nothing is idle while isolated: at the end everything passes, or STRANDED was said and the device's timer will release."""
    violations: list[str] = []
    for stretch in _own_stretches(plant):
        if stretch.until_us < claims.over_us:
            continue
        if not claims.stranded and not (claims.killed and _is_hidden(plant, stretch)):
            violations.append(f"{stretch.conduit} is still blocked ({stretch.by}) and the run said it was restored.")
        if (
            stretch.until_us == FOREVER_US
            and not _has_no_timer(plant, stretch)
            and not _timer_will_release(plant, stretch, claims.ended_us)
        ):
            violations.append(f"{stretch.conduit} is still blocked ({stretch.by}) and no timer will ever release it.")
    return tuple(violations)


def _has_no_timer(plant: SimulatedPlant, stretch: Blocked) -> bool:
    """Tell whether a person isolated it: no timer was ever said to be there, and only a person ends it."""
    by_hand = (name for name, point in plant.plan.points.items() if point.by_hand is not None)
    return any(stretch.by.startswith(f"{name} isolates ") for name in by_hand)


def _is_hidden(plant: SimulatedPlant, stretch: Blocked) -> bool:
    """Tell whether a device says that the object is gone; only packets could tell."""
    return any(device.pretends_delete and stretch.by.startswith(f"{name} ") for name, device in plant.devices.items())


def _timer_will_release(plant: SimulatedPlant, stretch: Blocked, now_us: int) -> bool:
    for device in plant.devices.values():
        for conduit, made in device.made:
            if device.reason(conduit, made) == stretch.by and made.isolating:
                return device.will_release(conduit, made, now_us)
    return False


def no_isolate_after_restore_seen(plant: SimulatedPlant, claims: Claims) -> tuple[str, ...]:
    """Once a point was seen restored, no isolate of this run takes effect on it."""
    seen: dict[str, int] = {}
    for record in (*claims.others, *claims.records):
        if record.kind == "restore.seen":
            # Take the first sighting: a conductor that wakes late restores once more, and sees it once more.
            point, answered_us = record.data["point"], record.data["answered_us"]
            seen[point] = min(answered_us, seen.get(point, FOREVER_US))
    late = [
        happening for happening in _tape(plant, "isolating") if happening.at_us > seen.get(happening.device, FOREVER_US)
    ]
    return tuple(
        f"{happening.device} isolated {happening.conduit} {_after(happening, seen)} after it was seen restored."
        for happening in late
    )


def no_line_acts_after_its_latest_moment(plant: SimulatedPlant, _claims: Claims) -> tuple[str, ...]:
    """A line that was delayed on its way takes effect before its platform's bound, or never."""
    late = [
        happening
        for what in ("created", "isolating", "pretended", "renewed")
        for happening in _tape(plant, what)
        if happening.late_us > plant.plan.points[happening.device].capabilities.latest_s * 1_000_000
    ]
    return tuple(
        f"{happening.device} {happening.what} {happening.conduit} {happening.late_us / 1e6:.3f} s after it was sent."
        for happening in late
    )


def dead_man_bounds_every_isolation(plant: SimulatedPlant, claims: Claims) -> tuple[str, ...]:
    """No isolation outlasts, by more than its bound, the dead-man counted from when the last line left that wanted it."""
    found = []
    for name, device in plant.devices.items():
        if (
            device.drops_timers
            or device.fakes_timers
            or any(happening.what == "timer stopped" for happening in device.tape)
        ):
            # No timer of this device runs that could bound anything.
            continue
        asked = (*_tape(plant, "created"), *_tape(plant, "isolating"), *_tape(plant, "renewed"))
        for stretch in _own_stretches(plant):
            sent_us = [
                line.at_us - line.late_us for line in asked if (line.device, line.conduit) == (name, stretch.conduit)
            ]
            if not stretch.by.startswith(f"{name} isolates {stretch.conduit} ") or not sent_us:
                continue
            if _has_no_timer(plant, stretch):
                continue
            late_s = (min(stretch.until_us, claims.ended_us) - max(sent_us)) / 1_000_000 - plant.plan.dead_man_s
            if late_s > DEAD_MAN_LATE_S + device.late_s:
                found.append(
                    f"{stretch.conduit} was isolated {late_s:.3f} s longer than the dead-man of its last line."
                )
    return tuple(found)


def dead_man_covers_every_isolation(plant: SimulatedPlant, _claims: Claims) -> tuple[str, ...]:
    """No line of this run takes the timer off an isolation; where a device's timer ends, nothing of this run stays isolated."""
    found = []
    for device in plant.devices.values():
        if (
            device.drops_timers
            or device.fakes_timers
            or any(happening.what == "timer stopped" for happening in device.tape)
        ):
            # No timer of this device could end anything, or somebody else stopped it.
            continue
        for happening in device.tape:
            if happening.owner == OURS and happening.what == "confirmed":
                found.append(
                    f"{happening.device}: a later line of this run took the timer off the isolation of {happening.conduit}."
                )
            if happening.owner == OURS and happening.what == "left isolated":
                found.append(f"{happening.device}: {happening.conduit} stays isolated although the dead-man has fired.")
    return tuple(found)


def nothing_left_where_restored_is_said(plant: SimulatedPlant, claims: Claims) -> tuple[str, ...]:
    """A run that says it was restored has left no object, not even one that isolates nothing."""
    if claims.stranded:
        return ()
    return _left(plant)


def _after(happening: Happening, seen: Mapping[str, int]) -> str:
    return f"{(happening.at_us - seen[happening.device]) / 1_000_000:.3f} s"


def nothing_isolated_without_record(plant: SimulatedPlant, claims: Claims) -> tuple[str, ...]:
    """When an isolate takes effect, its intent is durable already."""
    violations: list[str] = []
    for happening in _tape(plant, "isolating"):
        lines = plant.disk.files[claims.journal].durable_at(happening.at_us).splitlines()
        kept = [json.loads(line) for line in lines]
        intents = [line["data"] for line in kept if line["kind"] == "isolate.intent"]
        if not any(
            intent["point"] == happening.device and happening.conduit in intent["conduits"] for intent in intents
        ):
            violations.append(f"{happening.device} isolated {happening.conduit} before the intent was durable.")
    return tuple(violations)


def no_acknowledged_record_lost(plant: SimulatedPlant, claims: Claims) -> tuple[str, ...]:
    """After a power cut every acknowledged record is found, with the data that was acknowledged."""
    if claims.journal not in plant.disk.files:
        return ()
    lines = [json.loads(line) for line in plant.disk.after_power_loss(claims.journal).splitlines()]
    durable = {line["seq"]: (line["kind"], line["data"]) for line in lines}
    lost = [
        record
        for record in claims.acknowledged
        if durable.get(record.seq) != (record.kind, json.loads(json.dumps(record.data)))
    ]
    return tuple(f"Record {record.seq} ({record.kind}) was acknowledged and is not on the disk." for record in lost)


def strangers_left_alone(plant: SimulatedPlant, _claims: Claims) -> tuple[str, ...]:
    """What another machine isolated is not taken away by this run."""
    taken = [
        happening
        for device in plant.devices.values()
        for happening in device.tape
        if happening.what in ("deleted", "only hidden") and happening.owner != OURS and happening.by == "request"
    ]
    return tuple(
        f"{happening.device}: {happening.owner}'s isolation of {happening.conduit} was deleted." for happening in taken
    )


def no_arm_before_a_good_go(plant: SimulatedPlant, claims: Claims) -> tuple[str, ...]:
    """Where a run needs a go, nothing is made on a device before the record of one is durable."""
    if not claims.needs_go:
        return ()
    given = (
        record.monotonic_us
        for record in claims.acknowledged
        if record.kind == "go.answered" and record.data["outcome"] == "go"
    )
    given_us = min(given, default=FOREVER_US)
    return tuple(
        f"{happening.device} was armed for {happening.conduit} before anybody said go."
        for happening in _tape(plant, "created")
        if happening.owner == OURS and happening.at_us < given_us
    )


def refused_touches_nothing(plant: SimulatedPlant, claims: Claims) -> tuple[str, ...]:
    """A run that says it was refused has isolated nothing, and its records owe no device a restore."""
    if not claims.refused or claims.killed:
        # A process that was killed reported nothing.
        return ()
    isolated = (
        f"{happening.device} isolated {happening.conduit} in a run that was refused."
        for happening in _tape(plant, "isolating")
    )
    left = owed({}, claims.records, claims.others)
    return (*isolated, *(f"A run that was refused owes {point} a restore by its own records." for point in left))


def ended_in_bounds(plant: SimulatedPlant, claims: Claims) -> tuple[str, ...]:
    """The run ends in time, and no conduit is isolated much longer than planned and never longer than its timer allows."""
    violations: list[str] = []
    plan = plant.plan
    took_s = (claims.ended_us - claims.started_us) / 1_000_000
    slow_s = max(_works_s(plant, name) for name in plant.devices)
    latest_s = max(point.capabilities.latest_s for point in plan.points.values())
    bound_s = START_BOUND_S + plan.hold_s + HOLD_BOUND_S + plan.dead_man_s + END_BOUND_S + slow_s + latest_s
    # A vantage that does not give its samples is asked again; the plant is back by then.
    bound_s += plan.drill.collect_within + (GO_BOUND_S if claims.needs_go else 0.0)
    if took_s > bound_s:
        violations.append(f"The run took {took_s:.1f} s, more than {bound_s:.1f} s.")
    for stretch in _own_stretches(plant):
        isolated_s = (min(stretch.until_us, claims.ended_us) - stretch.from_us) / 1_000_000
        # Who does not put a cable back leaves it out: then STRANDED was said, which `never_left_isolated` asks for.
        if isolated_s > plan.hold_s + HOLD_BOUND_S + plan.dead_man_s + slow_s and not _has_no_timer(plant, stretch):
            violations.append(f"{stretch.conduit} was isolated for {isolated_s:.1f} s.")
    return tuple(violations)


def _works_s(plant: SimulatedPlant, name: str) -> float:
    """Tell how long a device may work on all changes of a run, and how late its own timer may be."""
    able = plant.plan.points[name].capabilities
    works = able.works_s
    # A restore may come while the device works on another change, and be written once more by somebody who comes later.
    return able.late_s + works.arm + (len(plant.plan.stages) + 1) * works.isolate + works.renew + 2 * works.restore


def restoration_was_true(plant: SimulatedPlant, claims: Claims) -> tuple[str, ...]:
    """Restoration `proven` means that every conduit passed at the end, and no Islandmode object stood on a device."""
    if claims.restoration != "proven":
        return ()
    blocked = [
        f"{stretch.conduit} is still blocked" for stretch in _own_stretches(plant) if stretch.until_us >= claims.over_us
    ]
    return tuple(f"Restoration is said to be proven, and {what}." for what in (*blocked, *_left(plant)))


def kept_closed_was_true(plant: SimulatedPlant, claims: Claims) -> tuple[str, ...]:
    """Restoration `kept closed` means that nothing of Islandmode blocks or stands, and that a deny that was seen is in force."""
    if claims.restoration != "kept closed" or claims.judged is None:
        return ()
    own = [
        f"{stretch.conduit} is still blocked" for stretch in _own_stretches(plant) if stretch.until_us >= claims.over_us
    ]
    unlike = [
        f"nothing of the site's denies {kept.conduit}"
        for kept in claims.judged.kept_closed
        if kept.seen_on
        and not any(by.endswith(FOR_REAL) for by in plant.network.reasons(kept.conduit, claims.ended_us))
    ]
    return tuple(f"Restoration is said to be kept closed, and {what}." for what in (*own, *_left(plant), *unlike))


def never_lifts_what_is_kept_closed(plant: SimulatedPlant, claims: Claims) -> tuple[str, ...]:
    """What somebody closes for real stays closed, whatever the run does; a device that restarts forgets it by itself."""
    if any(device.boots for device in plant.devices.values()):
        return ()
    return tuple(
        f"{stretch.conduit} was closed for real and opened again."
        for stretch in _for_real(plant)
        if stretch.until_us < claims.over_us
    )


def _left(plant: SimulatedPlant) -> tuple[str, ...]:
    return tuple(
        f"{name} still has the Islandmode object for {conduit}"
        for name, device in plant.devices.items()
        for conduit, made in device.objects.items()
        if made.owner == OURS
    )


def held_was_true(plant: SimulatedPlant, claims: Claims) -> tuple[str, ...]:
    """`held` is said only if it was so: isolated for the whole hold, no probe leaked, and what must live lived."""
    if claims.verdict != "held":
        return ()
    isolated: dict[str, Blocked] = {}
    for stretch in filter(_is_own, _own_stretches(plant)):
        # What stands on a standby stops no packet: only the member that is active isolates.
        carried = plant.network.carried(stretch)
        if carried is not None:
            isolated[stretch.conduit] = plant.network.together(isolated.get(stretch.conduit), carried)
    missing = [name for name in plant.plan.conduits if name not in isolated]
    if missing:
        return tuple(f"Held is said, and {name} was never isolated." for name in missing)
    violations: list[str] = []
    # A stage's hold runs from its order, and its isolation may come into force as late as the site owner allows.
    late_us = round(plant.plan.drill.limits.isolate_within * 1_000_000)
    for stage in plant.plan.stages:
        from_us = max(isolated[name].from_us for name in stage.isolated)
        until_us = min(isolated[name].until_us for name in stage.isolated)
        free_us = max(plant.network.unblocked_us(name, from_us, until_us) for name in stage.isolated)
        whole_us = until_us - from_us - free_us
        if whole_us < stage.hold_s * 1_000_000 - late_us:
            violations.append(f"Held is said, and {stage.name} was isolated for {whole_us / 1e6:.3f} s.")
    ends = ("restore.ordered", "return.ordered")
    ordered = [record.monotonic_us for record in claims.records if record.kind in ends]
    hold = (min(stretch.from_us for stretch in isolated.values()), min([*ordered, claims.ended_us]))
    return (
        *violations,
        *_leaked(plant, isolated, late_us, hold[1]),
        *_disturbed(plant, *hold),
        *_lost(plant, isolated, *hold),
        *_blocked_too_early(plant, isolated),
    )


def _leaked(plant: SimulatedPlant, isolated: Mapping[str, Blocked], late_us: int, ends_us: int) -> tuple[str, ...]:
    found = []
    for leak in plant.network.leaks:
        stretch = isolated.get(leak.conduit)
        if stretch is None or not any(leak.carries(planned) for planned in plant.plan.probes.values()):
            continue
        # What still leaks from before the rule is an isolation that comes late; it becomes a leak when it is too late.
        since_us = stretch.from_us + (late_us if leak.from_us < stretch.from_us + BLIND_US else 0)
        # *Held* speaks of the hold; once the restore is ordered, something may pass again.
        if _overlap_us(leak.from_us, leak.until_us, since_us, min(stretch.until_us, ends_us)) > BLIND_US:
            found.append(f"Held is said, and {leak.conduit} leaked ({leak.direction}, {leak.family}).")
    return tuple(found)


def _disturbed(plant: SimulatedPlant, begin_us: int, end_us: int) -> tuple[str, ...]:
    limit_us = round(plant.plan.drill.limits.longest_ot_gap * 1_000_000) + 2 * BLIND_US
    continuity = [plant.plan.probes[name].probe for name in plant.plan.drill.continuity]
    answering = {str(probe.target) for probe in continuity}
    reading = {str(probe.target) for probe in continuity if probe.kind in ("modbus", "http")}
    found = []
    for outage in plant.network.outages:
        gap_us = _overlap_us(outage.from_us, outage.until_us, begin_us, end_us)
        # Only a probe that reads values can see them stand still.
        if gap_us > limit_us and outage.target in (reading if outage.freezes else answering):
            found.append(f"Held is said, and {outage.target} was not well for {gap_us / 1e6:.1f} s.")
    return tuple(found)


def _lost(plant: SimulatedPlant, isolated: Mapping[str, Blocked], begin_us: int, end_us: int) -> tuple[str, ...]:
    found = []
    # What ends between the last samples of the hold and the order to restore, no probe can have seen.
    unseen_us = round((plant.plan.drill.sample_every + ROUND_TRIP_S) * 1_000_000)
    for happening in (*_tape(plant, "released"), *_tape(plant, "pretended"), *_tape(plant, "lost")):
        # What was lost before it isolated is missing only if it did not isolate after that, and then *never isolated* is said.
        since_us = isolated[happening.conduit].from_us if happening.conduit in isolated else begin_us
        if since_us <= happening.at_us < end_us - unseen_us:
            found.append(f"Held is said, and {happening.device} {happening.what} {happening.conduit} ({happening.by}).")
    return tuple(found)


def _blocked_too_early(plant: SimulatedPlant, isolated: Mapping[str, Blocked]) -> tuple[str, ...]:
    strays = [stretch for stretch in _own_stretches(plant) if not _is_own(stretch) and stretch.conduit in isolated]
    early = [stretch for stretch in strays if stretch.from_us + BLIND_US < isolated[stretch.conduit].from_us]
    return tuple(f"Held is said, and {stretch.conduit} was blocked before its stage." for stretch in early)


def _is_own(stretch: Blocked) -> bool:
    """Tell a conduit that was blocked by its own object from a conduit that another conduit's object blocked along with it."""
    return f" isolates {stretch.conduit} for " in stretch.by


def leaks_were_true(plant: SimulatedPlant, claims: Claims) -> tuple[str, ...]:
    """A leak is said only where something passed that should not: not of what passes because this run had restored it."""
    if claims.judged is None or plant.network.leaks:
        return ()
    begun_us = claims.records[0].monotonic_us
    violations: list[str] = []
    for finding in claims.judged.findings:
        restored = [
            happening.at_us
            for happening in _tape(plant, "deleted")
            if happening.conduit == finding.conduit and happening.by == "request"
        ]
        if finding.code != "leak" or finding.first_s is None or not restored:
            continue
        late_s = finding.first_s - (min(restored) - begun_us) / 1_000_000
        if late_s > ROUND_TRIP_S:
            violations.append(f"A leak of {finding.probe} is said {late_s:.3f} s after {finding.conduit} was restored.")
    return tuple(violations)


def counts_were_true(plant: SimulatedPlant, claims: Claims) -> tuple[str, ...]:
    """A leak that a firewall is said to have counted is said only where the conduit really passed between two readings."""
    if claims.judged is None:
        return ()
    begun_us = claims.records[0].monotonic_us
    violations: list[str] = []
    for finding in claims.judged.findings:
        if finding.code != "egress-leak" or finding.first_s is None or finding.last_s is None:
            continue
        conduit, from_us = str(finding.conduit), begun_us + round(finding.first_s * 1_000_000)
        until_us = begun_us + round((finding.last_s + READING_S) * 1_000_000)
        ended = [happening.at_us for what in ("deleted", "released", "lost") for happening in _tape(plant, what)]
        until_us = min([until_us, *(at_us for at_us in ended if at_us > from_us)])
        if not plant.network.unblocked_us(conduit, from_us, until_us):
            violations.append(f"A leak over {conduit} is said to be counted, and it was blocked all the time.")
    return tuple(violations)


def times_were_true(plant: SimulatedPlant, claims: Claims) -> tuple[str, ...]:
    """The interval in which a stage is said to have come into effect holds the moment in which it did."""
    if claims.judged is None or plant.network.leaks or plant.network.outages or plant.network.has_moved:
        # Where a pair failed over, packets may have been stopped by that: by another device's rule, at another moment.
        return ()
    violations: list[str] = []
    for stage, told in zip(plant.plan.stages, claims.judged.stages, strict=True):
        stretches = [
            stretch for stretch in _own_stretches(plant) if _is_own(stretch) and stretch.conduit in stage.conduits
        ]
        interval = told.isolation_s.ordered_to_effective
        if interval is None or interval.latest_s is None or len(stretches) != len(stage.conduits):
            continue
        if any(not _is_own(stretch) and stretch.conduit in stage.conduits for stretch in _own_stretches(plant)):
            # Stopped by another stage's rule: no packet tells which rule stopped it.
            continue
        asked = [
            record.data["asked_us"]
            for record in claims.records
            if record.kind == "isolate.result" and record.data["stage"] == stage.name
        ]
        if not asked:
            continue
        true_us = max(stretch.from_us for stretch in stretches)
        if any(_down(plant, conduit, min(asked), true_us) for conduit in stage.conduits):
            # Stopped by a device that was down: no packet tells that either.
            continue
        if any(stretch.from_us <= true_us for stretch in _for_real(plant) if stretch.conduit in stage.conduits):
            # Nor by a deny of the site's own.
            continue
        true_s = (true_us - min(asked)) / 1_000_000
        if not interval.earliest_s - ROUND_TRIP_S <= true_s <= interval.latest_s + ROUND_TRIP_S:
            said = f"{interval.earliest_s:.3f} to {interval.latest_s:.3f} s"
            violations.append(f"{stage.name} is said to be in effect after {said}, and was after {true_s:.3f} s.")
    return tuple(violations)


def comes_back_in_order_or_at_once(plant: SimulatedPlant, claims: Claims) -> tuple[str, ...]:
    """What is given back step by step comes in the drill's order; once everything is to be restored, nothing is given back any more."""
    ordered_us = {step.number: FOREVER_US for step in returns_of(plant.plan.drill)}
    if not ordered_us:
        return ()
    violations: list[str] = []
    all_us = min(
        (each.monotonic_us for each in (*claims.records, *claims.others) if each.kind in RESTORES_ALL),
        default=claims.ended_us,
    )
    for record in claims.records:
        if record.kind == "return.ordered":
            ordered_us[record.data["step"]] = record.monotonic_us
            if record.monotonic_us > all_us and not claims.others:
                violations.append(f"Step {record.data['step']} of the return was ordered after everything was.")
    for step in returns_of(plant.plan.drill):
        for happening in _tape(plant, "deleted"):
            if happening.by == "request" and happening.conduit in step.conduits:
                before_us = min(ordered_us[step.number], all_us)
                if happening.at_us < before_us and not claims.killed:
                    violations.append(f"{happening.conduit} was given back before its turn.")
    return tuple(violations)


def nothing_isolates_again_after_it_came_back(plant: SimulatedPlant, claims: Claims) -> tuple[str, ...]:
    """What a step of the return was seen to give back is not isolated again by this run."""
    seen = {
        conduit: record.data["answered_us"]
        for record in claims.records
        if record.kind == "return.result" and record.data["outcome"] == "done"
        for conduit in record.data["conduits"]
    }
    return tuple(
        f"{happening.conduit} was isolated again after it had come back."
        for happening in _tape(plant, "isolating")
        if happening.at_us > seen.get(happening.conduit, FOREVER_US)
    )


def _down(plant: SimulatedPlant, conduit: str, from_us: int, until_us: int) -> bool:
    outages = (stretch for stretch in plant.network.stretches(conduit) if stretch.by.endswith(" is down"))
    return any(outage.from_us <= until_us and outage.until_us >= from_us for outage in outages)


def _overlap_us(from_us: int, until_us: int, begin_us: int, end_us: int) -> int:
    return max(0, min(until_us, end_us) - max(from_us, begin_us))


def _tape(plant: SimulatedPlant, what: str) -> tuple[Happening, ...]:
    """List what took effect on devices in the name of this run."""
    return tuple(
        happening
        for device in plant.devices.values()
        for happening in device.tape
        if happening.what == what and happening.owner == OURS
    )


def _for_real(plant: SimulatedPlant) -> Sequence[Blocked]:
    found = (stretch for conduit in plant.network.conduits for stretch in plant.network.stretches(conduit))
    return tuple(stretch for stretch in found if stretch.by.endswith(FOR_REAL))


def _own_stretches(plant: SimulatedPlant) -> Sequence[Blocked]:
    found = (stretch for conduit in plant.network.conduits for stretch in plant.network.stretches(conduit))
    return tuple(stretch for stretch in found if stretch.by.endswith(f" for {OURS}"))


INVARIANTS = (
    never_left_isolated,
    no_isolate_after_restore_seen,
    no_line_acts_after_its_latest_moment,
    dead_man_bounds_every_isolation,
    dead_man_covers_every_isolation,
    nothing_left_where_restored_is_said,
    nothing_isolated_without_record,
    no_acknowledged_record_lost,
    strangers_left_alone,
    refused_touches_nothing,
    no_arm_before_a_good_go,
    ended_in_bounds,
    restoration_was_true,
    kept_closed_was_true,
    never_lifts_what_is_kept_closed,
    held_was_true,
    leaks_were_true,
    counts_were_true,
    times_were_true,
    comes_back_in_order_or_at_once,
    nothing_isolates_again_after_it_came_back,
)
