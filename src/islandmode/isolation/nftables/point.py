"""Isolation by nftables, on a held-open nft channel of the NAPALM driver's own connection to the device.

Two sessions (`two_sessions.py`). When a restore resets the session that works, what the device has received by then can still
act, up to the latest moment that each line was given (`recipe.py`); the point knows the last such moment of its own lines.
Every change is one written line, and is believed only when it is read back.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, TypeVar

from islandmode.core.capabilities import Capabilities
from islandmode.core.firewall import Unread, related
from islandmode.core.open_sessions import Tracked
from islandmode.core.outcome import Outcome, Reading
from islandmode.core.pair import Role, Sync, role_by
from islandmode.core.plan import PlanPoint
from islandmode.isolation import incoming
from islandmode.isolation.nftables import (
    account,
    firewall_look,
    firewall_reading,
    reading,
    recipe,
    sessions_kept,
    sessions_open,
)
from islandmode.isolation.nftables import saved as saved_files
from islandmode.isolation.nftables.login_trouble import FIRST_COMMAND, NFT_SILENT, NO_NFT, TELLS_NOTHING, with_remedy
from islandmode.isolation.platform import Access
from islandmode.isolation.point import ConduitState, Configuration, Facts, PointState, Rights
from islandmode.isolation.session import NO_ANSWER, DeviceSession, DeviceTrouble
from islandmode.isolation.two_sessions import TwoSessions
from islandmode.isolation.under_way import Lines
from islandmode.system.clock import Clock
from napalm_nftables.channel import NftAnswer, NftChannel, open_channel
from napalm_nftables.errors import CommandFailed, FirewallError, LinkLost, NoCommand
from napalm_nftables.firewall import Firewall, Programs
from napalm_nftables.latest import TooLate, uptime_s, write_before
from napalm_nftables.saved import SavedFile
from napalm_nftables.transport import Login

T = TypeVar("T")
A = TypeVar("A")
CONNECT_S = 10
ANSWER_S = 30.0
"""Longer than any caller waits: the session's own deadline resets the connection, and that ends the wait."""
TRIPS = 3
"""How often the way to a device is tried before it is called too slow: a busy device is slow now and then."""
READ = {
    "routes": "ip route show table all; ip rule show",
    "routes-v6": "ip -6 route show table all; ip -6 rule show",
    "addresses": "ip -brief address show",
    "interfaces": "ip -oneline link show",
}


@dataclass(frozen=True)
class NftAccess(Access):
    """How to log in, and where nft is."""

    nft: str = "/usr/sbin/nft"


class _Writes(Protocol):
    """Sends a line that may be on its way for so many seconds, and gives its answer."""

    def __call__(self, life_s: int, write: Callable[[], A]) -> A:
        """Write it, and wait for what is said."""
        ...


