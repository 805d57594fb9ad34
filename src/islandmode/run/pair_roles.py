"""The roles of a pair's members, and whether they are in sync: read before anything is armed, and again whenever a role changed since."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import anyio

from islandmode.core.device_records import PairRole, PairSync
from islandmode.core.outcome import Outcome, Reading
from islandmode.core.pair import Role, RoleSeen, Sync, SyncSeen
from islandmode.core.plan import Plan, PlanPoint
from islandmode.core.preflight import PreflightFinding
from islandmode.core.preflight_pair import judge_roles, judge_sync
from islandmode.isolation.point import IsolationPoint
from islandmode.isolation.table import reads_addresses, telling_role
from islandmode.run.run_journal import RunJournal

UNTOLD = "its platform has no question for that"


class PairRoles:
    """What each member last said of its role and of the pair's sync; nothing is read yet."""

    def __init__(self, plan: Plan, points: Mapping[str, IsolationPoint], journal: RunJournal) -> None:
        """Know the pairs of a plan; one without pairs asks nothing."""
        self._plan, self._points, self._journal = plan, points, journal
        self._last: dict[str, Role] = {}
        self._in_sync: dict[str, Sync] = {}

    async def check(self) -> tuple[PreflightFinding, ...]:
        """Read every member, and find why a pair must not be isolated."""
        found: list[PreflightFinding] = []
        for pair, members in self._plan.pairs.items():
            roles: dict[str, RoleSeen] = {}
            syncs: dict[str, SyncSeen] = {}
            async with anyio.create_task_group() as group:
                for name in members:
                    group.start_soon(self._see, name, roles, syncs)
            by_addresses = all(reads_addresses(self._plan.points[name]) for name in members)
            found += judge_roles(pair, {name: roles[name] for name in members}, by_addresses=by_addresses)
            found += judge_sync(pair, {name: syncs[name] for name in members})
        return tuple(found)

    async def _see(self, name: str, roles: dict[str, RoleSeen], syncs: dict[str, SyncSeen]) -> None:
        deadline_s = self._plan.points[name].capabilities.check_s
        roles[name], _ = await self.read(name, deadline_s)
        syncs[name] = await self.read_sync(name, deadline_s)

    async def read(self, name: str, deadline_s: float) -> tuple[RoleSeen, bool]:
        """Read a member's role now; tells beside it whether that is another than before. It is written down where it is."""
        reading = await ask_role(self._plan.points[name], self._points[name], deadline_s)
        seen, before = role_seen(reading), self._last.get(name, "")
        self._last[name] = seen.role
        if seen.role != before:
            await self._journal.append(PairRole(role=seen.role, **self._told(name, before, reading)))
        return seen, seen.role != before

    async def read_sync(self, name: str, deadline_s: float) -> SyncSeen:
        """Read now whether a member is in sync with the others. It is written down where that is otherwise than before."""
        reading = await ask_sync(self._plan.points[name], self._points[name], deadline_s)
        seen, before = sync_seen(reading), self._in_sync.get(name, "")
        self._in_sync[name] = seen.sync
        if seen.sync != before:
            await self._journal.append(PairSync(sync=seen.sync, **self._told(name, before, reading)))
        return seen

    def _told(self, name: str, before: str, reading: Reading[Any]) -> dict[str, Any]:
        """Give what every record of a member says: whose it is, what was before, and when it was asked."""
        pair = self._plan.points[name].pair
        asked = {"why": reading.why, "asked_us": reading.asked_us, "answered_us": reading.answered_us}
        return {"point": name, "pair": "" if pair is None else pair.pair, "before": before, **asked}

    async def changed(self, name: str) -> tuple[str, ...]:
        """Read the role of an armed point, and name its pair's members where it is another than before; none where it has no pair.

        The other members' roles have been read too by then: who is active is known of all of them or of none. So has every member's sync.
        """
        planned = self._plan.points[name]
        if planned.pair is None or telling_role(planned, self._points[name]) is None:
            return ()
        # Longer than a look at the timer, since a program is started there; and short enough that a silent device is still noticed in time.
        deadline_s = planned.capabilities.silent_s / 2
        _, is_other = await self.read(name, deadline_s)
        if not is_other:
            return ()
        members = self._plan.pairs[planned.pair.pair]
        for member in members:
            if member != name:
                await self.read(member, deadline_s)
        async with anyio.create_task_group() as group:
            for member in members:
                group.start_soon(self.read_sync, member, deadline_s)
        return members


async def ask_role(planned: PlanPoint, point: IsolationPoint, deadline_s: float) -> Reading[Role]:
    """Ask a member which role it has."""
    tells = telling_role(planned, point)
    return Reading(Outcome.NOT_DONE, None, UNTOLD, 0, 0) if tells is None else await tells.role(deadline_s)


async def ask_sync(planned: PlanPoint, point: IsolationPoint, deadline_s: float) -> Reading[Sync]:
    """Ask a member whether it is in sync with the others."""
    tells = telling_role(planned, point)
    return Reading(Outcome.NOT_DONE, None, UNTOLD, 0, 0) if tells is None else await tells.sync(deadline_s)


def role_seen(reading: Reading[Role]) -> RoleSeen:
    """Tell what an answer says of a member's role."""
    role: Role = "unknown" if not reading.done or reading.value is None else reading.value
    return RoleSeen(role, reading.why, late=reading.outcome is Outcome.UNKNOWN, untold=reading.why == UNTOLD)


def sync_seen(reading: Reading[Sync]) -> SyncSeen:
    """Tell what an answer says of a member's sync."""
    sync: Sync = "unknown" if not reading.done or reading.value is None else reading.value
    return SyncSeen(sync, reading.why, late=reading.outcome is Outcome.UNKNOWN, untold=reading.why == UNTOLD)
