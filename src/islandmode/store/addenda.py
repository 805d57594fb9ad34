"""The addenda of a run: what a person brought or said after it had ended, each with a record and a verdict of its own.

    addenda/1/journal.jsonl  samples/VANTAGE/  verdict.json  report.html  SHA256SUMS

What the run itself wrote stays as it is, byte for byte. An addendum is made beside its place and moved there whole.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from islandmode.core.chain import GENESIS, digest
from islandmode.core.entry import Entry
from islandmode.core.errors import InputError
from islandmode.core.judging.timeline import last_us
from islandmode.core.record import Record
from islandmode.core.verdict import Verdict, verdict_json
from islandmode.store import rundir
from islandmode.store.journal import encode, read_journal
from islandmode.store.rundir import RunDirectory, names_of, sums_of
from islandmode.system import modes
from islandmode.system.clock import Clock
from islandmode.system.machine_state import read_plain

ADDENDA, JOURNAL, WRITER = rundir.ADDENDA, "journal.jsonl", "addendum"
NEW = ".new"
BEGIN = ("samples.brought", "closed.said", "run.closed")
"""How the record of an addendum may begin."""


@dataclass(frozen=True)
class Addendum:
    """One addendum that is there, with its records."""

    root: Path
    records: tuple[Record, ...]

    @property
    def number(self) -> int:
        """Give its number; the first is 1."""
        return int(self.root.name)

    @property
    def vantage(self) -> str:
        """Name the vantage whose samples were brought; empty where none were."""
        return str(self.records[0].data.get("vantage", ""))

    @property
    def samples(self) -> Path:
        """Give the folder of those samples."""
        return self.root / "samples" / self.vantage


def numbers_of(run: RunDirectory) -> tuple[int, ...]:
    """Give the numbers of a run's addenda, in order; none where they cannot be looked at."""
    try:
        return tuple(sorted(int(name) for name in names_of(run.root / ADDENDA) if name.isdecimal()))
    except OSError:
        return ()


def addenda_of(run: RunDirectory, most: int | None = None) -> tuple[Addendum, ...]:
    """Read the addenda of a run, in order, the first `most` of them; raises `InputError` for one whose record is not whole."""
    return tuple(_read(run.root / ADDENDA / str(number)) for number in numbers_of(run)[:most])


def _read(root: Path) -> Addendum:
    path = root / JOURNAL
    try:
        reading = read_journal(read_plain(path))
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}).") from error
    if not reading.whole or reading.records[0].kind not in BEGIN:
        why = reading.why or "It does not begin with what was brought or said."
        raise InputError(f"{path} is not the record of an addendum. {why}")
    return Addendum(root, reading.records)


def folder_of(run: RunDirectory, number: int) -> RunDirectory:
    """Give an addendum's folder as what has a verdict and a report."""
    return RunDirectory(run.root / ADDENDA / str(number))


def with_brought(records: Sequence[Record], added: Sequence[Addendum]) -> tuple[Record, ...]:
    """Let what was brought stand in a run's records in place of what was not collected; numbered on, at the time of the run's end."""
    brought = {addendum.vantage for addendum in added}
    kept = [record for record in records if not _is_replaced(record, brought)]
    more = [record for addendum in added for record in addendum.records]
    seq, end_us = max((record.seq for record in records), default=-1) + 1, last_us(records)
    return (*kept, *(replace(record, seq=seq + place, monotonic_us=end_us) for place, record in enumerate(more)))


def _is_replaced(record: Record, vantages: set[str]) -> bool:
    is_loss = record.kind in ("collect.result", "vantage.offset") and record.data.get("outcome") != "done"
    return is_loss and record.data.get("vantage") in vantages


@dataclass(frozen=True)
class NewAddendum:
    """An addendum that is being made, in a folder that is not in its place yet."""

    run: RunDirectory
    number: int
    vantage: str

    @classmethod
    def begin(cls, run: RunDirectory, vantage: str = "") -> NewAddendum:
        """Make its folder; raises OSError. What an earlier attempt left is thrown away."""
        made = cls(run, max(numbers_of(run), default=0) + 1, vantage)
        made.give_up()
        modes.make_folders(made.samples if vantage else made.root)
        return made

    @property
    def root(self) -> Path:
        """Give the folder in which it is made."""
        return self.run.root / ADDENDA / f"{self.number}{NEW}"

    @property
    def samples(self) -> Path:
        """Give the folder for the samples."""
        return self.root / "samples" / self.vantage

    def write_records(self, entries: Sequence[Entry], site: str, clock: Clock) -> Addendum:
        """Write its journal, whole; raises OSError."""
        previous, lines, records = GENESIS, list[bytes](), list[Record]()
        for seq, entry in enumerate(entries):
            stamps = (clock.boot_id, clock.utc_us(), clock.monotonic_us())
            records.append(Record(seq, site, self.run.run, WRITER, *stamps, entry.record_kind, entry.data()))
            lines.append(encode(records[-1], previous))
            previous = digest(lines[-1])
        modes.write_bytes(self.root / JOURNAL, b"".join(lines))
        return Addendum(self.root, tuple(records))

    def close(self, verdict: Verdict, report: str) -> Path:
        """Write its verdict, its report and its check sums, and put it into its place; raises OSError."""
        modes.write_text(self.root / rundir.VERDICT, verdict_json(verdict))
        modes.write_text(self.root / rundir.REPORT, report)
        modes.write_text(self.root / rundir.SUMS, sums_of(self.root, {rundir.SUMS}))
        return self.root.rename(self.root.with_name(str(self.number)))

    def give_up(self) -> None:
        """Take away what was made of it."""
        shutil.rmtree(self.root, ignore_errors=True)
