"""A kit: a worker that a person carries to a host, starts there by hand, and brings back with what it saw. Standard library only.

    python3 worker.pyz kit

Beside the program lies `schedule.json`, with what to ask and from when to when, in UTC. Samples go into the folder `spool` beside it,
under no key: nobody gave it one that the person who carries it does not have. It says what each probe sees, whenever that changes.
"""

from __future__ import annotations

import asyncio
import calendar
import json
import os
import signal
import sys
import time
from typing import Any, NoReturn

from islandmode.core.text import how_many
from islandmode.observe import worker
from islandmode.observe.looks import LOOKS
from islandmode.observe.own_clocks import OwnClocks
from islandmode.observe.spooling import RESERVE_MAX_BYTES, Spool

SCHEDULE, SPOOL = "schedule.json", "spool"
UTC = "%Y-%m-%dT%H:%M:%SZ"
FORMAT = 1
NOT_KEPT = (
    "This machine's clock is not kept by NTP, so that what it sees will not count. End this with Ctrl-C, let NTP keep the clock "
    "(timedatectl shows it), move the folder spool away, and start again.\n"
)


class ToldSpool(Spool):
    """A spool that also tells the person who started it what each probe sees, whenever that changes."""

    def __init__(self, folder: str, schedule: dict[str, Any], reserve_bytes: int) -> None:
        """Have told nothing yet."""
        super().__init__(folder, schedule, None, reserve_bytes)
        self._told: dict[str, str] = {}

    def add(self, sample: dict[str, Any]) -> None:
        """Write a sample down, and tell it where it is news."""
        super().add(sample)
        probe, seen = sample["probe"], sample["seen"]
        if self._told.get(probe) != seen:
            self._told[probe] = seen
            why = " (%s)" % sample["why"] if sample["why"] else ""
            tell("%s  %s: %s%s\n" % (utc(time.time()), probe, seen, why))


def run(folder: str) -> None:
    """Do what the schedule in a folder says, until its end or Ctrl-C."""
    schedule = read_schedule(os.path.join(folder, SCHEDULE))
    begin_s, end_s = moment(schedule["begin"]), moment(schedule["end"])
    if time.time() >= end_s:
        refuse("its schedule ended at %s and it is %s here; have another kit written" % (utc(end_s), utc(time.time())))
    spool = os.path.join(folder, SPOOL)
    if os.path.isdir(spool) and os.listdir(spool):
        refuse("it was started before, and what it saw then is in %s; bring that back, or move it away" % spool)
    os.umask(0o027)
    try:
        os.makedirs(spool, exist_ok=True)
    except OSError as error:
        refuse("%s cannot be made (%s)" % (spool, error.strerror))
    # A window that is closed ends no worker.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    waited(begin_s)
    schedule["end_after_s"] = end_s - time.time()
    worker.refuse_without_room(spool, schedule)
    clocks = OwnClocks(spool, schedule)
    begun(schedule, clocks.read())
    told = ToldSpool(spool, schedule, min(worker.needed_bytes(schedule), RESERVE_MAX_BYTES))
    asyncio.run(worker.sample_into(told, schedule, spool, LOOKS, clocks))
    tell("%s  ended. Bring the whole folder back: %s\n" % (utc(time.time()), folder))


def begun(schedule: dict[str, Any], kept: tuple[str, int]) -> None:
    """Say what is done, and whether it will count."""
    probes = how_many(len(schedule["probes"]), "probe")
    tell("Watching %s of drill %s from %s" % (probes, schedule["drill"], schedule["vantage"]))
    tell(" until %s. Leave this running; Ctrl-C ends it.\n" % utc(moment(schedule["end"])))
    how, error_us = kept
    tell("This machine's clock is kept by NTP, to %d ms.\n" % (error_us // 1000 + 1) if how == "yes" else NOT_KEPT)


def waited(begin_s: float) -> None:
    """Wait until a moment."""
    if time.time() < begin_s:
        tell("Waiting until %s. Leave this running.\n" % utc(begin_s))
    try:
        while time.time() < begin_s:
            time.sleep(min(begin_s - time.time(), 1.0))
    except KeyboardInterrupt:
        sys.exit("ended before it began; nothing was sampled")


def read_schedule(path: str) -> dict[str, Any]:
    """Read the schedule, and make every look once, so that a bad probe is refused before anybody leaves."""
    try:
        with open(path, encoding="utf-8") as file:
            schedule: dict[str, Any] = json.load(file)
        if schedule["v"] != FORMAT:
            refuse("its schedule was written by another version")
        for probe in schedule["probes"].values():
            LOOKS[probe["kind"]](probe)
        str(schedule["run"]), str(schedule["vantage"]), str(schedule["drill"]), float(schedule["sample_every_s"])
        moment(schedule["begin"]), moment(schedule["end"])
    except OSError as error:
        refuse("%s cannot be read (%s); start it in the folder that was given to you" % (path, error.strerror))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        refuse("%s is not a schedule of a kit; have another kit written" % path)
    return schedule


def moment(text: str) -> float:
    """Read a moment of UTC."""
    return float(calendar.timegm(time.strptime(text, UTC)))


def utc(at_s: float) -> str:
    """Write a moment of UTC for people."""
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(at_s))


def refuse(why: str) -> NoReturn:
    """Say why nothing is done."""
    sys.exit("refused: %s" % why)


def tell(text: str) -> None:
    """Tell the person who started it; a terminal that is gone ends no worker."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError:
        return
