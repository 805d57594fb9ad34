"""Riverside with two more conduits: one on an emulated FortiGate, one on an emulated router, beside those of the lab's real firewall.

To the product all of it is a plant. The emulators are served from the test's process, at sockets that listen on the operations host's
network; so do the hosts behind them, each of which answers only while the device before it lets packets through.
"""

from __future__ import annotations

import ctypes
import os
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from islandmode.core.plan import Plan
from islandmode.core.recipe.place import PointAt, planned_at
from islandmode.core.recipe.preflight import asks_of_needs
from islandmode.core.recipe.steps import RunValues, asks_of, step_lines
from islandmode.operate.plan import plan_of
from islandmode.rehearse.lab import Lab
from tests import begun_again
from tests.core.recipe_plant import recipe, sent
from tests.emulators.clock import DeviceClock
from tests.emulators.fortios import FortiDevice
from tests.emulators.ios import IosDevice
from tests.emulators.network import Family, Zone
from tests.emulators.plant import PASSWORD, USER, firewall, router
from tests.emulators.server import SshServer
from tests.lab.drills import REFUSED, Drill, Ended, end, make_workspace
from tests.lab.guarded import end_quietly, guardian_pid, is_isolated
from tests.lab.on_three_platforms import DRILL
from tests.lab.rogue.bypass import in_node
from tests.lab.test_plant_ground import SITE, as_plant
from tests.patience import LONG_PATIENCE_S, PATIENCE_S

Emulated = FortiDevice | IosDevice
Edit = Callable[[str], str]
Places = Mapping[str, tuple[str, int]]
GATE, ROUTER, FIREWALL = "edge-firewall", "scale-router", "conduit-firewall"
MANAGED: Places = {GATE: ("10.40.0.61", 2261), ROUTER: ("10.40.0.62", 2262)}
METERS, METERS6, SCALE, PORT = "10.60.0.10", "fd10:60::10", "10.61.0.10", 8443
DEAD_MAN_S = 180.0
ZONES = """
  utility: {level: 4, owner: Site services, networks: [10.60.0.0/24, "fd10:60::/64"]}
  weighbridge: {level: 4, owner: Logistics, networks: 10.61.0.0/24}
"""
CONDUITS = f"""
  utility-line3:
    between: [utility, line3]
    owner: OT security
    flows:
      - name: line3-to-meters
        source: [10.40.0.30, "fd10:40::30"]
        destination: [{METERS}, "{METERS6}"]
        service: tcp/{PORT}
        owner: Site services
  weighbridge-line3:
    between: [weighbridge, line3]
    owner: OT security
    flows:
      - {{name: line3-to-weighbridge, source: 10.40.0.30, destination: {SCALE}, service: tcp/{PORT}, owner: Logistics}}
"""
POINTS = f"""
  {GATE}:
    platform: fortios-schedule
    options: {{time_zone: UTC}}
    management: {{address: {MANAGED[GATE][0]}, port: {MANAGED[GATE][1]}, zone: line3}}
    login: {{user: {USER}, password: "file:device-password"}}
    interfaces: {{utility: [port1, port2], line3: port5}}
    isolates: utility-line3
  {ROUTER}:
    platform: ROUTER-RECIPE
    options: ROUTER-OPTIONS
    management: {{address: {MANAGED[ROUTER][0]}, port: {MANAGED[ROUTER][1]}, zone: line3}}
    login: {{user: {USER}, password: "file:device-password"}}
    interfaces: {{weighbridge: port3, line3: port5}}
    isolates: weighbridge-line3
"""
LISTS = "acl_in: OT-IN, acl_out: OT-OUT"
OPTIONS = {
    "ios-time-range": f"{{time_zone: UTC, {LISTS}}}",
    "ios-revert": f'{{{LISTS}}}\n    accept_lost_edits: {{accepted_by: "R. Ortiz, plant manager"}}',
}
PROBES = f"""
probes:
  line3-to-meters: {{kind: tcp, vantage: here, target: {METERS}, port: {PORT}, purpose: The line reads the meters}}
  line3-to-meters-v6: {{kind: tcp, vantage: here, target: "{METERS6}", port: {PORT}, purpose: The line reads the meters over IPv6}}
  line3-to-weighbridge: {{kind: tcp, vantage: here, target: {SCALE}, port: {PORT}, purpose: The line reads the weighbridge}}
"""
DRILL_TEXT = f"""
drill: {DRILL}
site: riverside
service: {{name: Line 3 filling, target: ">= 40 bottles/min"}}
stages:
  - {{name: outside, isolate: [remote-access, utility-line3, weighbridge-line3], hold: HOLD}}
limits: {{isolate_within: 20 s, restore_within: 20 s, dead_man: {DEAD_MAN_S:g} s, longest_ot_gap: 1 s, undo_tier: B}}
sample_every: 100 ms
continuity: [plc-filler, hmi-line3]
severed: [vendor-to-hmi, vendor-to-hmi-v6, line3-to-vendor, line3-to-vendor-v6, vendor-canary, line3-to-meters, line3-to-meters-v6, line3-to-weighbridge]
abort_when: [{{probe: plc-filler, bad_for: 2 s}}]
left_open:
  - {{conduit: corporate-line3, accepted_by: "R. Ortiz, plant manager"}}
  - {{conduit: dmz-line3, accepted_by: "R. Ortiz, plant manager"}}
"""
OPENER = """
import socket, sys
way = socket.socket(fileno=int(sys.argv[1]))
for place in sys.argv[2:]:
    host, port = place.rsplit(" ", 1)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, int(port)), family=family) as made:
        socket.send_fds(way, [b"."], [made.fileno()])
"""
SO_ATTACH_FILTER, SO_DETACH_FILTER = 26, 27
DROPS_ALL = struct.pack("HBBI", 0x06, 0, 0, 0)
"""A filter of one instruction: keep nothing of any packet."""
LOOK_S = 0.02
LOOKS = ("diagnose", "show")
"""How lines of a recipe begin that change no configuration."""