class NftSession:
    """A firewall with its held-open nft channel, as a device session wants it."""

    def __init__(self, access: NftAccess, clock: Clock) -> None:
        """Know the device; nothing is contacted yet."""
        self._clock = clock
        self._trip_s: float | None = None
        login = Login(
            host=access.host,
            port=access.port,
            user=access.user,
            timeout_s=CONNECT_S,
            password=access.password or "",
            key=access.key,
            known_hosts=access.known_hosts,
        )
        self.firewall = Firewall(login, Programs(become=access.become, nft=access.nft))
        self._channel: NftChannel | None = None
        self.let_in = ""
        """Why nothing more could be done after a login that worked."""
        self._up_s = 0.0

    def open(self) -> None:
        """Connect and log in once, and start nft; a restore must not wait for one answer more than its own."""
        self.firewall.open()
        try:
            self._channel = open_channel(self.firewall, CONNECT_S)
        except (NoCommand, LinkLost) as error:
            self.let_in = error.what if isinstance(error, NoCommand) else f"nft could not be started there: {error}"
            raise

    def tried(self) -> None:
        """See that nft answers and may list; nothing is changed by this, so that any failure is *not done*."""
        try:
            answer = self.ask(("list tables",))
        except FirewallError as error:
            raise DeviceTrouble(str(error)) from None
        if not answer.text:
            raise DeviceTrouble("; ".join(answer.errors) or "nft lists nothing on this device")

    def close(self) -> None:
        """End channel and connection."""
        self.firewall.close()

    def abort(self) -> None:
        """Reset the connection at once, from any thread."""
        self.firewall.link.abort()

    def ask(self, lines: tuple[str, ...], *changes: str) -> NftAnswer:
        """Write changes, if any, and ask on the following lines; TimeoutError, and so unknown, when nothing comes."""
        if self._channel is None:
            raise DeviceTrouble("the session has no nft channel")
        for change in changes:
            self._channel.write(change)
        try:
            answer = self._channel.ask(*lines, deadline_s=ANSWER_S)
        except LinkLost as error:
            raise LinkLost(incoming.quoted(error)) from None
        if answer is None:
            raise TimeoutError("nft did not answer")
        return replace(answer, errors=tuple(incoming.quoted(error) for error in answer.errors))

    def life_s(self) -> int:
        """Say how long a line may be on its way from now on: some round trips, as they were measured here."""
        life_s = None if self._trip_s is None else recipe.ticket_life_s(self._trip_s)
        tries = 0
        while life_s is None and tries < TRIPS:
            tries += 1
            self._timed(lambda: self.ask(("list tables",)))
            life_s = recipe.ticket_life_s(self._trip_s or 0.0)
        if life_s is None:
            most_s = recipe.TICKET_MOST_S / recipe.TICKET_TRIPS
            raise DeviceTrouble(
                f"an answer takes {self._trip_s:.1f} s and may take {most_s:g} s, because a command could act too long after "
                "it was sent; manage the device over a faster way"
            )
        return life_s

    def _timed(self, ask: Callable[[], NftAnswer]) -> NftAnswer:
        asked_us = self._clock.monotonic_us()
        answer = ask()
        self._trip_s = (self._clock.monotonic_us() - asked_us) / 1_000_000
        return answer

    def take_ticket(self, conduits: tuple[str, ...], run: str, life_s: int) -> str:
        """Write a ticket and read it back; DeviceTrouble where that is not so, and then no line may name it."""
        ticket = recipe.new_ticket()
        line = recipe.ticket_line(conduits, run, ticket, life_s)
        answer = self._timed(lambda: self.ask((recipe.list_tickets(conduits),), line))
        if answer.errors:
            raise DeviceTrouble("; ".join(answer.errors))
        if reading.ticket_left_s(answer.text, ticket) is None:
            raise DeviceTrouble("the ticket for the command was not read back, or has no timer there")
        return ticket

    def write_first(self, line: str, life_s: int) -> tuple[str, ...]:
        """Write the one line that no ticket can be had for, with a latest moment of the device's own clock; gives errors."""
        try:
            said = write_before(self.firewall, line, self._up_s + life_s, ANSWER_S)
        except TooLate as error:
            raise DeviceTrouble(f"{error}, so nothing was changed") from None
        except CommandFailed as error:
            # It failed without a word, perhaps after nft had taken the line: only reading back can tell.
            return (incoming.quoted(error),)
        return tuple(part.strip() for part in said.splitlines() if "Error:" in part)

    def read_uptime(self) -> None:
        """Read the device's clock, from which `write_first` counts."""
        try:
            self._up_s = self.told(uptime_s)
        except ValueError:
            raise DeviceTrouble("/proc/uptime does not say how long the device has been up") from None

    def told(self, read: Callable[[Firewall], T]) -> T:
        """Read from the device; a command that the device refuses has changed nothing."""
        try:
            return read(self.firewall)
        except CommandFailed as error:
            raise DeviceTrouble(incoming.quoted(error)) from None

    def saved(self) -> tuple[SavedFile, ...]:
        """Read the saved configuration with all that it includes."""
        return self.told(Firewall.saved_files)

    def run(self, command: str) -> str:
        """Run one command as the login user and return what it printed; one that fails has changed nothing."""
        return self.told(lambda firewall: firewall.read(command))


@dataclass(frozen=True)
class _Kept:
    """A ticket that was read back and that no line has named yet."""

    conduits: tuple[str, ...]
    ticket: str
    good_until_us: int
    """Half its life after it was asked for (monotonic): the line that names it needs the other half."""
    life_s: int


