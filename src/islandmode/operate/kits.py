"""Kits: what a person carries to a host that nobody logs in to."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from islandmode.core.errors import InputError
from islandmode.core.plan import Plan
from islandmode.core.problem import listed
from islandmode.core.spool_rows import SAMPLE_BYTES, SPOOL_MAX_BYTES
from islandmode.observe import kit
from islandmode.observe.far_program import far_program
from islandmode.operate.plan import plan_of
from islandmode.store.catalog import Loaded
from islandmode.system import modes
from islandmode.system.clock import MachineClock

PROGRAM, TO_READ = "worker.pyz", "README.txt"
READ = """\
This folder watches, for a drill, what can be reached from where it is.

  drill     {drill} at {site}
  vantage   {vantage}, with the address {address}
  from      {begin}
  until     {end}

It needs a Linux machine with that address, Python 3.9 or newer, and a clock that NTP keeps (timedatectl says "System clock
synchronized: yes"). It changes nothing on that machine and writes into this folder only.

1. Before the drill begins, in this folder:   python3 worker.pyz kit
2. It lists what it sees. Each of these must be good before the drill begins; say so to the drill's lead:
     {probes}
   While the plant is isolated some of them turn bad. That is what the drill is for.
3. Leave it running until the lead says that the drill is over. Ctrl-C ends it.
4. Bring this whole folder back to the operations host. There:   islandmode collect RUN --from FOLDER

Nobody but you can say that these samples were made here and then: keep the folder with you.
"""


@dataclass(frozen=True)
class Kit:
    """A kit that was written."""

    plan: Plan
    vantage: str
    begin_us: int
    end_us: int

    @property
    def probes(self) -> tuple[str, ...]:
        """Name its probes."""
        return tuple(name for name, planned in self.plan.probes.items() if planned.probe.vantage == self.vantage)

    @property
    def told(self) -> str:
        """Say from when to when it samples."""
        return f"from {_utc(self.begin_us)} until {_utc(self.end_us)}"

    def schedule(self) -> str:
        """Give what its worker reads (observe/kit.py)."""
        drill = self.plan.drill
        told = {
            "v": kit.FORMAT,
            "run": self.plan.kit_run,
            "vantage": self.vantage,
            "drill": drill.drill,
            "site": drill.site,
            "drill_digest": self.plan.drill_digest,
            "plan_digest": self.plan.plan_digest,
            "begin": _utc(self.begin_us),
            "end": _utc(self.end_us),
            "sample_every_s": drill.sample_every,
            "probes": {
                name: self.plan.probes[name].probe.model_dump(mode="json", by_alias=True) for name in self.probes
            },
        }
        return json.dumps(told, indent=2) + "\n"

    def to_read(self) -> str:
        """Say to the person who carries it what to do."""
        drill, vantage = self.plan.drill, self.plan.vantages[self.vantage]
        return READ.format(
            drill=drill.drill,
            site=drill.site,
            vantage=self.vantage,
            address=listed(map(str, vantage.address)),
            begin=_utc(self.begin_us),
            end=_utc(self.end_us),
            probes="\n     ".join(self.probes),
        )


def make_kit(workspace: Path, vantage: str, drill: str, span: tuple[str | None, str], to: Path) -> Kit:
    """Write a kit into a folder; raises `InputError`. `span` is when it begins, now if None, and when it ends, in UTC."""
    loaded, plan = plan_of(workspace, drill)
    _refuse_other(loaded, plan, vantage)
    now_us = MachineClock.of_this_boot().utc_us()
    begin_us = now_us if span[0] is None else _moment("--begin", span[0])
    made = Kit(plan, vantage, begin_us, _moment("--until", span[1]))
    if made.end_us <= max(begin_us, now_us):
        raise InputError(f"The kit would end before it began: {made.told}, and it is {_utc(now_us)}.")
    samples = len(made.probes) * (made.end_us - begin_us) / 1e6 / plan.drill.sample_every
    if samples * SAMPLE_BYTES > SPOOL_MAX_BYTES:
        raise InputError(
            f"A kit that samples {made.told} takes {samples / 1e6:.0f} million samples, and a vantage keeps at most "
            f"{SPOOL_MAX_BYTES / 1e9:.0f} GB, {SPOOL_MAX_BYTES / SAMPLE_BYTES / 1e6:.0f} million; let it end earlier."
        )
    _write(to, made)
    return made


def _refuse_other(loaded: Loaded, plan: Plan, vantage: str) -> None:
    known = loaded.site.vantages
    if vantage not in known:
        raise InputError(f"There is no vantage {vantage}; known: {listed(sorted(known))}.")
    if not known[vantage].kit:
        sentence = f"The site does not say that a kit is carried to vantage {vantage}; write kit: true under it, in place of ssh."
        raise InputError(sentence, loaded.place("site", ("vantages", vantage)))
    if vantage not in plan.vantages:
        raise InputError(
            f"No probe of drill {plan.drill.drill} asks from vantage {vantage}, so that a kit has nothing to do there."
        )


def _write(to: Path, made: Kit) -> None:
    try:
        if to.exists() and (not to.is_dir() or any(to.iterdir())):
            raise InputError(f"{to} is not empty; name a folder that is new or empty.")
        modes.make_folders(to)
        modes.write_bytes(to / PROGRAM, far_program())
        modes.write_text(to / kit.SCHEDULE, made.schedule())
        modes.write_text(to / TO_READ, made.to_read())
    except OSError as error:
        raise InputError(f"{to} cannot be written ({error.strerror}).") from error


def _moment(option: str, text: str) -> int:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise InputError(f"{option} {text!r} is no moment of UTC; write it as 2027-01-09T18:00Z.")
    return round(found.timestamp() * 1_000_000)


def _utc(at_us: int) -> str:
    return datetime.fromtimestamp(at_us // 1_000_000, UTC).strftime(kit.UTC)
