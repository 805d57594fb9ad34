"""The journal: append-only records of a run, one file per writer, chained over the exact bytes.

A line is one JSON object and a newline. `append` returns when its record is durable; appends that wait at the same
time share one fsync, because the file below batches them. After any failure the file is never trusted again. `note`
never waits and never raises: it is for restores, which come before any record.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec

import anyio

from islandmode.core.chain import GENESIS, digest, sum_holds, with_sum
from islandmode.core.errors import Refused
from islandmode.core.record import ARMING, FORMAT, Record, plain
from islandmode.system.clock import Clock
from islandmode.system.disk import AppendFile, Disk
from islandmode.system.redaction import redacted

if TYPE_CHECKING:
    # Every command reads journals, and few write one.
    from islandmode.core.entry import Entry

RESERVE_BYTES = 4 * 1024 * 1024
"""Reserved when a journal is made, so that a disk that fills up in mid-hold does not stop the records of the restore."""
RECORD_S = 5.0
"""How long a record that must be durable is waited for; a disk that takes longer hangs as far as a plant is concerned."""
P = ParamSpec("P")
HOLE, FINISHED = "journal.hole", "run.finished"


FREE_TEXT = frozenset({"why", "sentence", "chain_why", "changed", "anew", "not_json"})
"""Keys of a record's data under which free text stands."""
FIELDS: dict[str, type] = {
    "seq": int,
    "site": str,
    "run": str,
    "writer": str,
    "boot": str,
    "utc_us": int,
    "mono_us": int,
    "kind": str,
    "data": dict,
    "prev": str,
}
"""What a line holds beside its format, and of which type, in the order of `Record`."""


class JournalFailed(Exception):
    """The journal's file failed once; nothing appended since is durable, and nothing will be."""


class Journal:
    """One writer's journal, open for writing."""

    def __init__(self, file: AppendFile, clock: Clock, *, site: str, run: str, writer: str) -> None:
        """Write into an empty file; see `create`."""
        self._file = file
        self._clock = clock
        self._names = (site, run, writer)
        self._previous = GENESIS
        self._records: list[Record] = []
        self._durable = 0
        self._failure: str | None = None

    @classmethod
    async def create(cls, disk: Disk, path: Path, *, site: str, run: str, writer: str, clock: Clock) -> Journal:
        """Create a new journal with its reserve; raises `Refused` when the disk has no room for it."""
        try:
            file = await disk.create(path, RESERVE_BYTES)
        except OSError as error:
            raise Refused(
                f"The journal {path} cannot be made ({error.strerror}); it needs {RESERVE_BYTES // 2**20} MiB of its own "
                "before anything may be isolated. Nothing was touched."
            ) from error
        return cls(file, clock, site=site, run=run, writer=writer)

    @property
    def records(self) -> tuple[Record, ...]:
        """Every record so far, durable or not."""
        return tuple(self._records)

    @property
    def trusted(self) -> bool:
        """Tell whether the file never failed."""
        return self._failure is None

    @property
    def holes(self) -> int:
        """Count the records that a failed file may have lost; none while it is trusted."""
        if self._failure is None:
            return 0
        return sum(record.kind != HOLE for record in self._records[self._durable :])

    async def append(self, entry: Entry) -> Record:
        """Append one record and return when it is durable; raises `JournalFailed` when the disk fails or hangs, and ever after."""
        if self._failure is not None:
            raise JournalFailed(self._failure)
        record, line = self._next(entry.record_kind, entry.data())
        try:
            with anyio.fail_after(RECORD_S):
                await self._file.write_synced(line)
        except TimeoutError as late:
            why = late.strerror or f"the disk did not answer within {RECORD_S:g} s"
            raise JournalFailed(self._fail(why)) from late
        except OSError as error:
            raise JournalFailed(self._fail(error.strerror or str(error))) from error
        # Lines reach the file in order, so everything before this one is durable too.
        self._durable = max(self._durable, record.seq + 1)
        return record

    def note(self, make: Callable[P, Entry], *_: P.args, **said: P.kwargs) -> Record:
        """Keep a record of a model's kind in memory and hand it to the disk; never waits and never raises.

        The model itself is not made, since a restore goes first; the types of the call show that it would take these values.
        """
        return self.keep(str(getattr(make, "record_kind", "")), {name: plain(value) for name, value in said.items()})

    def keep(self, kind: str, data: dict[str, Any]) -> Record:
        """Keep, as `note` does, what is ready to be written."""
        try:
            record, line = self._next(kind, data)
        except (TypeError, ValueError, RecursionError):
            record, line = self._next(kind, {"not_json": ascii(data)})
        except MemoryError:
            self._fail("no memory was left for a record")
            return self._record(kind, {})
        self._file.write_unsynced(line)
        return record

    def _fail(self, why: str) -> str:
        if self._failure is None:
            self._failure = why
            with suppress(MemoryError):
                # This is a line like any other: a disk that was only slow writes on, and then the journal must not look altered.
                self._file.write_unsynced(self._next(HOLE, {"why": why, "lost": self.holes})[1])
        return self._failure

    async def close(self) -> None:
        """Write what is queued, as far as the disk answers, and close."""
        await self._file.close()

    def _next(self, kind: str, data: dict[str, Any]) -> tuple[Record, bytes]:
        record = self._record(kind, data)
        line = encode(record, self._previous)
        self._previous = digest(line)
        self._remember(record)
        return record, line

    def _record(self, kind: str, data: dict[str, Any]) -> Record:
        stamps = (self._clock.boot_id, self._clock.utc_us(), self._clock.monotonic_us())
        return Record(len(self._records), *self._names, *stamps, kind, _without_secrets(data))

    def _remember(self, record: Record) -> None:
        self._records.append(record)


