"""A check of one device of a plant: log in as a drill would, look at everything that preflight looks at, and change nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio

from islandmode.core.errors import InputError, NoSecret
from islandmode.core.outcome import Outcome, Reading
from islandmode.core.pair import PairMember, RoleSeen, SyncSeen, member_of
from islandmode.core.plan import PlanPoint
from islandmode.core.preflight import PreflightFinding
from islandmode.core.preflight_device import (
    judge_configuration,
    judge_left,
    judge_login_beside,
    judge_objects,
    judge_rights,
    judge_rights_unasked,
    judge_way,
)
from islandmode.core.preflight_pair import judge_member
from islandmode.core.recipe.derive import capabilities
from islandmode.core.rescue import Rescue
from islandmode.isolation.point import Facts, IsolationPoint, Rights, logging_in, showing_configuration
from islandmode.isolation.table import method_of, reads_addresses, showing_rights, stand_in_name
from islandmode.operate.benched import NO_BENCH, Benched, benched
from islandmode.operate.ground import PlantGround
from islandmode.operate.rescue_points import rescue_of_site
from islandmode.operate.site_devices import Device, known_hosts, refuse_of_lab, refuse_wrong
from islandmode.run.pair_roles import ask_role, ask_sync, role_seen, sync_seen
from islandmode.run.point_look import PointLook, look_at_point
from islandmode.store import catalog
from islandmode.system.clock import MachineClock
from islandmode.system.own_program import typed_at

NO_RUN = "no-run-only-a-look"
"""Stands for a run where one is needed for a look as a run's; nothing is ever written in its name."""


@dataclass(frozen=True)
class MemberCheck:
    """What a member of a pair said of itself. The other members were not asked."""

    pair: PairMember
    role: RoleSeen
    sync: SyncSeen


@dataclass(frozen=True)
class DeviceCheck:
    """What was found at a device, in the order in which it was looked at."""

    device: Device
    planned: PlanPoint
    findings: tuple[PreflightFinding, ...]
    version: str = ""
    """What it says of its version; empty where it was not asked, or could not be."""
    clock_ahead_s: float | None = None
    """By how much its clock is ahead of this machine's; None where no isolation ends by its clock, or where it was not read."""
    at_rest: tuple[str, ...] = ()
    """The conduits for which it was seen that nothing of Islandmode stands on the device."""
    rights: Rights | None = None
    """What its account may do; None where it was not asked."""
    benched: Benched = NO_BENCH
    """What its records of benches are worth for the device as it was found."""
    member: MemberCheck | None = None
    """What it said as the member of a pair; None where it stands alone, or did not let the check in."""

    @property
    def is_ready(self) -> bool:
        """Tell whether nothing was found that would refuse a drill."""
        return not any(finding.refuses for finding in self.findings)


def check_device(workspace: Path, device: Device) -> DeviceCheck:
    """Log in to a device and look; raises `InputError` for what is wrong with the site, or a secret that cannot be had."""
    zone = device.management.zone
    refuse_of_lab(device)
    refuse_wrong(workspace, device)
    planned = planned_of(workspace, device)
    point = _opened(workspace, device, planned)
    way = judge_way(device.where, zone, device.point.isolates, device.site)
    restore = typed_at(workspace, "restore")
    found = anyio.run(_look, workspace, device, planned, point, restore)
    facts = found.look.facts
    return DeviceCheck(
        device,
        planned,
        (*way, *found.look.findings, *found.more),
        version="" if facts is None else facts.version,
        clock_ahead_s=None if facts is None else facts.clock_ahead_s,
        at_rest=found.look.at_rest,
        rights=found.rights,
        benched=_benched(workspace, device, planned, facts),
        member=found.member,
    )


def _benched(workspace: Path, device: Device, planned: PlanPoint, facts: Facts | None) -> Benched:
    management = device.management
    keys = known_hosts(workspace).of(str(management.address), management.port)
    return benched(
        workspace,
        device.site.site,
        device.name,
        method_of(planned),
        [key.fingerprint for key in keys],
        firmware=None if facts is None else facts.version,
        serial=None if facts is None else facts.serial,
    )


