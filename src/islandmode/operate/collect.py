"""Samples that a person brings after a run was closed: taken as hostile, and added to it (operate/addendum.py)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from islandmode.core import kept_clocks
from islandmode.core.errors import InputError
from islandmode.core.judging.timeline import of_kind
from islandmode.core.records import VantageOffset
from islandmode.core.spool import SEGMENT_MAX_BYTES, SpoolReading, named_in
from islandmode.core.spool_rows import ENDINGS, SPOOL_MAX_BYTES
from islandmode.core.text import cleaned
from islandmode.observe.kept_spool import SEGMENT
from islandmode.observe.kit import SPOOL
from islandmode.observe.own_clocks import CLOCKS
from islandmode.operate.addendum import LOST, Added, Came, Compared, add, begin, has, key_of, open_run, read, trouble
from islandmode.operate.audience import Pages
from islandmode.operate.judge import Evidence
from islandmode.operate.samples import samples_expected
from islandmode.store.addenda import WRITER
from islandmode.system import modes
from islandmode.system.clock import MachineClock
from islandmode.system.machine_state import read_plain

CLOCKS_MAX_BYTES, ENDED_MAX_BYTES = 1 << 20, 20


def collect_from(workspace: Path, run: str, folder: Path, pages: Pages) -> Added:
    """Take what a person brought in a folder, and judge its run anew; raises `InputError`, with nothing written, where it does not fit."""
    directory, evidence = open_run(workspace, run)
    spool = folder / SPOOL if (folder / SPOOL).is_dir() else folder
    vantage = _whose(spool, evidence)
    new = begin(directory, vantage)
    try:
        _copy(spool, new.samples)
        came = Came(_ended(spool), read(new, evidence))
        if why := trouble(came):
            raise InputError(f"{spool} is not taken: {why} Nothing was added.")
        compared = _compared(spool, came.reading, evidence, vantage)
        return add(new, evidence, came, compared, pages, MachineClock.of_this_boot())
    except OSError as error:
        raise InputError(f"{spool} cannot be taken ({error.strerror or error}). Nothing was added.") from error
    finally:
        new.give_up()


def _whose(spool: Path, evidence: Evidence) -> str:
    """Find out of which vantage a spool is, by its first line; raises `InputError` where this run does not miss its samples."""
    try:
        first = next(iter(_segments(spool)), None)
        named = None if first is None else named_in(first.name, read_plain(first, SEGMENT_MAX_BYTES))
    except OSError as error:
        raise InputError(f"{spool} cannot be read ({error.strerror}).") from error
    if named is None:
        raise InputError(
            f"{spool} holds no samples; name the folder of a kit, or a copy of the folder in which a vantage's host keeps its spool."
        )
    run, vantage = (cleaned(name)[:100] for name in named)
    plan = evidence.plan
    if vantage not in plan.vantages or run != samples_expected(plan, evidence.run, vantage).run:
        for_kit = (
            " A kit is for one plan: what changes the drill, the site or its probes needs a new kit."
            if run.startswith("kit-")
            else ""
        )
        raise InputError(f"{spool} is of {run}, vantage {vantage}, and not of a vantage of {evidence.run}.{for_kit}")
    if has(evidence, vantage):
        raise InputError(f"{evidence.run} has the samples of vantage {vantage} already.")
    return vantage


def _segments(spool: Path) -> Iterator[Path]:
    names = sorted(path.name for path in spool.iterdir()) if spool.is_dir() else []
    return (spool / name for name in names if SEGMENT.fullmatch(f"segment {name} 0".encode()))


def _copy(spool: Path, kept: Path) -> None:
    """Keep every segment, within bounds; raises OSError, and `InputError` where it is more than a spool can be."""
    left = SPOOL_MAX_BYTES + SEGMENT_MAX_BYTES
    for path in _segments(spool):
        data = read_plain(path, SEGMENT_MAX_BYTES + 1)
        left -= len(data)
        if len(data) > SEGMENT_MAX_BYTES or left < 0:
            raise InputError(f"{path} is longer than a spool can be. Nothing was added.")
        modes.write_bytes(kept / path.name, data)


def _ended(spool: Path) -> str:
    try:
        told = read_plain(spool / "ended", ENDED_MAX_BYTES).decode("ascii", "replace").strip()
    except OSError:
        return LOST
    return told if told in ENDINGS else LOST


def _compared(spool: Path, reading: SpoolReading, evidence: Evidence, vantage: str) -> Compared:
    """Compare the clocks of its host with the conductor's, by what it wrote down of them."""
    found = _placed(spool, reading, evidence, vantage)
    return Compared(_offsets(found, evidence, vantage), found.why)


def _placed(spool: Path, reading: SpoolReading, evidence: Evidence, vantage: str) -> kept_clocks.Compared:
    plan, records = evidence.plan, [record for record in evidence.records if record.writer != WRITER]
    near = next((name for name, planned in plan.vantages.items() if not planned.far), "")
    measured = [record.data for record in of_kind(records, "vantage.offset", vantage=near, outcome="done")]
    try:
        told = kept_clocks.read_clocks(
            read_plain(spool / CLOCKS, CLOCKS_MAX_BYTES), bytes.fromhex(key_of(evidence, vantage)), reading.last
        )
    except OSError:
        return kept_clocks.Compared({}, {}, "what its clocks said is missing")
    except kept_clocks.NoClocks as odd:
        return kept_clocks.Compared({}, {}, str(odd))
    other = _other_boot(told, evidence, vantage)
    return kept_clocks.Compared({}, {}, other) if other else kept_clocks.compared(told, records, measured)


def _other_boot(told: Sequence[kept_clocks.ClockReading], evidence: Evidence, vantage: str) -> str:
    """Say that its host has restarted since the run measured its clock, or nothing."""
    boots = {
        record.data.get("boot_id")
        for record in of_kind(evidence.records, "vantage.offset", vantage=vantage, outcome="done")
    }
    return "its host restarted since its clock was measured" if boots and {told[-1].boot} != boots else ""


def _offsets(found: kept_clocks.Compared, evidence: Evidence, vantage: str) -> list[VantageOffset]:
    """Give the measurements that the run lacks."""
    if found.why:
        return []
    told: Mapping[str, Mapping[str, Any]] = {"before": found.before, "after": found.after}
    return [
        VantageOffset(vantage=vantage, when=when, outcome="done", why="", by_utc=True, **told[when])
        for when in ("before", "after")
        if not any(of_kind(evidence.records, "vantage.offset", vantage=vantage, when=when, outcome="done"))
    ]