def _without_secrets(data: dict[str, Any]) -> dict[str, Any]:
    """Take the secrets that this process knows out of what people read; names and numbers are for the judge, and stay as they are."""
    return {key: _redacted(value) if key in FREE_TEXT else value for key, value in data.items()}


def _redacted(value: Any) -> Any:
    if isinstance(value, list):
        return [_redacted(item) for item in value]
    return redacted(value) if isinstance(value, str) else value


def encode(record: Record, previous: str) -> bytes:
    """Write a record as its line, naming the line before it."""
    document = {
        "v": FORMAT,
        "site": record.site,
        "run": record.run,
        "writer": record.writer,
        "seq": record.seq,
        "boot": record.boot_id,
        "utc_us": record.utc_us,
        "mono_us": record.monotonic_us,
        "kind": record.kind,
        "data": record.data,
        "prev": previous,
    }
    text = json.dumps(document, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    # What a device says may be no text at all; half a surrogate pair is then written as JSON's own escape.
    return with_sum(text.encode("utf-8", "backslashreplace"))


@dataclass(frozen=True)
class JournalReading:
    """What a journal's bytes say: the records up to the first thing that is wrong, and what that is."""

    records: tuple[Record, ...]
    whole: bool
    why: str = ""
    cut_off: bool = False
    """Whether all that is wrong is the end: nothing yet, or a last line that was never acknowledged."""

    @property
    def complete(self) -> bool:
        """Tell whether nothing is missing at the end either: the run wrote its last record."""
        return self.whole and self.records[-1].kind == FINISHED

    @property
    def believed(self) -> tuple[Record, ...]:
        """Give the records that count in a journal beside the conductor's: in an altered journal only those that name what was armed."""
        intact = self.whole or self.cut_off
        return tuple(record for record in self.records if intact or record.kind in ARMING)


def read_journal(data: bytes) -> JournalReading:
    """Read a journal; tells apart whole, empty, cut off, altered, and written by a newer version. Never raises."""
    if not data:
        return JournalReading((), whole=False, why="The journal is empty.", cut_off=True)
    records: list[Record] = []
    previous = GENESIS
    *lines, rest = data.split(b"\n")
    for number, line in enumerate(lines, 1):
        record, why = _decode(line + b"\n", previous, len(records))
        if record is None:
            return JournalReading(tuple(records), whole=False, why=f"Line {number}: {why}")
        records.append(record)
        previous = digest(line + b"\n")
    if rest:
        why = "The last line is cut off in the middle of a record."
        return JournalReading(tuple(records), whole=False, why=why, cut_off=True)
    return JournalReading(tuple(records), whole=True)


def _decode(line: bytes, previous: str, seq: int) -> tuple[Record | None, str]:
    try:
        document = json.loads(line)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict) or type(document.get("v")) is not int:
        return None, "it is not a record; bytes were altered or lost."
    if document["v"] > FORMAT:
        return None, f"it was written by a newer version (format {document['v']}, this one reads {FORMAT})."
    if not sum_holds(line):
        return None, "its sum does not hold; bytes were altered or lost."
    if any(type(document.get(key)) is not kind for key, kind in FIELDS.items()):
        return None, "it lacks a part of a record, or has one of another type."
    if document["prev"] != previous:
        return None, "the chain is broken; the line before it was altered, or a line was removed or added."
    if document["seq"] != seq:
        return None, f"record {seq} is missing; this line holds record {document['seq']}."
    return Record(*(document[key] for key in FIELDS if key != "prev")), ""
