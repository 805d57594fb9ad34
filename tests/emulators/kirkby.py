"""The site of examples/kirkby with an emulated device in it, for the command line: a workspace whose device answers on this machine."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
from collections.abc import Iterable, Mapping
from contextlib import redirect_stdout
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from islandmode.core.recipe.place import PointAt, at_point
from islandmode.core.recipe.reading import refused_by
from islandmode.core.recipe.steps import RunValues, step_lines
from islandmode.operate.provision import provision_of
from islandmode.operate.site_devices import find_device
from islandmode.store import catalog
from islandmode.ui.program import command
from tests.called_here import called_here
from tests.core.recipe_plant import recipe, sent
from tests.emulators.clock import DeviceClock
from tests.emulators.device import Device
from tests.emulators.fortios import FortiDevice
from tests.emulators.ios import IosDevice
from tests.emulators.network import Zone
from tests.emulators.plant import ACCOUNTS, PASSWORD, USER
from tests.emulators.server import SshServer

KIRKBY = Path(__file__).resolve().parents[2] / "examples" / "kirkby"
SITE = "inventory/kirkby.yaml"
OTHER_RUN = "20261126-101500-another"
LONDON = ZoneInfo("Europe/London")
NAMES = {"fortios-schedule": "edge-firewall", "ios-time-range": "vendor-router", "ios-revert": "vendor-router"}
CONDUITS = {"edge-firewall": "corporate-line1", "vendor-router": "vendor-line1"}
LOGIN = f'login: {{user: {USER}, password: "file:keys/password"}}'
ENTRIES = {
    "fortios-schedule": f"""edge-firewall:
  platform: fortios-schedule
  options: {{time_zone: Europe/London}}
  management: {{address: 10.20.0.1, zone: line1}}
  {LOGIN}
  interfaces: {{corporate: port1, line1: port5}}
  isolates: corporate-line1
""",
    "ios-time-range": f"""vendor-router:
  platform: ios-time-range
  options: {{time_zone: Europe/London, acl_in: OT-IN, acl_out: OT-OUT}}
  management: {{address: 10.20.0.2, zone: line1}}
  {LOGIN}
  interfaces: {{vendors: GigabitEthernet0/0, line1: GigabitEthernet0/1}}
  isolates: vendor-line1
""",
    "ios-revert": f"""vendor-router:
  platform: ios-revert
  options: {{acl_in: OT-IN, acl_out: OT-OUT}}
  accept_lost_edits: {{accepted_by: A. Novak}}
  management: {{address: 10.20.0.2, zone: line1}}
  {LOGIN}
  interfaces: {{vendors: GigabitEthernet0/0, line1: GigabitEthernet0/1}}
  isolates: vendor-line1
""",
}
PLANT_ROUTER = (
    *("configure terminal", "ip access-list extended OT-IN", "1000 permit ip any any"),
    *("ip access-list extended OT-OUT", "1000 permit ip any any", "interface GigabitEthernet0/1"),
    *("ip access-group OT-IN in", "ip access-group OT-OUT out", "end"),
)
PLANT_FIREWALL = (
    *("config firewall policy", "edit 1", "set name plant", "set srcintf any", "set dstintf any", "set srcaddr all"),
    *("set dstaddr all", "set srcaddr6 all", "set dstaddr6 all", "set action accept", "set schedule always"),
    *("set service ALL", "next", "end"),
)


def clock() -> DeviceClock:
    """Make a clock that tells the time of London, as this machine has it."""
    began = datetime.now(UTC)

    def passed_s() -> float:
        return (datetime.now(UTC) - began).total_seconds()

    return DeviceClock(began.astimezone(LONDON).replace(tzinfo=None), follows=passed_s)


def zones_of(entry: str) -> Mapping[str, Zone]:
    """Give the zones round a device, by its entry in the site's file."""
    site = catalog.read_sites(KIRKBY)[0]["kirkby"][1]
    point = site.isolation_points[entry.partition(":")[0]]
    return {zone: Zone(names, site.zones[zone].networks) for zone, names in point.interfaces.items()}


def device_of(platform: str, *, archive: bool = True, pages: bool = False) -> Device:
    """Make a device as it comes from the factory, but for the accounts of the tests."""
    zones = zones_of(ENTRIES[platform])
    if platform == "fortios-schedule":
        return FortiDevice("edge-firewall", clock(), zones, ACCOUNTS, pages=pages)
    return IosDevice("vendor-router", clock(), zones, ACCOUNTS, archive=archive)


def served_beside(device: Device) -> SshServer:
    """Serve a second device: no two of a site have one address."""
    return SshServer(device, at=socket.create_server(("127.0.0.2", 0)))


