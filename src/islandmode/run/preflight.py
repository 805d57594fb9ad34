"""Preflight: one login on each isolation point, nothing changed, and every reason to refuse said in one sentence."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import anyio

from islandmode.core import limits
from islandmode.core.device_records import ConfigurationCompared, ConfigurationRead, ConfigurationSince
from islandmode.core.difference import changed_lines, compare_parts, lost_lines, made_anew
from islandmode.core.entry import When
from islandmode.core.errors import Refused
from islandmode.core.go_records import GoReread
from islandmode.core.outcome import Outcome
from islandmode.core.plan import Plan
from islandmode.core.preflight import PreflightFinding, bytes_needed, judge_machine, judge_plan
from islandmode.core.preflight_drift import Drift, drift_of, file_of
from islandmode.core.preflight_firewall import judge_host
from islandmode.core.records import PreflightFound
from islandmode.isolation.incoming import unkeyed
from islandmode.isolation.point import Configuration, IsolationPoint, showing_configuration
from islandmode.isolation.table import comparable, mend_saved
from islandmode.run.closed_look import closings_looked
from islandmode.run.pair_roles import PairRoles
from islandmode.run.point_look import look_at_point
from islandmode.run.run_journal import RunJournal
from islandmode.run.run_place import RunPlace
from islandmode.system.clock import Clock
from islandmode.system.disk import Disk

CONFIGURED = ("running", "saved")
"""What only people and programs write; every other part an interface that goes down may lose."""
SHOWN = 3
"""How many of the lines that changed are said."""
BACK_LOOKS, BACK_EVERY_S = 10, 1.0
"""How often a device whose interface went down is read until all of it is back: a routing daemon takes its time."""


@dataclass(frozen=True)
class _Unkept:
    """Why a configuration was not kept, and whether that is because the device did not answer in time."""

    why: str
    late: bool = False


class Preflight:
    """Reads every isolation point before anything is armed, and again after restore."""

    def __init__(
        self,
        plan: Plan,
        points: Mapping[str, IsolationPoint],
        journal: RunJournal,
        disk: Disk,
        roles: PairRoles,
        clock: Clock,
        place: RunPlace,
    ) -> None:
        """Know where artifacts go, what this machine itself forwards, which command restores and what dry runs read; nothing is read yet."""
        self._earlier = place.earlier
        self._forwards, self._restore, self._roles = place.forwards, place.restore, roles
        self._plan = plan
        self._clock = clock
        self._points = points
        self._journal = journal
        self._disk = disk
        self._directory = place.directory
        self._artifacts = place.directory / "artifacts"
        self._needed_bytes = bytes_needed(plan, limits.sampling_s(plan) + place.waits_s)
        self._before: dict[str, Configuration] = {}
        self._after: dict[str, Configuration] = {}

    async def check(self) -> None:
        """Raise `Refused` with the first reason not to go on; every finding is in the journal."""
        room = judge_machine(free_bytes=self._disk.free_bytes(self._directory), needed_bytes=self._needed_bytes)
        await self._note((*room, *judge_plan(self._plan), *judge_host(self._forwards)))
        findings: dict[str, tuple[PreflightFinding, ...]] = {}

        async def check_point(name: str) -> None:
            point, planned = self._points[name], self._plan.points[name]
            findings[name] = (await look_at_point(name, planned, point, self._plan.zones, self._restore)).findings

        async with anyio.create_task_group() as group:
            for name in self._plan.points:
                group.start_soon(check_point, name)
        await self._note(tuple(finding for name in self._plan.points for finding in findings[name]))
        # Only where every member let this machine in: a second question to one that refused the first could lock the account.
        await self._note(await self._roles.check())
        for name in self._plan.points:
            unkept = await self._keep(name, "before")
            if unkept is not None:
                what = f"{name}: its configuration could not be read and kept before the drill ({unkept.why})"
                raise Refused(f"{what}; nothing was touched.", "late" if unkept.late else "preflight")
        await self._note(tuple([drift.finding async for drift in self._drifted()]))

    async def _drifted(self) -> AsyncIterator[Drift]:
        """Compare every device with what dry runs of this plan read of it, and give those that differ."""
        for name, planned in self._plan.points.items():
            read = self._before.get(name)
            drift = read and drift_of(name, read.parts, self._earlier, comparable(planned), unkeyed)
            if not drift:
                continue
            for part, text in drift.differences.items():
                # The sentence has its first lines: what cannot be written down holds up nobody.
                with suppress(OSError):
                    await self._disk.replace(self._artifacts / file_of(name, part), text.encode())
            differs = tuple(drift.differences)
            since = ConfigurationSince(point=name, dry_run=drift.run, differs=differs, changed=drift.changed)
            await self._journal.append(since)
            if differs:
                yield drift

    async def _note(self, findings: tuple[PreflightFinding, ...]) -> None:
        """Write findings down; raises `Refused` with the first that refuses."""
        for finding in findings:
            found = PreflightFound(code=finding.code, sentence=finding.sentence, refuses=finding.refuses)
            await self._journal.append(found)
        refusing = [finding for finding in findings if finding.refuses]
        if refusing:
            late = all(finding.late for finding in refusing)
            raise Refused(refusing[0].sentence, "late" if late else "preflight")

    async def _keep(self, name: str, when: When) -> _Unkept | None:
        """Read a configuration and write it down; returns why that was not done, or nothing."""
        shows = showing_configuration(self._points[name])
        if shows is None:
            # Nothing can be compared then, and the judge finds no reading, which never passes.
            return None
        reading = await shows.configuration(self._plan.points[name].capabilities.configuration_s)
        parts = reading.value.parts if reading.value is not None else {}
        unkept = ""
        for part, text in parts.items():
            try:
                await self._disk.replace(self._artifacts / f"{name}.{part}.{when}.txt", text.encode())
            except OSError as error:
                unkept = f"{part} could not be written down ({error.strerror})"
                # A disk that hangs would take as long for each of the other parts.
                break
        digests = {part: hashlib.sha256(text.encode()).hexdigest() for part, text in parts.items()}
        why = reading.why or unkept
        await self._journal.append(
            ConfigurationRead(point=name, when=when, outcome=reading.outcome.value, why=why, parts=digests)
        )
        if reading.value is not None:
            kept = self._before if when == "before" else self._after
            kept[name] = reading.value
        if not reading.done:
            return _Unkept(reading.why or "no reason was given", late=reading.outcome is Outcome.UNKNOWN)
        return _Unkept(unkept) if unkept else None

    async def refuse_changed(self) -> None:
        """Read every device again, right before arming; raises `Refused` where it is not in force what preflight read.

        Which rule concerns a conduit cannot be told of every platform. So whatever changed in what is in force ends the run; what changed only in
        the saved configuration is told.
        """
        for name, planned in self._plan.points.items():
            shows, before = showing_configuration(self._points[name]), self._before.get(name)
            if shows is None or before is None:
                continue
            reading = await shows.configuration(planned.capabilities.configuration_s)
            if reading.value is None:
                await self._journal.append(
                    GoReread(point=name, outcome=reading.outcome.value, parts=(), changed=(), ends=True)
                )
                why = f"{name} could not be read again before arming ({reading.why or reading.outcome.value}). Nothing was armed."
                raise Refused(why, "late" if reading.outcome is Outcome.UNKNOWN else "changed")
            found = compare_parts(before.parts, reading.value.parts, comparable(planned))
            ours = any(reading.value.ours.values())
            changed = tuple(line for text in found.values() for line in changed_lines(text))[:SHOWN]
            ends = ours or any(part != "saved" for part in found)
            await self._journal.append(
                GoReread(point=name, outcome=reading.outcome.value, parts=tuple(found), changed=changed, ends=ends)
            )
            if ends:
                what = (
                    f"its {' and '.join(found)} changed ({'; '.join(changed)})"
                    if found
                    else "an Islandmode object is there"
                )
                raise Refused(f"{name} is not as preflight read it: {what}. Nothing was armed.", "changed")

    def _mend(self, name: str, part: str) -> str:
        files = self._after[name].saved_ours
        saved = mend_saved(self._plan.points[name], files) if part == "saved" else ""
        return saved or f"{self._restore} --drill {self._plan.drill.drill}"

    async def _keep_when_back(self, name: str) -> _Unkept | None:
        """Read a configuration after restore; where an interface went down, again until what it had is back, or for long enough."""
        for look in range(BACK_LOOKS):
            unkept = await self._keep(name, "after")
            after = self._after.get(name)
            if unkept is not None or after is None or not self._waits(name, after):
                return unkept
            if look + 1 < BACK_LOOKS:
                await self._clock.sleep(BACK_EVERY_S)
        return None

    def _waits(self, name: str, after: Configuration) -> bool:
        planned = self._plan.points[name]
        if planned.level != "hard":
            return False
        found = compare_parts(self._before[name].parts, after.parts, comparable(planned))
        return any(lost_lines(text)[0] for part, text in found.items() if part not in CONFIGURED)

    async def compare(self) -> dict[str, str]:
        """Read every configuration again and return what differs, as unified diffs by point and part."""
        differences: dict[str, str] = {}
        for name, planned in self._plan.points.items():
            if await self._keep_when_back(name) is not None:
                differences[name] = "The configuration after restore could not be read or written down."
            after = self._after.get(name)
            if after is None:
                continue
            found = compare_parts(self._before[name].parts, after.parts, comparable(planned))
            for part in sorted({*self._before[name].parts, *after.parts}):
                text, ours = found.get(part, ""), after.ours.get(part, "")
                more = self._told(name, part, text, ours) if text else {}
                await self._journal.append(
                    ConfigurationCompared(point=name, part=part, same=not text, ours=bool(ours), **more)
                )
                if text:
                    differences[f"{name} {part}"] = text
        for looked in closings_looked(self._plan, self._before, self._after):
            await self._journal.append(looked)
        return differences

    def _told(self, name: str, part: str, text: str, ours: str) -> dict[str, Any]:
        """Say of a difference what is of Islandmode, what others changed, and what did not come back with an interface."""
        planned = self._plan.points[name]
        able, more = comparable(planned), {}
        if planned.level == "hard" and part not in CONFIGURED:
            lost, text = lost_lines(text)
            more = {"lost": tuple(lost)} if lost else {}
        mend = self._mend(name, part) if ours else ""
        changed, anew = changed_lines(text, ours, able), made_anew(text, able)
        return {"changed": tuple(changed), "anew": tuple(anew), "mend": mend, **more}
