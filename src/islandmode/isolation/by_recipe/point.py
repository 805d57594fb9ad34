"""Isolation by a recipe: its lines, sent to a device's command line one at a time, and believed only when they are read back.

Two sessions (`two_sessions.py`). When a restore resets the session that works, what the device has received by then can still act, up to the
latest moment that `late_until_us` tells.

What may come of a step that writes (`arm`, `isolate`, `renew`):

    nothing was sent             not done: what stood before it, or the device's clock, forbids it
    every line was answered      done if a look proves it; else not done, and the value says what stands
    a line was refused           the session is reset; a fresh one looks: not done, and the value says what stands
    a line was not answered      unknown, also where the look after it fails
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from islandmode.core.capabilities import Capabilities
from islandmode.core.outcome import Outcome, Reading
from islandmode.core.pair import Role, Sync
from islandmode.core.plan import PlanPoint
from islandmode.core.recipe.device_clock import ClockRead
from islandmode.core.recipe.drivers import by_candidate
from islandmode.core.recipe.due import due_lines, is_already_so
from islandmode.core.recipe.model import Recipe
from islandmode.core.recipe.place import PointAt
from islandmode.core.recipe.reading import Shown, Unread
from islandmode.core.recipe.steps import ANY_RUN, Ready, RunValues, planned, step_lines
from islandmode.core.recipe.words import compiled
from islandmode.isolation import incoming
from islandmode.isolation.by_recipe.candidate import CandidateDialogue
from islandmode.isolation.by_recipe.configured import SAVED, comparable_of, islandmode_lines
from islandmode.isolation.by_recipe.dialogue import Dialogue, LineRefused, Look, NotSaid, Speaks, Unproven
from islandmode.isolation.by_recipe.facts import read_facts
from islandmode.isolation.by_recipe.member import Member
from islandmode.isolation.by_recipe.proof import Viewer, changed
from islandmode.isolation.by_recipe.run_end import RunEnd
from islandmode.isolation.by_recipe.trouble import ConsoleError
from islandmode.isolation.platform import Access, Transcript
from islandmode.isolation.point import Configuration, Facts, PointState
from islandmode.isolation.session import DeviceSession, DeviceTrouble
from islandmode.isolation.two_sessions import TwoSessions
from islandmode.isolation.under_way import Lines
from islandmode.system.clock import Clock

T = TypeVar("T")
MakeConsole = Callable[[Access, Recipe, Clock, Transcript | None], Speaks]


@dataclass
class _Write:
    """How far a step that writes has come."""

    lines: Lines
    before: dict[str, Shown] = field(default_factory=dict)
    refused: str = ""


@dataclass(frozen=True)
class _Came:
    """What a look after a step shows, and why that is not what was wanted; empty where it is."""

    state: PointState
    why: str = ""


class RecipePoint:
    """An isolation point that is driven by the lines of a recipe."""

    def __init__(
        self,
        name: str,
        planned: PlanPoint,
        recipe: Recipe,
        at: PointAt,
        access: Access,
        clock: Clock,
        run: str | None,
        make_console: MakeConsole,
    ) -> None:
        """Know the device; nothing is contacted yet. Without a run it can only restore, and takes every run's isolation back."""
        self._name, self._run = name, run
        self._able = planned.capabilities
        self._recipe, self._at = recipe, at
        self._access, self._clock = access, clock
        self._make_console = make_console
        self._dialogue = (CandidateDialogue if by_candidate(recipe.driver) else Dialogue)(recipe, at, clock)
        self._end = RunEnd(recipe, at)
        self._member = Member(recipe, planned.pair, self._end)
        self._doubt = ""
        self._for_s = 0.0
        self._has_armed = False
        self._is_refused = self._has_written = False
        self._unflushed: set[str] = set()
        self._logins = {access.user}
        self._restored_last: list[str] = []
        self._texts = incoming.Configurations(comparable_of(recipe))
        self._sessions = TwoSessions(self._session, access.known_hosts, clock)
        self._unheard: list[Lines] = []
        """The lines of every step of which one was under way when it was given up."""

    def _session(self, what: str, known_hosts: Path) -> DeviceSession[Speaks]:
        access = replace(self._access, known_hosts=known_hosts)
        transcript = None if access.transcript is None else access.transcript(what)
        console = self._make_console(access, self._recipe, self._clock, transcript)
        return DeviceSession(
            f"{self._name}-{what}", console, self._clock, (LineRefused, NotSaid, Unproven, ConsoleError)
        )

    @property
    def name(self) -> str:
        """Name of the isolation point in the site."""
        return self._name

    @property
    def capabilities(self) -> Capabilities:
        """What the recipe can do, as the plan has it."""
        return self._able

    @property
    def late_until_us(self) -> int:
        """Until when a line that this point gave up may still act on the device; 0 when it gave up none."""
        latest_us = max((lines.late_until_us for lines in self._unheard), default=0)
        # By what the device's clock told last: where somebody sets it back, an end on it comes later.
        may_act = any(not lines.over_us for lines in self._unheard)
        return max(latest_us, self._end.late_until_us) if may_act else latest_us

    @property
    def _viewer(self) -> Viewer:
        unflushed, logins = frozenset(self._unflushed), frozenset(self._logins)
        return Viewer(self._recipe, self._run, self._is_refused, self._doubt, unflushed, logins)

    def _values(self) -> RunValues:
        return RunValues(self._run or ANY_RUN, self._for_s, self._end.ends)

    async def _call(self, work: Callable[[Speaks], T], deadline_s: float) -> Reading[T]:
        return await self._sessions.call(work, deadline_s)

    # Looks.

    async def facts(self, deadline_s: float) -> Reading[Facts]:
        """Log in (one attempt) and read facts; nothing is changed."""
        timer_s = self._able.latest_s
        found = await self._call(
            lambda console: read_facts(self._dialogue, console, run=self._run, timer_s=timer_s), deadline_s
        )
        let_in = self._sessions.work.driver.let_in
        if not found.done and let_in:
            # The login itself worked, and is not what has to be put right.
            return replace(found, outcome=Outcome.DONE, value=Facts(trouble=incoming.sentence(let_in)), why="")
        return found

    async def role(self, deadline_s: float) -> Reading[Role]:
        """Read whether it is the active member of its pair; nothing is changed."""
        return await self._call(lambda console: self._member.role(self._dialogue, console), deadline_s)

    async def sync(self, deadline_s: float) -> Reading[Sync]:
        """Read whether it is in sync with the other members; nothing is changed."""
        return await self._call(lambda console: self._member.sync(self._dialogue, console), deadline_s)

    async def state(self, conduits: tuple[str, ...], deadline_s: float) -> Reading[PointState]:
        """Read what the device shows now."""

        def work(console: Speaks) -> _Came:
            look = self._dialogue.whole_look(console, conduits)
            self._saw(look)
            why = self._doubt or self._not_flushed(look.seen) or self._viewer.confirmed(look.seen)
            return _Came(self._viewer.state(look.seen), why)

        found = await self._call(work, deadline_s)
        value = None if found.value is None else found.value.state
        return replace(_without_value(found), value=value, why=found.why if found.value is None else found.value.why)

    def _saw(self, look: Look) -> None:
        """Compare the device's clock with what it told before; a restore by no run needs no clock."""
        if self._run is not None:
            self._doubt = self._end.saw(look.read)

    def _not_flushed(self, shown: dict[str, Shown]) -> str:
        found = [name for name, state in shown.items() if state.isolating and name in self._unflushed]
        return f"open connections across {', '.join(found)} were not ended" if found else ""

    async def configuration(self, deadline_s: float) -> Reading[Configuration]:
        """Read the configuration in the parts that the recipe names, for the comparison before and after."""

        def work(console: Speaks) -> Configuration:
            raw = {part.part: self._part(console, part.ask, part.whole) for part in self._recipe.configuration}
            if SAVED not in raw and self._recipe.after_restart == "stays" and raw:
                # Such a device saves what it is told by itself: what runs is what a restart loads.
                raw[SAVED] = next(iter(raw.values()))
            # Of what is saved, no run's is in its place there.
            ours = {
                part: islandmode_lines(self._recipe, self._at, text, None if part == SAVED else self._run)
                for part, text in raw.items()
            }
            with_ours = (SAVED,) if ours.get(SAVED) else ()
            return Configuration(self._texts.taken_in(raw), self._texts.taken_in(ours), with_ours)

        return await self._call(work, deadline_s)

    def _part(self, console: Speaks, ask: str, whole: str) -> str:
        text = self._dialogue.answers(console, (ask,))[ask]
        if not compiled(whole).search(text):
            raise DeviceTrouble(f'the answer to "{ask}" is not whole')
        return text

    async def ready(self, deadline_s: float) -> Reading[None]:
        """Open the session that a restore will use, and try it; nothing is changed."""
        return await self._sessions.ready(self._dialogue.try_out, deadline_s)

    async def try_login(self, deadline_s: float) -> Reading[None]:
        """Log in anew, beside every open session, and out again: tells whether that is still possible."""
        return await self._sessions.try_login(self._dialogue.try_out, deadline_s)

    # Steps that write.

    async def arm(self, conduits: tuple[str, ...], for_s: float, deadline_s: float) -> Reading[PointState]:
        """Open the restore session, write what is armed, and return what was read back; traffic still passes."""
        asked_us = self._clock.monotonic_us()
        ready = await self.ready(deadline_s)
        if not ready.done:
            why = f"the restore session could not be opened: {ready.why}"
            return Reading(Outcome.NOT_DONE, None, why, ready.asked_us, ready.answered_us)
        left_s = self._left_s(asked_us, deadline_s)
        reading = await self._change(
            lambda console, write: self._arm(console, conduits, for_s, write), conduits, left_s
        )
        return replace(reading, asked_us=asked_us)

    def _arm(self, console: Speaks, conduits: tuple[str, ...], for_s: float, write: _Write) -> _Came:
        look = self._dialogue.whole_look(console, conduits)
        write.before = look.seen
        if not self._has_armed:
            self._end.begin_anew()
        self._saw(look)
        self._member.take_up(self._viewer, look, for_s)
        self._refuse_to_arm(look.seen)
        self._for_s = for_s
        self._set_end(look, for_s, is_renewed=False)
        self._has_armed = True
        self._try_candidate(console, conduits, write)
        self._send(console, due_lines(self._recipe, "arm", self._at, self._values(), look.seen, conduits), write)
        after = self._read_back(console, conduits)
        viewer = self._viewer
        why = viewer.isolating_without(after)
        if self._recipe.arm:
            why = "; ".join(filter(None, (why, viewer.not_armed(after, self._end.ends))))
        if not why:
            # Nothing waited before, and the device took the line: whatever it calls who began this change is this side.
            self._logins.update(state.owner for state in after.values() if state.owner is not None)
        return _Came(viewer.state(after), why)

    def _try_candidate(self, console: Speaks, conduits: tuple[str, ...], write: _Write) -> None:
        """Where isolating is one commit, see before that the device takes it, and that nothing foreign goes with it."""
        if by_candidate(self._recipe.driver):
            lines = step_lines(self._recipe, "isolate", self._at, self._values(), conduits)
            write.lines.about_to_send(self._able.latest_s)
            try:
                self._dialogue.try_candidate(console, lines)
            except LineRefused as error:
                write.refused = str(error)
                write.lines.answered()
                raise
            write.lines.answered()

    def _refuse_to_arm(self, shown: dict[str, Shown]) -> None:
        """Raise DeviceTrouble where something forbids arming; what stands is left alone."""
        absent = [name for name, state in shown.items() if state.in_place is False]
        if absent:
            raise DeviceTrouble(
                f"the deny for {', '.join(absent)} is not in place; enter it first: islandmode devices provision {self._name}"
            )
        standing = self._viewer.standing(shown, self._end.ends)
        if standing:
            # No run stands on a change that waits: whose it is shows only in that it waited before this run could arm.
            self._is_refused = self._recipe.cycle == "pending" and not self._has_armed
            raise DeviceTrouble(standing)
        if self._doubt:
            raise DeviceTrouble(self._doubt)

    def _set_end(self, look: Look, for_s: float, *, is_renewed: bool) -> None:
        """Compute the end that every line brings from now on, of a clock recipe; once at arm, and once for each renewal."""
        if self._recipe.cycle != "clock":
            return
        if not isinstance(look.read, ClockRead):
            raise DeviceTrouble("the device's own time is not known")
        stands = any(not state.at_rest for state in look.seen.values())
        ends = self._end.ends
        if is_renewed or ends is None or not stands:
            ends = self._end.after(look.read, for_s)
        if is_renewed:
            ends = self._member.renewed_end(self._viewer, look.seen, ends)
        trouble = self._end.trouble(look.read, ends)
        if trouble:
            raise DeviceTrouble(trouble)
        self._end.take(ends)

    async def isolate(self, conduits: tuple[str, ...], deadline_s: float) -> Reading[PointState]:
        """Put armed conduits into isolation and read back; done only when the device shows every one isolating."""
        return await self._change(lambda console, write: self._isolate(console, conduits, write), conduits, deadline_s)

    def _isolate(self, console: Speaks, conduits: tuple[str, ...], write: _Write) -> _Came:
        look = self._running_look(console, conduits, write, is_needed=bool(self._recipe.arm))
        if self._able.arms == "with_isolate" and self._recipe.cycle == "pending":
            self._refuse_a_second(look.seen)
        if self._recipe.cycle == "clock" and self._end.ends is None:
            raise DeviceTrouble("this process did not arm it, so that the end of its timer is not known here")
        values = self._values()
        flush = step_lines(self._recipe, "flush", self._at, values, conduits)
        if flush:
            self._unflushed.update(conduits)
        self._send(console, due_lines(self._recipe, "isolate", self._at, values, look.seen, conduits), write)
        if flush:
            self._send(console, flush[:-1], write)
            # Each line before the last was answered: with the last one nothing is left to be ended.
            self._unflushed.difference_update(conduits)
            self._send(console, flush[-1:], write)
        after = self._read_back(console, conduits)
        state = self._viewer.state(after)
        return _Came(state, self._viewer.open_ones(state, after, self._end.ends))

    def _refuse_a_second(self, shown: dict[str, Shown]) -> None:
        """Raise DeviceTrouble where a change waits or an isolation stands: a further change would take its timer off."""
        standing = self._viewer.standing(shown, None)
        if standing:
            # It stood before this run wrote anything.
            self._is_refused = self._is_refused or not self._has_written
            raise DeviceTrouble(standing)

    async def renew(self, conduits: tuple[str, ...], for_s: float, deadline_s: float) -> Reading[PointState]:
        """Extend running timers; fails on an expired one."""
        return await self._change(
            lambda console, write: self._renew(console, conduits, for_s, write), conduits, deadline_s
        )

    def _renew(self, console: Speaks, conduits: tuple[str, ...], for_s: float, write: _Write) -> _Came:
        look = self._running_look(console, conduits, write, is_needed=True)
        self._for_s = for_s
        # The new end counts from before its first line leaves. An isolate that comes next brings it too, also where this renewal is given up.
        self._set_end(look, for_s, is_renewed=True)
        self._send(console, self._renewing(look.seen, conduits), write)
        after = self._read_back(console, conduits)
        why = self._viewer.not_armed(after, self._end.ends) or self._not_renewed(after, for_s)
        return _Came(self._viewer.state(after), why)

    def _not_renewed(self, shown: dict[str, Shown], for_s: float) -> str:
        """Say which timers run as before, where no end tells it."""
        least_s, _ = self._able.shown_after(for_s)
        if self._recipe.cycle == "clock":
            return ""
        short = {name: state.left_s for name, state in shown.items() if (state.left_s or 0.0) < least_s}
        told = ", ".join(f"{name} reads {left_s or 0.0:.0f} s" for name, left_s in short.items())
        return f"the timer of {told} where {for_s:.0f} s were set" if short else ""

    def _renewing(self, shown: dict[str, Shown], conduits: tuple[str, ...]) -> tuple[Ready, ...]:
        """Write the lines of a renewal: what isolates first, because its timer is the one that ends an isolation too soon.

        A window that is armed is armed anew: `renew` would isolate it.
        """
        if self._recipe.cycle != "clock":
            return due_lines(self._recipe, "renew", self._at, self._values(), shown, conduits)
        isolating = [name for name in conduits if _says(shown[name]) == "isolating"]
        armed = [name for name in conduits if name not in isolating]
        values = self._values()
        return due_lines(self._recipe, "renew", self._at, values, shown, isolating) + due_lines(
            self._recipe, "arm", self._at, values, shown, armed
        )

    def _running_look(self, console: Speaks, conduits: tuple[str, ...], write: _Write, *, is_needed: bool) -> Look:
        """Look before a write that refers to a running timer; DeviceTrouble where this run has none there."""
        look = self._dialogue.whole_look(console, conduits)
        write.before = look.seen
        self._saw(look)
        viewer = self._viewer
        others = [name for name, state in look.seen.items() if viewer.leaves(state)]
        missing = viewer.not_armed(look.seen) if is_needed else ""
        if others or missing or self._doubt:
            raise DeviceTrouble(self._doubt or missing or f"what stands for {', '.join(others)} is another run's")
        return look

    def _send(self, console: Speaks, lines: tuple[Ready, ...], write: _Write) -> None:
        def about_to() -> None:
            write.lines.about_to_send(self._able.latest_s)
            self._has_written = True

        try:
            self._dialogue.send(console, lines, about_to, write.lines.answered, for_s=self._for_s)
        except LineRefused as error:
            write.refused = str(error)
            raise

    def _read_back(self, console: Speaks, conduits: tuple[str, ...]) -> dict[str, Shown]:
        look = self._dialogue.look(console, conduits)
        if look.unread:
            raise Unproven(look.unread)
        self._saw(look)
        self._member.follow(self._viewer, look.seen)
        return look.seen

    async def _change(
        self, work: Callable[[Speaks, _Write], _Came], conduits: tuple[str, ...], deadline_s: float
    ) -> Reading[PointState]:
        """Carry out a step that writes, look where a line of it was refused, and note until when it may act where its end is not heard."""
        began_us, write = self._clock.monotonic_us(), _Write(Lines(self._clock))
        # Beforehand: where this machine has no memory left, nothing could be noted afterwards.
        self._unheard.append(write.lines)
        try:
            found = await self._through(lambda console: work(console, write), deadline_s, write.lines)
            if write.refused:
                reading = await self._looked(write, conduits, self._left_s(began_us, deadline_s))
            else:
                reading = _reading(found)
        finally:
            # Also when the caller was cancelled; no line leaves any more. Where every line was answered, whatever it did is done.
            if not write.lines.give_up():
                self._unheard.remove(write.lines)
            else:
                self._bound(write.lines)
        return replace(reading, asked_us=began_us)

    def _bound(self, lines: Lines) -> None:
        """Say until when lines that were given up may act, where that is known better than when they left."""
        if self._recipe.cycle == "clock":
            lines.until_us = self._end.late_until_us

    async def _through(self, work: Callable[[Speaks], T], deadline_s: float, lines: Lines) -> Reading[T]:
        """Have a step that writes carried out."""
        return await self._sessions.call(work, deadline_s, lines)

    async def _looked(self, write: _Write, conduits: tuple[str, ...], deadline_s: float) -> Reading[PointState]:
        """Look, in a fresh session, at what a step left of which a line was refused."""
        found = await self._call(lambda console: self._dialogue.look(console, conduits), deadline_s)
        look = found.value
        if look is None or look.unread:
            why = found.why if look is None else look.unread
            return replace(
                _without_value(found),
                outcome=Outcome.UNKNOWN,
                why=f"{write.refused}; what that left is not known: {why}",
            )
        if (
            self._recipe.cycle == "pending"
            and write.lines.sent == 1
            and any(state.pending for state in look.seen.values())
        ):
            # The very line that would have armed was refused, so that what waits now began meanwhile, and is another's.
            self._is_refused = self._is_refused or not any(state.pending for state in write.before.values())
        self._saw(look)
        why = write.refused
        if changed(write.before, look.seen):
            why = f"{why}; the lines before it took effect"
        return replace(_without_value(found), outcome=Outcome.NOT_DONE, value=self._viewer.state(look.seen), why=why)

    def _left_s(self, began_us: int, deadline_s: float) -> float:
        return max(0.0, deadline_s - (self._clock.monotonic_us() - began_us) / 1_000_000)

    # Restore.

    async def restore(self, conduits: tuple[str, ...], deadline_s: float) -> Reading[PointState]:
        """Reset the session that could still write, put every window or object to rest, and read that back. Idempotent."""
        return await self._sessions.restore(lambda console: self._taken_back(console, conduits), deadline_s)

    def _taken_back(self, console: Speaks, conduits: tuple[str, ...]) -> PointState:
        """Write what is due, by what the device shows; where it shows nothing that can be read, all of it: what is written is constant.

        It needs neither the run's end nor the device's clock.
        """
        look = self._dialogue.look(console, conduits)
        self._leave_alone(console, look)
        due = [name for name in conduits if self._is_due(name, look.shown[name])]
        if due:
            self._put_to_rest(console, due)
            look = self._dialogue.look(console, conduits)
        if look.unread:
            raise Unproven(look.unread)
        self._saw(look)
        return self._viewer.state(look.seen)

    def _leave_alone(self, console: Speaks, look: Look) -> None:
        """Raise DeviceTrouble where a change waits of which nobody here can tell whose it is: it is neither confirmed nor undone."""
        if look.unread or not self._viewer.another_login(look.seen) or self._is_refused:
            return
        whole = self._dialogue.look(console, [conduit.name for conduit in self._at.conduits])
        who = "" if whole.unread else self._viewer.another_login(whole.seen)
        if who:
            left_s = max(state.left_s or 0.0 for state in whole.seen.values())
            raise DeviceTrouble(
                f"a change of {who} waits on the device, and nothing that a drill isolates stands there; whether the change is this run's cannot "
                f"be told, so it was neither confirmed nor undone. It goes back by itself in {left_s:.0f} s. Ask {who}: the lines to restore by "
                "hand would confirm it"
            )

    def _is_due(self, name: str, shown: Shown | Unread) -> bool:
        if isinstance(shown, Unread):
            return not self._is_refused
        if name in self._restored_last and shown.at_rest:
            # The device refused the lines, and its own clock has ended the isolation: traffic passes, and what is left is told by the
            # comparison of its configuration.
            return False
        return not self._viewer.leaves(shown) and not is_already_so(self._recipe, "restore", shown, planned(0))

    def _put_to_rest(self, console: Speaks, due: Collection[str]) -> None:
        """Write the lines of restore, conduit by conduit; a conduit that was refused comes last the next time, and keeps no other waiting."""
        if self._recipe.cycle == "pending":
            # One change for the whole device: all conduits go back before it is confirmed.
            self._dialogue.send(console, self._resting(due), restores=True)
            return
        for name in sorted(due, key=lambda name: name in self._restored_last):
            try:
                self._dialogue.send(console, self._resting((name,)), restores=True)
            except LineRefused:
                self._restored_last.append(name)
                raise

    def _resting(self, names: Collection[str]) -> tuple[Ready, ...]:
        return step_lines(self._recipe, "restore", self._at, planned(0), names)

    async def close(self) -> None:
        """End all sessions; never changes the device."""
        self._sessions.close()


def _says(shown: Shown) -> str:
    return "" if shown.window is None else shown.window.says


def _without_value(found: Reading[T]) -> Reading[PointState]:
    return Reading(found.outcome, None, found.why, found.asked_us, found.answered_us, found.failed_here)


def _reading(found: Reading[_Came]) -> Reading[PointState]:
    """Tell a step whose every line was answered: done where the look after it shows what was wanted."""
    came = found.value
    if not found.done or came is None:
        return _without_value(found)
    outcome = Outcome.NOT_DONE if came.why else Outcome.DONE
    return replace(_without_value(found), outcome=outcome, value=came.state, why=came.why)