def planned_of(workspace: Path, device: Device) -> PlanPoint:
    """Resolve a device of a site with all that it isolates, as no drill; raises `InputError`."""
    rescue, lost, _ = rescue_of_site(workspace, device.site.site)
    if device.name not in rescue.points:
        raise catalog.all_of(lost)
    # A rescue needs to know of no pair; what is asked of a device before a drill does.
    planned = rescue.points[device.name].model_copy(update={"pair": member_of(device.site, device.name)})
    if planned.recipe is None:
        return planned
    # No drill is asked about: a change of the clocks keeps from a drill whose timer meets it, and no timer is shorter than this.
    able = capabilities(planned.recipe, planned.capabilities.dead_man_min_s)
    return planned.model_copy(update={"capabilities": able})


def _opened(workspace: Path, device: Device, planned: PlanPoint) -> IsolationPoint:
    rescue = Rescue(site=device.site.site, points={device.name: planned}, conduits=planned.conduits)
    # Without a run a recipe's point looks only at what a restore needs.
    run = None if planned.recipe is None else NO_RUN
    made = PlantGround(workspace, device.site.site).open_points(rescue, MachineClock.of_this_boot(), run)
    for error in made.lost.values():
        raise InputError(error.message, device.tree.place(error.path)) if isinstance(error, NoSecret) else error
    return made.points[device.name]


@dataclass(frozen=True)
class _Found:
    look: PointLook
    more: tuple[PreflightFinding, ...] = ()
    rights: Rights | None = None
    member: MemberCheck | None = None


async def _look(workspace: Path, device: Device, planned: PlanPoint, point: IsolationPoint, restore: str) -> _Found:
    zones = {name: zone.networks for name, zone in device.site.zones.items()}
    try:
        look = await look_at_point(device.name, planned, point, zones, restore)
        if look.facts is None:
            # A device that refused the first login is not asked again: that could lock the account.
            return _Found(look)
        rights = await _rights(planned, point)
        name = stand_in_name(planned)
        objects = None if look.facts.standing is None else tuple(each for each in look.facts.standing if each != name)
        more = [
            *judge_objects(device.where, objects, look.present),
            *await _further(workspace, device, planned, point),
        ]
        member = await _as_member(planned, point)
    finally:
        await point.close()
    told, user = rights.value, planned.login.user if planned.login is not None else ""
    if told is not None:
        more += judge_rights(device.where, user, told.broader, told.from_elsewhere, told.unread)
    elif planned.recipe is not None:
        more.append(judge_rights_unasked(device.where, user, planned.platform))
    elif not rights.done:
        more += judge_rights(device.where, user, (), "", rights.why)
    if member is not None:
        by_addresses = reads_addresses(planned)
        more += judge_member(member.pair.pair, device.name, member.role, member.sync, by_addresses=by_addresses)
    return _Found(look, tuple(more), told, member)


async def _as_member(planned: PlanPoint, point: IsolationPoint) -> MemberCheck | None:
    """Ask what preflight asks of every member of a pair."""
    if planned.pair is None:
        return None
    deadline_s = planned.capabilities.check_s
    role = role_seen(await ask_role(planned, point, deadline_s))
    return MemberCheck(planned.pair, role, sync_seen(await ask_sync(planned, point, deadline_s)))


async def _rights(planned: PlanPoint, point: IsolationPoint) -> Reading[Rights]:
    shows = showing_rights(planned, point)
    if shows is None:
        return Reading(Outcome.DONE, None)
    return await shows.rights(planned.capabilities.check_s)


async def _further(
    workspace: Path, device: Device, planned: PlanPoint, point: IsolationPoint
) -> list[PreflightFinding]:
    found: list[PreflightFinding] = []
    logs_in, shows = logging_in(point), showing_configuration(point)
    if logs_in is not None:
        beside = await logs_in.try_login(planned.capabilities.ready_s)
        found += judge_login_beside(device.where, beside.why, done=beside.done, late=_late(beside))
    if shows is not None:
        read = await shows.configuration(planned.capabilities.configuration_s)
        found += judge_configuration(device.where, read.why, done=read.done, late=_late(read))
        running = "" if read.value is None else next(iter(read.value.parts.values()), "")
        found += judge_left(
            device.where, stand_in_name(planned), typed_at(workspace, "devices", "bench", device.name), running
        )
    return found


def _late(reading: Reading[Any]) -> bool:
    return reading.outcome is Outcome.UNKNOWN
