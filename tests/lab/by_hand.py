"""Riverside whose remote access is isolated by a person: the lab's own cable, pulled and put back for real by who plays that person."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from islandmode.rehearse.lab import Lab
from tests.lab.drills import make_workspace, newest_run
from tests.lab.rogue.bypass import in_node
from tests.patience import LONG_PATIENCE_S

POINT, CONDUIT, PERSON, DRILL = "vendor-plug", "remote-access", "R. Ortiz", "by-hand"
PLUG = f"""
  {POINT}:
    platform: manual
    isolates: {CONDUIT}
    by_hand:
      where: Cabinet 4, filler hall
      covers: [forward, to_device, vpn]
      lines:
        {CONDUIT}:
          isolate: Pull the cable labelled VENDOR.
          restore: Put the cable labelled VENDOR into port 2.
          looks: [{{look: the lamp above port 2, must_show: green, otherwise: Press the plug in until it clicks.}}]
      last_resort: Call the network team.
      person: {{name: {PERSON}, position: "shift lead, line 3", reached: radio channel 4}}
      answers_within: WITHIN s
      accept_no_timer: {{accepted_by: "M. Keller, plant manager"}}
"""
DRILL_TEXT = f"""
drill: {DRILL}
site: riverside
service: {{name: Line 3 filling, target: ">= 40 bottles/min"}}
stages:
  - {{name: vendors, isolate: [{CONDUIT}], hold: HOLD}}
  - {{name: office, isolate: [corporate-line3], hold: 2 s}}
limits: {{isolate_within: 2 min, restore_within: 2 min, dead_man: 5 min, longest_ot_gap: 1 s, undo_tier: D}}
sample_every: 100 ms
continuity: [plc-filler, hmi-line3]
severed: [vendor-to-hmi, vendor-to-hmi-v6, line3-to-vendor, line3-to-vendor-v6, vendor-canary, office-to-plc, office-to-plc-v6, line3-to-erp, line3-to-erp-v6, office-canary]
abort_when: [{{probe: plc-filler, bad_for: 2 s}}]
left_open:
  - {{conduit: dmz-line3, accepted_by: "R. Ortiz, plant manager"}}
"""
Act = Callable[["Person", dict[str, Any]], None]


@dataclass(frozen=True)
class Cable:
    """A cable of a lab: what a person is asked for by its name in the site, and what is pulled out of a node."""

    point: str = POINT
    node: str = "fw"
    interface: str = "eth2"

    def put(self, lab: Lab, state: str) -> None:
        """Pull it out, or put it back; IPv6 addresses stay on the interface, as on a real device."""
        in_node(lab, self.node, "sysctl", "-qw", f"net.ipv6.conf.{self.interface}.keep_addr_on_down=1")
        in_node(lab, self.node, "ip", "link", "set", self.interface, state)


VENDORS_CABLE = Cable()


def plug_site(text: str, within_s: int) -> str:
    """Take the vendors' conduit from the firewall, and give it to a person."""
    text = text.replace("isolates: [remote-access, corporate-dmz,", "isolates: [corporate-dmz,")
    return text.replace("\n# Places to look from.", f"{PLUG.replace('WITHIN', str(within_s))}\n# Places to look from.")


def workspace_of(folder: Path, lab: Lab, hold: str = "3 s", within_s: int = 20) -> Path:
    """Make the workspace with the drill."""
    made = make_workspace(folder, lab.state_dir, {"inventory/riverside.yaml": partial(plug_site, within_s=within_s)})
    (made / "drills" / f"{DRILL}.yaml").write_text(DRILL_TEXT.replace("HOLD", hold), encoding="utf-8")
    return made


@dataclass
class Person:
    """Who stands at the cabinet: hears what is asked as the run's journals have it, and acts by the lab's own cable and the real command."""

    lab: Lab
    workspace: Path
    acts: Mapping[str, Act]
    """What this person does when asked, by what is asked; they do nothing else."""
    cable: Cable = VENDORS_CABLE
    said: list[str] = field(default_factory=list)
    """What each confirmation was answered with."""
    _heard: set[str] = field(default_factory=set)

    def pull(self) -> None:
        """Pull the cable out."""
        self.cable.put(self.lab, "down")

    def push(self) -> None:
        """Put the cable back."""
        self.cable.put(self.lab, "up")

    def confirm(self, *more: str, person: str = PERSON) -> int:
        """Say that it is done, through the real command."""
        run = newest_run(self.workspace)
        assert run is not None
        done = command(self.workspace, "confirm", run.name, *(more or (self.cable.point,)), "--person", person)
        self.said.append(done.stdout + done.stderr)
        return done.returncode

    def look(self) -> None:
        """Hear what is asked, and act once on each ask."""
        for ask in asks(self.workspace):
            if ask["ask"] not in self._heard:
                self._heard.add(ask["ask"])
                self.acts.get(ask["act"], nothing)(self, ask)


def nothing(_person: Person, _ask: dict[str, Any]) -> None:
    """Do nothing and say nothing."""


def there(person: Person, _ask: dict[str, Any]) -> None:
    """Say that they are there."""
    person.confirm()


def pulls(person: Person, _ask: dict[str, Any]) -> None:
    """Pull the cable, and say so."""
    person.pull()
    person.confirm()


def pushes(person: Person, _ask: dict[str, Any]) -> None:
    """Put the cable back; nobody needs to be told."""
    person.push()


GOOD: dict[str, Act] = {"be there": there, "isolate": pulls, "restore": pushes}


def asks(workspace: Path) -> list[dict[str, Any]]:
    """Give everything that the newest run's processes asked for."""
    run = newest_run(workspace)
    found: list[dict[str, Any]] = []
    for writer in ("conductor", "guardian"):
        path = run / "journals" / f"{writer}.jsonl" if run is not None else None
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True) if path is not None and path.exists() else []
        records = (json.loads(line) for line in lines if line.endswith("\n"))
        found += [record["data"] for record in records if record["kind"] == "hand.asked"]
    return found


def command(workspace: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Type a command of Islandmode's in a workspace."""
    argv = [sys.executable, "-m", "islandmode", *words]
    return subprocess.run(argv, cwd=workspace, capture_output=True, text=True, check=False, timeout=LONG_PATIENCE_S)


@contextmanager
def at_the_cabinet(
    lab: Lab, workspace: Path, acts: Mapping[str, Act], cable: Cable = VENDORS_CABLE
) -> Iterator[Person]:
    """Have a person at the cabinet; afterwards the cable is in, whatever became of the drill."""
    person, over = Person(lab, workspace, acts, cable), threading.Event()

    def stand() -> None:
        while not over.is_set():
            person.look()
            time.sleep(0.05)

    thread = threading.Thread(target=stand, daemon=True)
    thread.start()
    try:
        yield person
    finally:
        over.set()
        thread.join(LONG_PATIENCE_S)
        cable.put(lab, "up")
