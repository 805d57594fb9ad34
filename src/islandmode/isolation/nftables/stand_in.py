"""The stand-in of a bench on a Linux firewall: a table like a drill's, between two interfaces that the device does not have.

Its rules name interfaces, and a packet that meets none of them goes on as if the table were not there. So it isolates nothing, armed or held.
"""

from __future__ import annotations

from islandmode.core.bench.stand_in import NOT_BY_ITSELF, STAND_IN
from islandmode.core.outcome import Outcome, Reading
from islandmode.isolation.nftables import recipe
from islandmode.isolation.nftables.point import NftablesPoint, NftSession
from islandmode.isolation.point import LateLineSeen, PointState, StandInSeen
from islandmode.isolation.session import DeviceTrouble
from napalm_nftables.firewall import Firewall

ONLY = (STAND_IN,)
LATE_TIMER_S = 60.0
"""The timer under which a late line arrives: it must stand longer than any line's last moment."""


class NftablesStandIn(NftablesPoint):
    """A firewall's point with the stand-in in the place of its conduits."""

    @property
    def object_name(self) -> str:
        """Name the stand-in's table."""
        return recipe.table_of(STAND_IN)

    @property
    def says_itself(self) -> bool:
        """Tell that the kernel itself says what is in force: an element whose time is over is gone."""
        return True

    async def stand_in(self, deadline_s: float) -> Reading[StandInSeen]:
        """Look what of the stand-in is there; nothing is changed."""
        return await self._call(self._seen, deadline_s)

    def _seen(self, session: NftSession) -> StandInSeen:
        there = set(session.told(Firewall.facts)["interface_list"])
        shown = self._state(ONLY, session.ask(recipe.list_lines(ONLY))).conduits[STAND_IN]
        named = tuple(f"interface {name}" for name in recipe.BENCH if name in there)
        return StandInSeen(shown.present, named, shown.armed_s)

    async def lay(self, deadline_s: float) -> Reading[None]:
        """See that nothing stands in the way; a drill's table is not there either before it is armed."""

        def work(session: NftSession) -> None:
            seen = self._seen(session)
            if seen.referring:
                raise DeviceTrouble(f"the device has {' and '.join(seen.referring)}, of which a bench must be alone")
            if seen.present:
                raise DeviceTrouble(f"table {self.object_name} is there already")

        return await self._call(work, deadline_s)

    async def acts(self, deadline_s: float) -> Reading[bool]:
        """Tell whether it is in force still, or its timer still runs; trouble where it was taken away meanwhile, as that is no end of its own."""

        def work(session: NftSession) -> bool:
            shown = self._state(ONLY, session.ask(recipe.list_lines(ONLY))).conduits[STAND_IN]
            if not shown.stands:
                raise DeviceTrouble(NOT_BY_ITSELF.format(self.object_name))
            return shown.isolating or shown.armed_s is not None

        return await self._call(work, deadline_s)

    async def late_line(self, deadline_s: float) -> Reading[LateLineSeen]:
        """Arm, let a line that isolates wait until its ticket is gone, send it, and look whether it held anything."""
        began_us = self._clock.monotonic_us()
        armed = await self.arm(ONLY, LATE_TIMER_S, deadline_s)
        if not armed.done:
            return Reading(armed.outcome, None, armed.why, began_us, armed.answered_us)

        def take(session: NftSession) -> tuple[str, int]:
            life_s = session.life_s()
            return session.take_ticket(ONLY, self._owner, life_s), life_s

        ticket = await self._call(take, deadline_s)
        if ticket.value is None:
            return Reading(ticket.outcome, None, ticket.why, began_us, ticket.answered_us)
        name, life_s = ticket.value
        await self._clock.sleep(life_s + recipe.LATEST_MARGIN_S)
        return await self._sent_late(name, ticket.answered_us + life_s * 1_000_000, deadline_s)

    async def _sent_late(self, ticket: str, latest_us: int, deadline_s: float) -> Reading[LateLineSeen]:
        line = recipe.isolate_line(ONLY, self._between, self._interfaces, self._owner, ticket)
        sent_us = self._clock.monotonic_us()

        def work(session: NftSession) -> tuple[PointState, tuple[str, ...]]:
            answer = session.ask(recipe.list_lines(ONLY), line)
            return self._state(ONLY, answer), answer.errors

        found = await self._call(work, deadline_s)
        if found.value is None:
            return Reading(found.outcome, None, found.why, sent_us, found.answered_us)
        state, errors = found.value
        shown = state.conduits[STAND_IN]
        if shown.armed_s is None:
            return Reading(Outcome.NOT_DONE, None, "its timer ended before the late line", sent_us, found.answered_us)
        seen = LateLineSeen((sent_us - latest_us) / 1_000_000, shown.isolating, "; ".join(errors))
        return Reading(Outcome.DONE, seen, "", sent_us, found.answered_us)

    async def take_away(self, deadline_s: float) -> Reading[StandInSeen]:
        """Delete the table, whichever bench made it, and read back that it is gone."""

        def work(session: NftSession) -> StandInSeen:
            session.ask((recipe.LIST_OFFLOADED,), recipe.restore_line(ONLY))
            return self._seen(session)

        return await self._sessions.take_away(work, deadline_s)
