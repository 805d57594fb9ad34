"""A Linux firewall whose outer interfaces go down: `NftablesPoint`, and the two processes there that follow its tables (`hard.py`)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from islandmode.core.capabilities import Capabilities
from islandmode.core.outcome import Outcome, Reading
from islandmode.core.plan import PlanPoint
from islandmode.isolation import incoming
from islandmode.isolation.nftables import hard, recipe
from islandmode.isolation.nftables.point import ANSWER_S, READ, NftablesPoint, NftAccess, NftSession
from islandmode.isolation.point import ConduitState, Facts, PointState, Rights
from islandmode.isolation.session import DeviceSession, DeviceTrouble
from islandmode.system.clock import Clock
from napalm_nftables.channel import NftAnswer
from napalm_nftables.errors import FirewallError

_LOOKED_AFTER = f"list table inet {recipe.PREFIX}"
AGAIN_S = 0.2
TOO_LATE = 75
_WAY = 'set -- $SSH_CONNECTION; echo "client $1"; [ -n "$3" ] && ip -oneline route get "$1" from "$3" && ip -oneline address show to "$3"'
_BY = re.compile(r"\bdev (\S+)|^\d+: (\S+)", re.MULTILINE)
_CLIENT = re.compile(r"^client (\S+)", re.MULTILINE)


@dataclass(frozen=True)
class HardAnswer(NftAnswer):
    """What nft said, and what a look after it found."""

    kept: hard.Kept | None = None


class HardSession(NftSession):
    """A firewall with its nft channel, and the script that keeps interfaces down."""

    def __init__(
        self, access: NftAccess, clock: Clock, outer: tuple[str, ...], run: str, pairs: tuple[str, ...]
    ) -> None:
        """Know the device, and what goes down there; nothing is contacted yet."""
        super().__init__(access, clock)
        self._outer, self._run, self._pairs = outer, run, pairs
        self._sh = self.firewall.privileged("/bin/sh")
        self._looks = True

    @contextmanager
    def only_nft(self) -> Iterator[None]:
        """Ask nft alone for a while."""
        self._looks = False
        try:
            yield
        finally:
            self._looks = True

    def ask(self, lines: tuple[str, ...], *changes: str) -> NftAnswer:
        """Ask nft, and look at the processes and interfaces where the answer is about a conduit."""
        answer = super().ask(lines, *changes)
        if not self._looks or not lines or not lines[0].startswith(_LOOKED_AFTER):
            return answer
        return HardAnswer(answer.texts, answer.errors, self.look())

    def look(self) -> hard.Kept:
        """Look which processes live and which interfaces are down."""
        try:
            return hard.kept_of(self._script(hard.look_command(self._sh, self._outer)))
        except ValueError:
            raise DeviceTrouble("what keeps its interfaces down could not be read") from None

    def undo(self, run: str | None) -> None:
        """Put every interface back that this run took down, or any run."""
        self._script(hard.undo_command(self._sh, run))

    def write_first(self, line: str, life_s: int) -> tuple[str, ...]:
        """Write the line that arms, and begin the processes that follow its tables, each before a moment of the firewall's clock."""
        errors = super().write_first(line, life_s)
        if errors:
            return errors
        self.read_uptime()
        moment_s = self._up_s + hard.BEGIN_S
        answer = self.firewall.link.run(
            hard.start_command(self._sh, moment_s, self._run, self._pairs), hard.SCRIPT, ANSWER_S
        )
        if answer.code == TOO_LATE:
            return ("the processes that put its interfaces up again were to begin too late",)
        return () if answer.code == 0 else (incoming.quoted(f"its interfaces could not be kept: {answer.why}"),)

    def _script(self, command: str) -> str:
        answer = self.firewall.link.run(command, hard.SCRIPT, ANSWER_S)
        if answer.code != 0 and not answer.stdout:
            why = incoming.quoted(answer.why)
            raise DeviceTrouble(
                f"it ran no /bin/sh as root, which level hard needs ({why}); give the account the line that `islandmode devices check` prints, or write "
                "level: deny"
            )
        return answer.stdout


