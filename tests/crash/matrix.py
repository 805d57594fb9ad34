"""Plays the crash matrix, two labs side by side, and writes the page: python -m tests.crash.matrix [--page FILE] [--keep FOLDER] [WORD ...]

With words, only the rows whose names hold one of them.
"""

from __future__ import annotations

import argparse
import logging
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from islandmode.rehearse.lab import Lab
from islandmode.rehearse.namespaces import backend as namespaces
from islandmode.system.machine_state import VARIABLE
from tests.crash.emulated import play_emulated
from tests.crash.playing import LATE_S, Played, play
from tests.crash.scenarios import Layer, Scenario
from tests.crash.sections import MATRIX, SECTIONS
from tests.shared_lab import TOPOLOGY

LABS = 2
TRIES = 3
"""A drill that refused to begin, or that was restored before its moment, has shown nothing; everything else that is wrong stays wrong."""
COLUMNS = (
    "| what breaks, and when | dead-man | layer | isolated beyond plan | restored | journals | verdict | all as it must be |",
    "|---|---|---|---|---|---|---|---|",
)
HEAD = f"""# Crash matrix

Made by `make crash-matrix`; do not edit. Each row breaks something at one moment of a real drill in the lab, with the
layers that are not to act dead or their timers far away. A referee that shares no code with the product
(`tests/crash/referee.py`) opens TCP connections over every conduit ten times a second, both ways and in both address
families where the plant has both, and reads the ruleset of every firewall that isolates: it alone decides whether, and when, the plant is back.

*Isolated beyond plan* is the time from when the plant should have come back (the fault, or the planned end where the drill
may go on) until every flow passed again. It may never be longer than the dead-man and {LATE_S:g} s. *Layer* is who was seen to
act: the device's own timer where its object still stood when traffic passed again, else the process whose journal saw it restored.
The timer lets traffic pass and leaves an empty object; each row ends with `islandmode restore`, which takes that away.
Where a person restores, the referee first sees for three seconds that nobody else does. A journal may end in a cut-off line,
never in one that cannot be told from a whole one. A run whose conductor died has no
verdict until somebody has restored it, and then one that is never better than inconclusive.

**Other ways to isolate.** Where a section says so, the same referee looks at a plant that is isolated otherwise. *Ansible plays*: the lab's firewall, with
a play that stands still before or behind the task that isolates, so that something dies amid it; after each row no process of a play is left. *A person's
hand*: the vendors' cable is the lab's own, and a program pulls it and puts it back where the person is asked to; what the person takes for that is no
time of the product's. *A pair*: two firewalls with keepalived in a lab of their own (`examples/ashby`), in which a new connection passes where either
member lets it; a killed keepalived leaves its addresses behind, and both members have them. That only one member isolates is planned nowhere and is played to
see that it is called a leak. *A commit that the device takes back*: the lab's firewall through NAPALM and our own driver for nftables; when the device has taken
the commit back nothing of it is left, so that *layer* is the device where nobody lived to restore.

**Emulated.** The rows of the last section isolate three devices in one stage, over real SSH: the lab's firewall, a FortiGate and a router, of which
the last two are emulated (`tests/emulators`), so that these rows say nothing of what a vendor's device does. The row is about the device that it names;
all three must come back. Its referee asks the emulator ten times a second what it would let through. Processes are killed by the device, at the line that the row
names. Where its timer is all that is left, its clock is hastened, and the seconds are the device's own. Such a device goes by whole minutes, so that a timer of
three minutes may be set to four, and may act another minute later: that is the bound of these rows. The rows end when everything passes and stands as before; what a process then still waits for, until no line that was given up can act
any more, takes minutes and is played elsewhere (`make minutes`). Rows that are about a renewal wait for it, for half of the timer, and are played again where the drill was
restored before it because a device answered too late, as one must be on a busy machine.
"""


def play_row(row: Scenario, lab: Lab, folder: Path) -> Played:
    """Play a row on the device that it is about."""
    return (play_emulated if row.recipe else play)(row, lab, folder)


Player = Callable[[Scenario, Lab, Path], Played]