class FarHost:
    """A host behind a device: connections reach it, and packets of those that are open, only while the device lets them through."""

    def __init__(self, listener: socket.socket, lets_through: Callable[[], bool]) -> None:
        self._listener, self._lets_through = listener, lets_through
        self._held: list[socket.socket] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(PATIENCE_S)
        for held in (self._listener, *self._held):
            held.close()

    def _run(self) -> None:
        is_open = True
        while not self._over.is_set():
            if self._lets_through() is not is_open:
                is_open = not is_open
                for each in (self._listener, *self._held):
                    self._let(each, passes=is_open)
            self._serve(is_open=is_open)

    def _serve(self, *, is_open: bool) -> None:
        for ready in select.select([self._listener, *self._held], [], [], LOOK_S)[0]:
            if ready is self._listener:
                come, _ = self._listener.accept()
                self._held.append(come)
                if not is_open:
                    self._let(come, passes=False)
            elif not _hears(ready):
                self._held.remove(ready)
                ready.close()

    @staticmethod
    def _let(each: socket.socket, *, passes: bool) -> None:
        if passes:
            # One that came while nothing passed may have no filter of its own.
            with suppress(OSError):
                each.setsockopt(socket.SOL_SOCKET, SO_DETACH_FILTER, 0)
            return
        code = ctypes.create_string_buffer(DROPS_ALL)
        each.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("@HL", 1, ctypes.addressof(code)))


def _hears(come: socket.socket) -> bool:
    try:
        return bool(come.recv(4096))
    except OSError:
        return False