class NftablesHardPoint(NftablesPoint):
    """An isolation point on a Linux firewall at level hard."""

    reads: Mapping[str, str] = READ | hard.READS

    def __init__(self, name: str, planned: PlanPoint, access: NftAccess, clock: Clock, run: str | None) -> None:
        """Know the device; nothing is contacted yet."""
        self._goes_down = planned.goes_down
        mine = {conduit: planned.between[conduit] for conduit in planned.conduits}
        self._pairs = hard.pairs(mine, planned.interfaces)
        super().__init__(name, planned, access, clock, run)

    def _session(self, what: str, known_hosts: Path) -> DeviceSession[NftSession]:
        access = replace(self._access, known_hosts=known_hosts)
        opened = HardSession(access, self._clock, self._goes_down, self._owner, self._pairs)
        return DeviceSession(f"{self._name}-{what}", opened, self._clock, (FirewallError,))

    @property
    def capabilities(self) -> Capabilities:
        """What nftables can do with interfaces that go down."""
        return hard.CAPABILITIES

    async def facts(self, deadline_s: float) -> Reading[Facts]:
        """Read facts, and whether the device could be reached once its interfaces are down."""
        found = await super().facts(deadline_s)
        if found.value is None or found.value.trouble:
            return found
        way = await self._call(lambda session: _way_back(session, self._goes_down), deadline_s)
        if way.value is None:
            return replace(found, outcome=way.outcome, value=None, why=way.why)
        unready = [*found.value.unready, *way.value]
        stacked = sorted(found.value.firewall.above(self._goes_down)) if found.value.firewall is not None else []
        if stacked:
            unready.append(
                f"has {', '.join(stacked)} on an interface that level hard takes down, and would not get all of that back; write level: deny"
            )
        return replace(found, value=replace(found.value, unready=tuple(unready)))

    async def rights(self, deadline_s: float) -> Reading[Rights]:
        """Ask the device what the account may do; a shell as root is part of the least that this level needs."""
        found = await super().rights(deadline_s)
        if found.value is None:
            return found
        nft, shell = self._access.nft, "/bin/sh"
        least = tuple(line.replace(f"NOPASSWD: {nft}", f"NOPASSWD: {nft}, {shell}") for line in found.value.least)
        broader = tuple(rule for rule in found.value.broader if rule != f"(root) {shell}")
        return replace(found, value=replace(found.value, least=least, broader=broader))

    async def isolate(self, conduits: tuple[str, ...], deadline_s: float) -> Reading[PointState]:
        """Put armed conduits into isolation, and read back until their interfaces are down."""
        until_us = self._clock.monotonic_us() + round(deadline_s * 1_000_000)
        seen = await super().isolate(conduits, deadline_s)
        while seen.outcome is Outcome.NOT_DONE and seen.value is not None and _waits(seen.value):
            left_s = (until_us - self._clock.monotonic_us()) / 1_000_000 - AGAIN_S
            if left_s <= 0:
                break
            await self._clock.sleep(AGAIN_S)
            now = await self.state(conduits, left_s)
            seen = replace(seen, value=now.value or seen.value, answered_us=now.answered_us or seen.answered_us)
            if now.value is not None and all(shown.isolating for shown in now.value.conduits.values()):
                return replace(seen, outcome=Outcome.DONE, why="")
        return seen

    def _unfit(self, conduits: tuple[str, ...], answer: NftAnswer, state: PointState) -> str | None:
        kept = answer.kept if isinstance(answer, HardAnswer) else None
        if kept is not None and not all(kept.fit(self._owner, recipe.table_of(conduit)) for conduit in conduits):
            return "the two processes that put its interfaces up again were not read back"
        return super()._unfit(conduits, answer, state)

    def _taken_away(self, session: NftSession, conduits: tuple[str, ...]) -> PointState:
        """Delete the objects, put the interfaces back, and read back."""
        if not isinstance(session, HardSession):
            return super()._taken_away(session, conduits)
        with session.only_nft():
            super()._taken_away(session, conduits)
        session.undo(self._run)
        return self._state(conduits, session.ask(recipe.list_lines(conduits)))

    def _conduit_state(self, conduit: str, text: str, answer: NftAnswer) -> ConduitState:
        state = super()._conduit_state(conduit, text, answer)
        if not isinstance(answer, HardAnswer) or answer.kept is None:
            return state
        outer = self._interfaces[self._between[conduit][0]]
        return hard.state_at(state, conduit, outer, answer.kept, self._run)


def _waits(state: PointState) -> bool:
    """Tell whether all that is missing may be an interface that goes down in a moment."""
    return all(shown.stands and shown.armed_s is not None for shown in state.conduits.values())


def _way_back(session: NftSession, goes_down: tuple[str, ...]) -> tuple[str, ...]:
    """Say why the device could not be reached once interfaces are down: by the way back to this login's other end, as it has it."""
    try:
        told = session.run(f"PATH=/usr/sbin:/usr/bin:/sbin:/bin; {_WAY}")
    except DeviceTrouble as error:
        return (
            f"did not tell by which interface it is reached ({error}), and level hard takes interfaces down; write level: deny",
        )
    by = {first or second for first, second in _BY.findall(told)} & set(goes_down)
    if not by:
        return ()
    client = _CLIENT.search(told)
    other_end = f" (the way back to {incoming.word(client[1])})" if client else ""
    return (
        f"is reached through {', '.join(sorted(by))}{other_end}, which level hard takes down; manage it by another interface, or write level: deny",
    )
