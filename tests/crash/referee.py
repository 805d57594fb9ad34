"""A referee that shares no code with the product: whether plant traffic passes, and what stands on the firewall.

It opens fresh TCP connections ten times a second from given places, over each conduit, and reads `nft list ruleset` on every
firewall five times a second. It knows nothing of how anything is isolated: a connection that is made passes, one that is
not has stopped, and whatever stands in the ruleset that was not there at the start is not the site's.
"""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Self

PATIENCE_S = 90.0
"""As every test waits for what must appear (tests/patience.py): this program imports nothing of this project."""
ANSWER_S = 0.9
"""A first SYN that was dropped is sent again after a second; what answers sooner got through when it was sent."""
NOISE = 2
"""So many samples in a row must fail before anything counts as stopped: a busy machine is late now and then."""

LOOK_THROUGH = r"""
import json, select, socket, struct, sys, time
targets = json.loads(sys.argv[1])
pending = {}
due = time.monotonic()
while True:
    now = time.monotonic()
    if now >= due:
        due = max(due + 0.1, now)
        for name, host, port in targets:
            one = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
            one.setblocking(False)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            one.connect_ex((host, port))
            pending[one] = (name, time.monotonic())
    said, ready, _ = select.select([0], list(pending), [], max(due - time.monotonic(), 0))
    if said and not sys.stdin.buffer.read1(1):
        break
    for one in list(pending):
        name, begun = pending[one]
        late = time.monotonic() - begun > ANSWER_S
        if one in ready or late:
            passed = one in ready and one.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
            print(json.dumps([name, begun, passed]), flush=True)
            del pending[one]
            one.close()
""".replace("ANSWER_S", str(ANSWER_S))

LOOK_AT_RULES = r"""
import json, select, subprocess, sys, time
while True:
    begun = time.monotonic()
    done = subprocess.run(["nft", "list", "ruleset"], capture_output=True, text=True)
    print(json.dumps([begun, done.stdout if done.returncode == 0 else None]), flush=True)
    if select.select([0], [], [], 0.2)[0] and not sys.stdin.buffer.read1(1):
        break
"""


@dataclass(frozen=True)
class Flow:
    """A TCP connection that the site permits, over one conduit; `enter` is the argv that leads to where it begins."""

    conduit: str
    enter: tuple[str, ...]
    host: str
    port: int

    @property
    def name(self) -> str:
        """Name it by its conduit and its end."""
        return f"{self.conduit} {self.host}"


@dataclass(frozen=True)
class Spell:
    """A time in which a flow did not pass; `until_s` is None when it did not pass again."""

    flow: str
    from_s: float
    until_s: float | None


@dataclass
class Referee:
    """Looks until it is told to stop; times are this machine's monotonic seconds."""

    flows: Sequence[Flow]
    firewalls: Mapping[str, tuple[str, ...]]
    """Of each firewall by its name: the argv that leads to it."""
    samples: dict[str, list[tuple[float, bool]]] = field(default_factory=dict)
    rules: dict[str, list[tuple[float, str | None]]] = field(default_factory=dict)
    _children: list[subprocess.Popen[bytes]] = field(default_factory=list)
    _readers: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Self:
        """Begin to look; returns when every flow was seen to pass, and what stands on the firewall before anything is done there."""
        self.samples = {flow.name: [] for flow in self.flows}
        for enter in sorted({flow.enter for flow in self.flows}):
            targets = [[one.name, one.host, one.port] for one in self.flows if one.enter == enter]
            self._start((*enter, "python3", "-c", LOOK_THROUGH, json.dumps(targets)), self._keep_sample)
        self.rules = {name: [] for name in self.firewalls}
        for name, enter in self.firewalls.items():
            self._start((*enter, "python3", "-c", LOOK_AT_RULES), partial(self._keep_rules, name))
        try:
            self.wait_passing(PATIENCE_S)
            self._wait_rules(PATIENCE_S)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Stop looking."""
        self.stop()

    def _start(self, argv: tuple[str, ...], keep: Any) -> None:
        child = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        reader = threading.Thread(target=lambda: [keep(json.loads(line)) for line in child.stdout or ()], daemon=True)
        reader.start()
        self._children.append(child)
        self._readers.append(reader)

    def _keep_sample(self, told: tuple[str, float, bool]) -> None:
        name, begun_s, passed = told
        self.samples[name].append((begun_s, passed))

    def _keep_rules(self, firewall: str, told: tuple[float, str | None]) -> None:
        self.rules[firewall].append((told[0], told[1]))

    def stop(self) -> None:
        """End everything that looks; what is under way is waited for."""
        for child in self._children:
            if child.stdin is not None:
                child.stdin.close()
        for child, reader in zip(self._children, self._readers, strict=True):
            child.wait(timeout=PATIENCE_S)
            reader.join(timeout=PATIENCE_S)
            if child.stdout is not None:
                child.stdout.close()
        self._children, self._readers = [], []

    def passes(self, since_s: float = 0.0) -> bool:
        """Tell whether every flow passed in its latest samples, all of them begun after a moment."""
        latest = [sorted(kept)[-NOISE:] for kept in self.samples.values()]
        return all(
            len(kept) == NOISE and all(passed and begun_s > since_s for begun_s, passed in kept) for kept in latest
        )

    def wait_passing(self, longest_s: float) -> bool:
        """Wait until every flow passes; false when that did not come."""
        asked_s = time.monotonic()
        while not self.passes(asked_s):
            if time.monotonic() > asked_s + longest_s:
                return False
            time.sleep(0.05)
        return True

    def _wait_rules(self, longest_s: float) -> None:
        """Wait for the first rulesets: what is read later may already show what a test has done."""
        until_s = time.monotonic() + longest_s
        while not all(self._read(name) for name in self.firewalls) and time.monotonic() < until_s:
            time.sleep(0.05)

    def _read(self, firewall: str) -> list[str]:
        return [text for _, text in self.rules[firewall] if text is not None]

    def has_read_since(self, moment_s: float) -> bool:
        """Tell whether every firewall's ruleset was read after a moment."""
        return all(kept and kept[-1][0] > moment_s for kept in self.rules.values())

    def spells(self) -> tuple[Spell, ...]:
        """List when which flow did not pass."""
        return tuple(spell for name, kept in self.samples.items() for spell in spells_of(name, sorted(kept)))

    def foreign(self) -> Mapping[str, str]:
        """Give the tables that stand on a firewall now and were not there at the start, each by its firewall's name and its own."""
        found: dict[str, str] = {}
        for firewall in self.firewalls:
            read = self._read(firewall)
            before = tables_of(read[0]) if read else {}
            now = tables_of(read[-1]) if read else {}
            found |= {f"{firewall}: {name}": text for name, text in now.items() if name not in before}
        return found


def spells_of(flow: str, kept: Sequence[tuple[float, bool]]) -> Iterator[Spell]:
    """Find the times in which a flow did not pass, single late samples left out."""
    begun: list[float] = []
    for begun_s, passed in kept:
        if not passed:
            begun.append(begun_s)
        elif begun:
            if len(begun) >= NOISE:
                yield Spell(flow, begun[0], begun_s)
            begun = []
    if len(begun) >= NOISE:
        yield Spell(flow, begun[0], None)


def tables_of(ruleset: str) -> dict[str, str]:
    """Take a ruleset apart into its tables, by name."""
    found: dict[str, list[str]] = {}
    name = ""
    for line in ruleset.splitlines():
        if line.startswith("table "):
            name = line.removesuffix("{").strip()
        found.setdefault(name, []).append(line)
    return {one: "\n".join(lines) for one, lines in found.items() if one}