@dataclass(repr=False)
class PlantOfThree:
    """The workspace, its two emulated devices, and the lab that the rest of it is."""

    lab: Lab
    workspace: Path
    plan: Plan
    devices: Mapping[str, Emulated]
    before: Mapping[str, str] = field(default_factory=dict)
    begun: list[Drill] = field(default_factory=list)

    @property
    def latest_s(self) -> float:
        """How long a line that was given up may act, on the device where that is longest."""
        return max(point.capabilities.latest_s for point in self.plan.points.values())

    def at(self, name: str) -> PointAt:
        """Give a device as the lines of its recipe need it."""
        return planned_at(name, self.plan.points[name])

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run one of our commands on the operations host to its end, however long it waits for a device's last possible moment."""
        argv = (sys.executable, "-m", "islandmode", *words, "--workspace", str(self.workspace))
        enter = self.lab.enter("ops", argv, network_only=True)
        within_s = self.latest_s + LONG_PATIENCE_S
        return subprocess.run(enter, capture_output=True, text=True, check=False, timeout=within_s)

    def drill(self, dies: str = "", *, again: int = begun_again.AT_MOST) -> Drill:
        """Begin a drill in a process of its own on the operations host; `dies` is the moment at which it kills itself."""
        words = (str(self.workspace), self.lab.name, str(self.lab.state_dir), *([dies] if dies else []))
        argv = (sys.executable, "-m", "tests.lab.on_three_platforms", *words)
        settings: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        settings |= {"stdin": subprocess.DEVNULL, "start_new_session": True}
        self.begun.append(Drill(self.lab.enter("ops", argv, network_only=True), again=again, **settings))
        return self.begun[-1]

    def end(self, running: Drill) -> Ended:
        """Wait for a drill, also where its conductor has to wait until a line that it gave up can act no more."""
        while running.wait(self.latest_s + LONG_PATIENCE_S) == REFUSED and running.begins_again(self.workspace):
            pass
        return end(running, self.workspace)

    def leave_nobody(self) -> None:
        """End every process that still has the run: on a plant's ground these would go on long after the test has taken the devices away."""
        with suppress(AssertionError, ProcessLookupError):
            os.kill(guardian_pid(self.workspace), signal.SIGKILL)
        for running in self.begun:
            if running.poll() is None:
                running.kill()
                end_quietly(running)

    def ways(self, name: str) -> dict[str, bool]:
        """Tell for each way across a device's conduit whether it is open."""
        (conduit,) = self.at(name).conduits
        families: tuple[Family, ...] = (4, 6) if conduit.carries(6) else (4,)
        ends = ((conduit.outer_zone, conduit.inner_zone), (conduit.inner_zone, conduit.outer_zone))
        found = [self.devices[name].ways(*way, family) for way in ends for family in families]
        return {way: is_open for each in found for way, is_open in each.items()}

    def isolating(self) -> dict[str, bool]:
        """Tell of each device whether it isolates: the emulated devices by every way, the real firewall by the object on it."""
        emulated = {name: not any(self.ways(name).values()) for name in self.devices}
        return {**emulated, FIREWALL: is_isolated(self.lab)}

    @property
    def is_restored(self) -> bool:
        """Whether every way is open, both emulated configurations are what they were, and no object stands on the firewall."""
        opened = all(all(self.ways(name).values()) for name in self.devices)
        same = all(device.configuration() == self.before[name] for name, device in self.devices.items())
        return opened and same and not is_isolated(self.lab)

    def written(self, name: str) -> list[str]:
        """List what a device received that could change its configuration."""
        return self.devices[name].received(configuring=True)

    def planned_lines(self, name: str, run: str, steps: Sequence[str]) -> list[list[str]]:
        """Give the configuring lines of some steps of a run, for each minute in which its timer may end."""
        known, at = recipe(self.plan.points[name].platform), self.at(name)
        left_out = {"end", "exit"} if isinstance(self.devices[name], IosDevice) else set()
        began = next(line.at for line in self.devices[name].log if line.configures).replace(second=0, microsecond=0)
        found = []
        for minutes in range(5):
            values = RunValues(run, DEAD_MAN_S, began + timedelta(seconds=DEAD_MAN_S, minutes=minutes))
            lines = [line for step in steps for line in sent(step_lines(known, step, at, values))]
            found.append([line for line in lines if line not in left_out and not line.startswith(LOOKS)])
        return found

    def questions(self, name: str) -> set[str]:
        """Give everything that may be asked of a device without changing it, and what a session begins and ends with."""
        known, at = recipe(self.plan.points[name].platform), self.at(name)
        (conduit,) = at.conduits
        reads = (*known.reads.state, *known.reads.counts)
        asks = {ask.send for ask in asks_of(known, reads, at, conduit.name)}
        asks |= {part.ask for part in known.configuration} | set(asks_of_needs(known, at)) | {known.versions.ask}
        asks |= {known.device_time.ask} if known.device_time is not None else set()
        asks |= {known.held.ask} if known.held is not None else set()
        flush = sent(step_lines(known, "flush", at, RunValues("any", DEAD_MAN_S)))
        return asks | {"", "end", "exit", "terminal length 0", "terminal width 511"} | set(flush)


def workspace_of(folder: Path, lab: Lab, *, hold: str, router_recipe: str, edit: Edit) -> Path:
    """Make the workspace of the plant; no word of it says that there is a lab. `edit` changes its site's file."""

    def with_more(text: str) -> str:
        found = as_plant(text)
        points = POINTS.replace("ROUTER-RECIPE", router_recipe).replace("ROUTER-OPTIONS", OPTIONS[router_recipe])
        for head, more in (("\nzones:\n", ZONES), ("\nconduits:\n", CONDUITS), ("\nisolation_points:\n", points)):
            assert found.count(head) == 1
            found = found.replace(head, head + more.removeprefix("\n"))
        return edit(found)

    workspace = make_workspace(folder, lab.state_dir, {SITE: with_more})
    (workspace / ".lab").unlink()
    (workspace / "drills" / f"{DRILL}.yaml").write_text(DRILL_TEXT.replace("HOLD", hold), encoding="utf-8")
    (workspace / "probes" / "emulated.yaml").write_text(PROBES, encoding="utf-8")
    for name, secret in (("firewall-password", lab.secret(FIREWALL)), ("device-password", PASSWORD)):
        (workspace / name).write_text(secret, encoding="ascii")
        (workspace / name).chmod(0o600)
    return workspace