def typed(device: Device, name: str, lines: Iterable[str], user: str | None = None) -> None:
    """Type lines at the device's console, or with the rights of a user: they are not in its log, and none may be refused."""
    session = device.new_session(0, "console") if user is None else device.log_in(user)
    assert session is not None
    for line in lines:
        said = session.answer(line)
        if refused_by(recipe(name), said) is not None:
            raise AssertionError(f"{line}: {said}")


class Kirkby:
    """A workspace with one emulated device."""

    def __init__(self, root: Path, platform: str, server: SshServer, entry: str | None = None) -> None:
        self.root, self.platform, self.server = root, platform, server
        self.name = NAMES[platform]
        shutil.copytree(KIRKBY, root, dirs_exist_ok=True)
        self.describe(ENTRIES[platform] if entry is None else entry)
        keys = root / "keys"
        keys.mkdir(mode=0o700, exist_ok=True)
        (keys / "password").write_text(PASSWORD, encoding="ascii")
        (keys / "password").chmod(0o600)
        self.known_hosts.write_text(server.known_host, encoding="ascii")

    @property
    def known_hosts(self) -> Path:
        """The file of known host keys."""
        return self.root / "inventory" / "known_hosts"

    def describe(self, entry: str) -> None:
        """Write the device's entry into the site's file, with the address at which the emulator answers."""
        path = self.root / SITE
        where = f"{{address: {self.server.host}, port: {self.server.port}, "
        entry = re.sub(r"\{address: 10\.20\.0\.\d, ", where, entry)
        indented = "".join(f"  {line}\n" for line in entry.splitlines())
        found = rf"(?m)^  {self.name}:\n(?:    .*\n)+"
        text, count = re.subn(found, lambda _: indented, path.read_text(encoding="utf-8"))
        assert count == 1
        path.write_text(text, encoding="utf-8")

    def pair_with(self, server: SshServer) -> str:
        """Name a second device beside it, the other member of its pair, which answers at another place; returns its name."""
        other = f"{self.name}-b"
        path = self.root / SITE
        text = path.read_text(encoding="utf-8")
        entry = re.search(rf"(?m)^  {self.name}:\n(?:    .*\n)+", text)
        assert entry is not None
        second = entry[0].replace(f"  {self.name}:", f"  {other}:", 1)
        at = "address: {0.host}, port: {0.port},"
        second = second.replace(at.format(self.server), at.format(server))
        pairs = f"pairs:\n  edge:\n    members: [{self.name}, {other}]\n"
        path.write_text(text.replace(entry[0], entry[0] + second) + pairs, encoding="utf-8")
        with self.known_hosts.open("a", encoding="ascii") as known:
            known.write(server.known_host)
        return other

    def change_site(self, old: str, new: str) -> None:
        """Change a word of the site's file."""
        path = self.root / SITE
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1, old
        path.write_text(text.replace(old, new), encoding="utf-8")

    @property
    def at(self) -> PointAt:
        """The device as its lines need it."""
        found = find_device(self.root, self.name, None)
        between = {conduit: found.site.conduits[conduit].between for conduit in found.point.isolates}
        return at_point(
            found.name, found.point, between, {name: zone.networks for name, zone in found.site.zones.items()}
        )

    def provisioned(self) -> None:
        """Have a person enter what the plant needs, and then what is printed."""
        device = self.server.device
        lines = provision_of(self.root, find_device(self.root, self.name, None)).lines
        typed(device, self.platform, PLANT_FIREWALL if isinstance(device, FortiDevice) else PLANT_ROUTER)
        typed(device, self.platform, lines)
        if isinstance(device, FortiDevice):
            typed(device, self.platform, ("config firewall policy", "move 2 before 1", "move 3 before 1", "end"))
        elif isinstance(device, IosDevice):
            device.save()

    def called(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Call the program, as a person does."""
        return called_here(*words, cwd=self.root)

    def checked(self) -> tuple[int, dict[str, Any]]:
        """Check the device; whatever is found, nothing came that could change it."""
        with redirect_stdout(StringIO()) as said:
            code = command(["devices", "check", self.name, "--json", "--workspace", str(self.root)])
        assert not self.server.device.was_touched
        return code, json.loads(said.getvalue())


def isolated_by(run: str, kirkby: Kirkby, user: str | None = None) -> None:
    """Isolate what the device isolates, for an hour, as a run does; not in the device's log."""
    device = kirkby.server.device
    ends = (device.clock.local + timedelta(hours=1)).replace(second=0, microsecond=0)
    lines = step_lines(recipe(kirkby.platform), "isolate", kirkby.at, RunValues(run, 600.0, ends))
    typed(device, kirkby.platform, sent(lines), user)
