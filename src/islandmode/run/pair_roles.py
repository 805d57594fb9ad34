"""The roles of a pair's members: read before anything is armed, and watched for as long as something may be isolated."""

from __future__ import annotations

from collections.abc import Mapping

import anyio

from islandmode.core.outcome import Outcome, Reading
from islandmode.core.pair import Role, RoleSeen
from islandmode.core.plan import Plan
from islandmode.core.preflight import PreflightFinding
from islandmode.core.preflight_pair import judge_roles
from islandmode.core.records import PairRole
from islandmode.isolation.point import IsolationPoint
from islandmode.isolation.table import telling_role
from islandmode.run.run_journal import RunJournal

UNTOLD = "its platform has no question for that"


class PairRoles:
    """What each member last said of its role; nothing is read yet."""

    def __init__(self, plan: Plan, points: Mapping[str, IsolationPoint], journal: RunJournal) -> None:
        """Know the pairs of a plan; one without pairs asks nothing."""
        self._plan, self._points, self._journal = plan, points, journal
        self._last: dict[str, Role] = {}

    async def check(self) -> tuple[PreflightFinding, ...]:
        """Read every member, and find why a pair must not be isolated."""
        found: list[PreflightFinding] = []
        for pair, members in self._plan.pairs.items():
            seen: dict[str, RoleSeen] = {}
            async with anyio.create_task_group() as group:
                for name in members:
                    group.start_soon(self._see, name, seen)
            found += judge_roles(pair, {name: seen[name] for name in members})
        return tuple(found)

    async def _see(self, name: str, seen: dict[str, RoleSeen]) -> None:
        seen[name], _ = await self.read(name, self._plan.points[name].capabilities.check_s)

    async def read(self, name: str, deadline_s: float) -> tuple[RoleSeen, bool]:
        """Read a member's role now; tells beside it whether that is another than before. It is written down where it is."""
        reading = await self._ask(name, deadline_s)
        role: Role = "unknown" if not reading.done or reading.value is None else reading.value
        before = self._last.get(name, "")
        self._last[name] = role
        if role != before:
            planned = self._plan.points[name]
            told = PairRole(
                point=name,
                pair="" if planned.pair is None else planned.pair.pair,
                role=role,
                before=before,
                why=reading.why,
                asked_us=reading.asked_us,
                answered_us=reading.answered_us,
            )
            await self._journal.append(told)
        late = reading.outcome is Outcome.UNKNOWN
        return RoleSeen(role, reading.why, late=late, untold=reading.why == UNTOLD), role != before

    async def changed(self, name: str) -> tuple[str, ...]:
        """Read the role of an armed point, and name its pair's members where it is another than before; none where it has no pair.

        The other members' roles have been read too by then: who is active is known of all of them or of none.
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
        return members

    async def _ask(self, name: str, deadline_s: float) -> Reading[Role]:
        planned = self._plan.points[name]
        tells = telling_role(planned, self._points[name])
        if tells is None:
            return Reading(Outcome.NOT_DONE, None, UNTOLD, 0, 0)
        return await tells.role(deadline_s)