def emulated(name: str, plan: Plan) -> Emulated:
    """Make a device of the plan with its denies at rest, whose clock goes as this machine's does."""
    at = planned_at(name, plan.points[name])
    platform = plan.points[name].platform
    device = firewall(at=at) if platform == "fortios-schedule" else router(platform, at=at)
    device.clock = DeviceClock(datetime.now(UTC).replace(tzinfo=None), follows=time.monotonic)
    (conduit,) = at.conduits
    device.zones = {
        conduit.outer_zone: Zone(conduit.outer_interfaces, conduit.outer_networks),
        conduit.inner_zone: Zone(conduit.inner_interfaces, conduit.inner_networks),
    }
    return device


def listening(lab: Lab, places: Sequence[tuple[str, int]]) -> list[socket.socket]:
    """Open sockets that listen on the operations host's network, for this process."""
    mine, other = socket.socketpair()
    with mine, other:
        argv = (sys.executable, "-c", OPENER, str(other.fileno()), *(f"{host} {port}" for host, port in places))
        enter = lab.enter("ops", argv, network_only=True)
        subprocess.run(enter, check=True, pass_fds=(other.fileno(),), timeout=PATIENCE_S)
        return [socket.socket(fileno=socket.recv_fds(mine, 1, 1)[1][0]) for _ in places]


@contextmanager
def own_addresses(lab: Lab, addresses: Sequence[str]) -> Iterator[None]:
    """Give the operations host the addresses of devices and hosts that are not there, for the length of a test."""
    with ExitStack() as given:
        for address in addresses:
            length, more = (128, ("nodad",)) if ":" in address else (32, ())
            in_node(lab, "ops", "ip", "addr", "add", f"{address}/{length}", "dev", "lo", *more)
            given.callback(in_node, lab, "ops", "ip", "addr", "del", f"{address}/{length}", "dev", "lo")
        yield


@contextmanager
def plant_of_three(
    folder: Path,
    lab: Lab,
    *,
    hold: str = "3 s",
    router_recipe: str = "ios-time-range",
    edit: Edit = str,
    managed: Places = MANAGED,
) -> Iterator[PlantOfThree]:
    """Have the plant for the length of a test; where `managed` names two FortiGates, they form a cluster."""
    workspace = workspace_of(folder, lab, hold=hold, router_recipe=router_recipe, edit=edit)
    _, plan = plan_of(workspace, DRILL)
    devices = {name: emulated(name, plan) for name in managed}
    gates = [device for device in devices.values() if isinstance(device, FortiDevice)]
    for other in gates[1:]:
        gates[0].form_cluster(other)
    line = ("line3", "utility")

    def carrier() -> FortiDevice:
        return next((gate for gate in gates if "primary" in gate.ha_mode), gates[0])

    far: Mapping[tuple[str, int], Callable[[], bool]] = {
        (METERS, PORT): lambda: carrier().passes(*line, 4),
        (METERS6, PORT): lambda: carrier().passes(*line, 6),
        (SCALE, PORT): lambda: devices[ROUTER].passes("line3", "weighbridge", 4),
    }
    places = (*managed.values(), *far)
    with own_addresses(lab, [host for host, _ in places]), ExitStack() as stack:
        sockets = dict(zip(places, listening(lab, places), strict=True))
        servers = [stack.enter_context(SshServer(devices[name], at=sockets[place])) for name, place in managed.items()]
        for place, lets_through in far.items():
            stack.enter_context(FarHost(sockets[place], lets_through))
        known = lab.known_hosts.read_text(encoding="ascii")
        known_hosts = workspace / "inventory" / "known_hosts"
        known_hosts.write_text(known + "".join(server.known_host for server in servers), encoding="ascii")
        before = {name: device.configuration() for name, device in devices.items()}
        plant = PlantOfThree(lab, workspace, plan, devices, before)
        stack.callback(plant.leave_nobody)
        yield plant


def forget_inventory(plant: PlantOfThree) -> None:
    """Lose the folder of the site's files."""
    shutil.rmtree(plant.workspace / "inventory")