class NftablesPoint:
    """An isolation point on a Linux firewall that runs nftables."""

    reads: Mapping[str, str] = READ
    """What is read of it to compare, by part, beside its rules."""

    def __init__(self, name: str, planned: PlanPoint, access: NftAccess, clock: Clock, run: str | None) -> None:
        """Know the device; nothing is contacted yet. Without a run it can only restore, and removes the objects of every run."""
        self._run = run
        self._name = name
        self._interfaces = planned.interfaces
        # Where packets of the zones can be met; facts adds what those interfaces stand on, and what stands on them.
        self._met = frozenset(interface for side in planned.interfaces.values() for interface in side)
        self._between = planned.between
        self._ways = planned.rendering.ways
        self._pair = planned.pair
        self._clock = clock
        self._access = access
        self._texts = incoming.Configurations(reading.COMPARABLE)
        self._kept: _Kept | None = None
        self._sessions = TwoSessions(self._session, access.known_hosts, clock)
        self._unheard: list[Lines] = []
        """The lines of every step of which one was under way when it was given up."""

    def _session(self, what: str, known_hosts: Path) -> DeviceSession[NftSession]:
        opened = NftSession(replace(self._access, known_hosts=known_hosts), self._clock)
        return DeviceSession(f"{self._name}-{what}", opened, self._clock, (FirewallError,))

    @property
    def name(self) -> str:
        """Name of the isolation point in the site."""
        return self._name

    @property
    def capabilities(self) -> Capabilities:
        """What nftables can do, from the table of this package."""
        return recipe.CAPABILITIES

    @property
    def late_until_us(self) -> int:
        """Until when a line that this point gave up may still act on the device; 0 when it gave up none."""
        return max((lines.late_until_us for lines in self._unheard), default=0)

    async def _send(self, work: Callable[[NftSession, _Writes], T], deadline_s: float) -> Reading[T]:
        """Call with work that writes; with each write it says how long that write may act, in case its answer is never heard."""
        lines = Lines(self._clock)

        def writes(life_s: int, write: Callable[[], A]) -> A:
            lines.about_to_send(life_s + recipe.LATEST_MARGIN_S)
            try:
                answer = write()
            except DeviceTrouble:
                lines.answered()
                raise
            lines.answered()
            return answer

        # Beforehand: where this machine has no memory left, nothing could be noted afterwards.
        self._unheard.append(lines)
        try:
            return await self._sessions.call(lambda session: work(session, writes), deadline_s, lines)
        finally:
            # Also when the caller was cancelled; no line leaves any more. A line that was answered does nothing later.
            if not lines.give_up():
                self._unheard.remove(lines)

    async def _call(self, work: Callable[[NftSession], T], deadline_s: float) -> Reading[T]:
        return await self._sessions.call(work, deadline_s)

    async def facts(self, deadline_s: float) -> Reading[Facts]:
        """Log in (one attempt) and read facts; nothing is changed."""
        waits = [""]

        def work(session: NftSession) -> Facts:
            # First a plain command: whether the device runs any is another step than whether nft works there.
            step, waits[0] = TELLS_NOTHING, FIRST_COMMAND
            try:
                told = session.told(Firewall.facts)
                step, waits[0] = NO_NFT, NFT_SILENT
                session.tried()
            except DeviceTrouble as error:
                return Facts(trouble=with_remedy(step, str(error)))
            except NoCommand as error:
                return Facts(trouble=error.what)
            waits[0] = "its saved configuration was not read to its end"
            saved = session.saved()
            waits[0] = "what it says of its interfaces and rules was not read to its end"
            firewall = incoming.fit(firewall_look.look(session.run, session.ask))
            self._met = related(firewall, self._met)
            return Facts(
                interfaces=tuple(incoming.word(name) for name in told["interface_list"]),
                saved_ours=_named(saved_files.with_ours((file.path, file.text or "") for file in saved)),
                saved_unread=tuple(
                    Unread(incoming.word(file.path), incoming.quoted(file.why))
                    for file in saved
                    if file.text is None and not file.absent
                ),
                saved_absent=_named(file.path for file in saved if file.absent),
                printed=incoming.quoted(session.firewall.link.printed),
                firewall=firewall,
                standing=_tables(session),
                version=incoming.word(told["os_version"]),
                serial=incoming.word(told["serial_number"]),
            )

        found = await self._call(work, deadline_s)
        if found.why.startswith(NO_ANSWER) and waits[0]:
            return replace(found, why=f"{waits[0]}: {found.why}")
        let_in = self._sessions.work.driver.let_in
        if not found.done and let_in:
            # The login itself worked, and is not what has to be put right.
            return replace(found, outcome=Outcome.DONE, value=Facts(trouble=let_in), why="")
        return found

    async def rights(self, deadline_s: float) -> Reading[Rights]:
        """Ask the device what the account may do; nothing is changed."""
        access = self._access
        more = (*sessions_open.PROGRAMS, *(() if self._pair is None else (sessions_kept.PROGRAM,)))
        return await self._call(
            lambda session: account.rights(session.run, access.user, access.become, access.nft, more), deadline_s
        )

    async def role(self, deadline_s: float) -> Reading[Role]:
        """Read which of its pair's virtual addresses the firewall has; nothing is changed."""
        wanted = () if self._pair is None else self._pair.virtual_addresses

        def work(session: NftSession) -> Role:
            try:
                found = firewall_reading.addresses(session.run(firewall_reading.ADDRESSES))
            except (ValueError, LookupError, TypeError, AttributeError):
                raise DeviceTrouble("what it says of its addresses could not be read") from None
            return role_by(wanted, (held.address.ip for held in found))

        return await self._call(work, deadline_s)

    async def sync(self, deadline_s: float) -> Reading[Sync]:
        """Read whether conntrackd keeps its sessions in sync with the other members'; nothing is changed."""
        return await self._call(lambda session: sessions_kept.read(session.run, self._access.become), deadline_s)

    async def open_sessions(self, deadline_s: float) -> Reading[tuple[Tracked, ...]]:
        """List the sessions that it tracks; nothing is changed."""
        return await self._call(lambda session: sessions_open.read(session.run, self._access.become), deadline_s)

    async def configuration(self, deadline_s: float) -> Reading[Configuration]:
        """Read running and saved ruleset, routes, addresses and interfaces, for the comparison before and after.

        The ruleset carries its handles: a table that was loaded again, and so lost its counters, has others.
        """

        def work(session: NftSession) -> Configuration:
            running = session.told(lambda firewall: firewall.running(full=True))
            files = session.saved()
            saved = session.told(lambda firewall: firewall.loaded_by(files))
            texts = {
                part: session.run(f"PATH=/usr/sbin:/usr/bin:/sbin:/bin; {command}")
                for part, command in self.reads.items()
            }
            tables = [recipe.table_of(conduit) for conduit in self._between]
            # Looked for in what the device said, and not in what is kept of it: a secret may stand in an Islandmode table too.
            with_ours = _named(saved_files.with_ours((file.path, file.text or "") for file in files))
            ours = {"running": reading.ours_in(reading.comparable(running), tables), "saved": reading.ours_in(saved)}
            # Masked before anything is moved: the lines of a private key are known by those around them.
            kept = self._texts.taken_in({"running": running, "saved": saved, **texts})
            still = {"running": reading.comparable(kept["running"]), "saved": kept["saved"]}
            still |= {part: _sorted(kept[part]) for part in self.reads}
            return Configuration(still, self._texts.taken_in(ours), with_ours)

        return await self._call(work, deadline_s)

    async def ready(self, deadline_s: float) -> Reading[None]:
        """Open the session that a restore will use, and try it; nothing is changed."""
        return await self._sessions.ready(NftSession.tried, deadline_s)

    async def try_login(self, deadline_s: float) -> Reading[None]:
        """Log in anew, beside every open session, and out again: tells whether that is still possible."""
        return await self._sessions.try_login(NftSession.tried, deadline_s)

    async def arm(self, conduits: tuple[str, ...], for_s: float, deadline_s: float) -> Reading[PointState]:
        """Create the objects, start their timers, open the restore session, and return what was read back."""
        ready = await self.ready(deadline_s)
        if not ready.done:
            why = f"the restore session could not be opened: {ready.why}"
            return Reading(Outcome.NOT_DONE, None, why, ready.asked_us, ready.answered_us)
        line = recipe.arm_line(conduits, self._between, self._interfaces, self._ways, for_s, self._owner, self._pair)
        return await self._send(lambda session, writes: self._arm(session, conduits, line, writes), deadline_s)

    def _arm(self, session: NftSession, conduits: tuple[str, ...], line: str, writes: _Writes) -> PointState:
        life_s = session.life_s()
        session.read_uptime()
        errors = writes(life_s, lambda: session.write_first(line, life_s))
        answer = session.ask((*recipe.list_lines(conduits), recipe.LIST_OFFLOADED))
        if any("File exists" in error for error in errors):
            raise DeviceTrouble(self._whose(conduits, answer))
        state = self._state(conduits, answer)
        if not any(shown.present for shown in state.conduits.values()):
            raise DeviceTrouble("; ".join(errors) or "the device answered, and nothing was created")
        wrong = self._unfit(conduits, answer, state)
        if wrong is None:
            return state
        # What was read back would not restore by itself: take it away again and see it gone before refusing.
        if not self._taken_away(session, conduits).clear:
            raise TimeoutError(f"{wrong}; and the object could not be removed again")
        raise DeviceTrouble(f"{wrong}; the object was removed again")

    def _unfit(self, conduits: tuple[str, ...], answer: NftAnswer, state: PointState) -> str | None:
        *texts, flowtables = answer.texts
        past = reading.offloaded(flowtables) & self._met
        if past:
            return (
                f"flows on {', '.join(sorted(past))} are offloaded by a flowtable, past every rule that could isolate"
            )
        for conduit, text in zip(conduits, texts, strict=True):
            if not state.conduits[conduit].present:
                return f"no object for {conduit} was read back"
            if state.conduits[conduit].armed_s is None:
                return f"the timer for {conduit} was not read back: this device's nft drops `timeout`"
            if reading.holds_anything(text):
                return f"{conduit} was read back with entries in `hold` that nobody had put there"
            outer = self._interfaces[self._between[conduit][0]]
            if not reading.rules_are_whole(text, outer, self._ways.get(conduit, ()), self._pair):
                return f"the rules for {conduit} were not read back as they were written"
        return None

    async def prepare(self, conduits: tuple[str, ...], deadline_s: float) -> Reading[None]:
        """Take the ticket that the next isolate of these conduits names, if that follows while half of its life is left."""

        def work(session: NftSession) -> None:
            life_s = session.life_s()
            asked_us = self._clock.monotonic_us()
            ticket = session.take_ticket(conduits, self._owner, life_s)
            self._kept = _Kept(conduits, ticket, asked_us + life_s * 500_000, life_s)

        return await self._call(work, deadline_s)

    async def isolate(self, conduits: tuple[str, ...], deadline_s: float) -> Reading[PointState]:
        """Put armed conduits into isolation and read back; done only when the device shows every one isolating."""

        def line(ticket: str) -> str:
            return recipe.isolate_line(conduits, self._between, self._interfaces, self._owner, ticket)

        seen = await self._write(line, conduits, deadline_s)
        if not seen.done or seen.value is None:
            return seen
        open_ones = [name for name, state in seen.value.conduits.items() if not state.isolating]
        if not open_ones:
            return seen
        expired = [name for name in open_ones if seen.value.conduits[name].armed_s is None]
        why = f"{', '.join(expired or open_ones)} {'has no running timer' if expired else 'was not isolated'} when read back"
        return replace(seen, outcome=Outcome.NOT_DONE, why=why)

    async def renew(self, conduits: tuple[str, ...], for_s: float, deadline_s: float) -> Reading[PointState]:
        """Extend running timers; fails on an expired one."""

        def line(ticket: str) -> str:
            return recipe.renew_line(conduits, self._between, self._interfaces, for_s, self._owner, ticket)

        return await self._write(line, conduits, deadline_s)

    async def _write(
        self, line: Callable[[str], str], conduits: tuple[str, ...], deadline_s: float
    ) -> Reading[PointState]:
        """Take a ticket, write the line that names it, and read back; a device that complains has changed nothing."""

        def work(session: NftSession, writes: _Writes) -> PointState:
            kept = self._kept_for(conduits)
            life_s = session.life_s() if kept is None else kept.life_s
            ticket = session.take_ticket(conduits, self._owner, life_s) if kept is None else kept.ticket
            answer = writes(life_s, lambda: session.ask(recipe.list_lines(conduits), line(ticket)))
            state = self._state(conduits, answer)
            if answer.errors:
                raise DeviceTrouble(_why_refused(state, answer.errors))
            return state

        return await self._send(work, deadline_s)

    def _kept_for(self, conduits: tuple[str, ...]) -> _Kept | None:
        kept, self._kept = self._kept, None
        is_good = kept is not None and kept.conduits == conduits and self._clock.monotonic_us() < kept.good_until_us
        return kept if is_good else None

    async def restore(self, conduits: tuple[str, ...], deadline_s: float) -> Reading[PointState]:
        """Reset sessions that could still write, delete the objects, and read back that they are gone. Idempotent."""
        return await self._sessions.restore(lambda session: self._taken_away(session, conduits), deadline_s)

    def _taken_away(self, session: NftSession, conduits: tuple[str, ...]) -> PointState:
        """Delete the objects and read back, in one look where all are there; what is left then goes one by one."""
        lines = recipe.list_lines(conduits)
        if self._run is None:
            # No run is known: every Islandmode object goes.
            return self._state(conduits, session.ask(lines, recipe.restore_line(conduits)))
        state = self._state(conduits, session.ask(lines, recipe.release_line(conduits, self._run)))
        if left := _standing(state):
            each = (recipe.release_line((name,), self._run) for name in left)
            state = self._state(conduits, session.ask(lines, *each))
        if left := _standing(state):
            # An Islandmode object without its owner's name: somebody removed the name. It must go all the same.
            state = self._state(conduits, session.ask(lines, recipe.restore_line(left)))
        return state

    async def state(self, conduits: tuple[str, ...], deadline_s: float) -> Reading[PointState]:
        """Read what the device shows now."""
        lines = recipe.list_lines(conduits)
        return await self._call(lambda session: self._state(conduits, session.ask(lines)), deadline_s)

    @property
    def _owner(self) -> str:
        return self._run or recipe.ANY_RUN

    def _whose(self, conduits: tuple[str, ...], answer: NftAnswer) -> str:
        found = self._state(conduits, answer).conduits
        said = [f"{name} (run {state.owner or 'unknown'})" for name, state in found.items() if state.present]
        return f"an islandmode object already covers {', '.join(said)}; another run has it, or left it behind"

    async def close(self) -> None:
        """End all sessions; never changes the device."""
        self._sessions.close()

    def _state(self, conduits: tuple[str, ...], answer: NftAnswer) -> PointState:
        return PointState(
            # There may be answers to more questions behind those about the conduits.
            {name: self._conduit_state(name, text, answer) for name, text in zip(conduits, answer.texts, strict=False)}
        )

    def _conduit_state(self, conduit: str, text: str, answer: NftAnswer) -> ConduitState:
        table = recipe.table_of(conduit)
        # Only "no such file" means absent; a listing that fails for another reason tells nothing.
        absent = rf"No such file.*\| list table inet {table}$"
        if not text and not any(re.search(absent, error) for error in answer.errors):
            raise TimeoutError("; ".join(answer.errors) or f"nft listed nothing for {table}")
        outer, inner = self._between[conduit]
        sides, ways = (self._interfaces[outer], self._interfaces[inner]), self._ways.get(conduit, ())
        return reading.state_of(text, *sides, ways, self._run, self._pair)


def _why_refused(state: PointState, errors: tuple[str, ...]) -> str:
    whole = all(shown.stands and shown.armed_s is not None for shown in state.conduits.values())
    if whole and all("No such file" in error for error in errors):
        # Everything else that the line refers to is there.
        return "the command reached the device when its ticket was gone, so nothing was changed"
    return "; ".join(errors)


def _standing(state: PointState) -> tuple[str, ...]:
    return tuple(name for name, shown in state.conduits.items() if shown.stands)


def _tables(session: NftSession) -> tuple[str, ...] | None:
    """Name every Islandmode table on the device; None where its answer is not a listing of tables."""
    try:
        return _named(reading.standing_in(session.ask(("list tables",)).text))
    except (ValueError, LookupError, TypeError, AttributeError):
        return None


def _named(paths: Iterable[str]) -> tuple[str, ...]:
    return tuple(incoming.word(path) for path in paths)


def _sorted(text: str) -> str:
    # The kernel lists routes and addresses in the order they came, which no one means anything by; lifetimes run down.
    lines = (re.sub(r" expires \S+", "", line).strip() for line in text.splitlines())
    return "\n".join(sorted(lines)) + "\n"