def play_all(rows: Sequence[Scenario], folder: Path, labs: int = LABS, player: Player = play_row) -> dict[str, Played]:
    """Play rows, several at once, each lab one after the other."""
    waiting: queue.SimpleQueue[Scenario] = queue.SimpleQueue()
    for row in rows:
        waiting.put(row)
    played: dict[str, Played] = {}

    def work(number: int) -> None:
        name, state_dir = f"crash-{number}", folder / f"labs-{number}"
        lab = namespaces.up(TOPOLOGY, name=name, state_dir=state_dir)
        try:
            while True:
                row = waiting.get_nowait()
                begun_s = time.monotonic()
                one = played[row.name] = play_again_if_refused(row, lab, folder / f"row-{len(played)}-{number}", player)
                print(
                    f"{'ok  ' if not one.wrong else 'BAD '} {time.monotonic() - begun_s:5.1f} s  {line_of(one)}",
                    flush=True,
                )
                for wrong in one.wrong:
                    print(f"       {wrong}", flush=True)
        except queue.Empty:
            pass
        finally:
            namespaces.down(name, state_dir)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(labs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return played


def play_again_if_refused(row: Scenario, lab: Lab, place: Path, player: Player = play_row) -> Played:
    """Play a row, and again while its moment did not come."""
    one = Played(row)
    for again in range(TRIES):
        again_place = place.with_name(f"{place.name}-{again}")
        again_place.mkdir()
        try:
            one = player(row, lab, again_place)
        except (AssertionError, OSError, subprocess.SubprocessError) as failed:
            # As when a lab of the row's own does not come up: the rows after it are played all the same.
            one = Played(row, wrong=[f"it could not be played: {failed}"])
        one.tries = again + 1
        if not one.refused:
            break
    return one


def line_of(one: Played) -> str:
    """Write a row of the page."""
    told = "yes" if not one.wrong else f"**NO**: {'; '.join(one.wrong)[:160]}".replace("\n", " ").replace("|", "/")
    return (
        f"| {one.scenario.name} | {one.scenario.dead_man_s} s | {one.acted} | {one.beyond_s:.1f} s "
        f"| {'yes' if one.restored else '**NO**'} | {one.journals} | {one.verdict or 'none: the conductor is dead'} | {told} |"
    )


def page(rows: Sequence[Scenario], played: dict[str, Played]) -> str:
    """Write the page: what it all comes to, then every row."""
    done = [played[row.name] for row in rows if row.name in played]
    good = sum(not one.wrong for one in done)
    back = sum(one.restored for one in done)
    again = [row.name for row in rows if row.name in played and played[row.name].tries > 1]
    told = (
        f"**{back} of {len(rows)} restored, and {good} in everything as they must be.** Last played on {datetime.now(UTC).date()} at commit "
        f"{commit()}; {len(again)} rows were shown only by a later try, because the drill before refused to begin or was restored before its moment.\n"
    )
    parts = [HEAD, told, summary(done)]
    for title, section in SECTIONS.items():
        shown = [line_of(played[row.name]) for row in section if row.name in played]
        if shown:
            parts.append("\n".join((f"## {title}\n", *COLUMNS, *shown)) + "\n")
    return "\n".join(parts)


def commit() -> str:
    """Name the commit that was played; a tree with changes of its own says so."""
    asked = ("git", "describe", "--always", "--dirty", "--exclude=*")
    return subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip() or "unknown"


def summary(done: Sequence[Played]) -> str:
    """Say of each layer how often it acted, and the longest that it took."""
    lines = ["| layer that acted | rows | longest isolated beyond plan |", "|---|---|---|"]
    for is_emulated in (False, True):
        for layer in Layer:
            took = [one.beyond_s for one in done if one.acted == layer and bool(one.scenario.recipe) is is_emulated]
            if took:
                lines.append(f"| {layer}{', emulated' if is_emulated else ''} | {len(took)} | {max(took):.1f} s |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Read the command line, play, write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--page", type=Path)
    parser.add_argument("--labs", type=int, default=LABS)
    parser.add_argument("--keep", type=Path, help="folder in which everything that the rows wrote is kept")
    parser.add_argument("words", nargs="*")
    given = parser.parse_args()
    # An emulated device may still answer a process that was killed; asyncio warns of each such answer.
    logging.getLogger("asyncio").setLevel(logging.ERROR)
    rows = [row for row in MATRIX if not given.words or any(word in row.name for word in given.words)]
    with tempfile.TemporaryDirectory(prefix="crash-") as folder:
        os.environ[VARIABLE] = str(Path(folder) / "known")
        if given.keep is not None:
            given.keep.mkdir(parents=True)
        played = play_all(rows, given.keep or Path(folder), given.labs)
    if given.page is not None:
        given.page.write_text(page(rows, played), encoding="utf-8")
    wrong = [row.name for row in rows if row.name not in played or played[row.name].wrong]
    print(f"{len(rows) - len(wrong)} of {len(rows)} rows as they must be.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
