"""What an emulated IOS device shows. ios.py says which of these outputs public reports show, and which are a guess."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from islandmode.core.recipe.words import write_moment
from tests.emulators.ios_config import TimeRange
from tests.emulators.ios_lists import AccessList, Entry
from tests.emulators.ios_state import IosState
from tests.emulators.network import Family

Shows = Callable[[IosState, tuple[str, ...]], str | None]
"""Gives what is shown; None where there is no such thing, so that the line itself is answered as wrong."""
NO_CHANGE = "%No Rollback Confirmed Change pending\n"


def moment_of(device: IosState, *, exact: bool = False) -> str:
    """Write the device's time as it tells it."""
    now = device.clock.local
    exactly = f".{now.microsecond // 1000:03}" if exact else ""
    return f"{now:%H:%M:%S}{exactly} {device.time_zone} {now:%a} {write_moment('%b %e %Y', now)}"


def _version(device: IosState, values: tuple[str, ...]) -> str:
    return (
        f"Cisco IOS Software [IOSXE], Linux Software (X86_64BI_LINUX-ADVENTERPRISEK9-M), Version {device.running.version}.1, "
        f"RELEASE SOFTWARE (fc4)\n\n{device.running.hostname} uptime is {int(device.clock.up_s // 60)} minutes\n"
        f"cisco ISR4331/K9 (1RU) processor with 1795979K/6147K bytes of memory.\nProcessor board ID {device.serials[0]}\n"
    )


def _clock(device: IosState, values: tuple[str, ...]) -> str:
    return f"{'' if device.clock.is_kept else '*'}{moment_of(device, exact=True)}\n"


def _clock_detail(device: IosState, values: tuple[str, ...]) -> str:
    source = "Time source is NTP\n" if device.clock.is_kept else "Time source is hardware calendar\n"
    return _clock(device, values) + source


def _time_ranges(device: IosState, values: tuple[str, ...]) -> str:
    ranges = device.running.time_ranges
    wanted = [ranges[name] for name in values if name in ranges] if values else list(ranges.values())
    return "".join(_time_range(device, found) for found in wanted)


def _time_range(device: IosState, found: TimeRange) -> str:
    shown = "active" if device.is_active(found.name) else "inactive"
    words = found.words()
    lines = [] if device.faults.hides_timer or not words else [words]
    for listed in device.running.lists.values():
        kind = "IP" if listed.family == 4 else "IPv6"
        lines += [f"used in: {kind} ACL entry" for entry in listed.entries if entry.time_range == found.name]
    return f"time-range entry: {found.name} ({shown})\n" + "".join(f"   {line}\n" for line in lines)


def _lists(family: Family) -> Shows:
    def shows(device: IosState, values: tuple[str, ...]) -> str:
        found = [listed for (kind, _), listed in device.running.lists.items() if kind == family]
        wanted = [listed for listed in found if not values or listed.name == values[0]]
        return "".join(_list(device, listed) for listed in wanted)

    return shows


def _list(device: IosState, listed: AccessList) -> str:
    if listed.family == 4:
        lines = [f"{entry.number} {_entry(device, entry)}" for entry in listed.entries]
        return f"Extended IP access list {listed.name}\n" + "".join(f"    {line}\n" for line in lines)
    lines = [f"{_entry(device, entry)} sequence {entry.number}" for entry in listed.entries]
    return f"IPv6 access list {listed.name}\n" + "".join(f"    {line}\n" for line in lines)


def _entry(device: IosState, entry: Entry) -> str:
    shown = ""
    if entry.time_range is not None:
        shown = " (active)" if device.is_active(entry.time_range) else " (inactive)"
    matches = f" ({entry.matches} match{'' if entry.matches == 1 else 'es'})" if entry.matches else ""
    return entry.words(shown) + matches


def _interface(device: IosState, values: tuple[str, ...]) -> str | None:
    found = device.running.interfaces.get(values[0])
    if found is None:
        return None
    going, coming = (found.lists.get((4, way), "not set") for way in ("out", "in"))
    return (
        f"{found.name} is up, line protocol is up\n  Outgoing Common access list is not set\n  Outgoing access list is {going}\n"
        f"  Inbound Common access list is not set\n  Inbound  access list is {coming}\n  Proxy ARP is enabled\n"
    )


def _interface6(device: IosState, values: tuple[str, ...]) -> str | None:
    found = device.running.interfaces.get(values[0])
    if found is None:
        return None
    words = {"in": "Inbound", "out": "Outgoing"}
    bound = [f"  {words[way]} access list {name}\n" for (family, way), name in found.lists.items() if family == 6]
    return f"{found.name} is up, line protocol is up\n  IPv6 is enabled\n{''.join(sorted(bound))}  ND DAD is enabled\n"


def _archive(device: IosState, values: tuple[str, ...]) -> str:
    if device.running.archive_path is None:
        return "Archive feature not enabled\n"
    return (
        "The maximum archive configurations allowed is 10.\nThere are currently 0 archive configurations saved.\n"
        f"The next archive file will be named {device.running.archive_path}-<timestamp>-0\n Archive #  Name\n"
    )


def _timer(device: IosState, values: tuple[str, ...]) -> str:
    timer = device.timer
    if timer is None:
        return NO_CHANGE
    if device.faults.hides_timer:
        return ""
    told = f"{timer.told:%H:%M:%S} {device.time_zone} {timer.told:%a} {write_moment('%b %e %Y', timer.told)}"
    return (
        f"Time configured(or reconfigured): {told}\nTimer type: absolute timer\nTimer value: {timer.minutes} min\n"
        f"User: {timer.user}\n"
    )


def _running(device: IosState, values: tuple[str, ...]) -> str:
    text = device.running.text()
    changed = (
        f"{device.changed:%H:%M:%S} {device.time_zone} {device.changed:%a} {write_moment('%b %e %Y', device.changed)}"
    )
    return (
        f"Building configuration...\n\nCurrent configuration : {len(text)} bytes\n!\n"
        f"! Last configuration change at {changed} by {device.changed_by}\n!\n{text}\n"
    )


def _startup(device: IosState, values: tuple[str, ...]) -> str:
    if device.startup is None:
        return "startup-config is not present\n"
    text = device.startup.text()
    return f"Using {len(text)} out of 33554432 bytes\n!\n{text}\n"


def _lock(device: IosState, values: tuple[str, ...]) -> str:
    locked = device.config_lock
    shown = (
        ("-1", "unknown", "-1", "NO LOCK", "FREE", "unknown", "0", "")
        if locked is None
        else ("3", locked.user, str(locked.line), "EXCLUSIVE", "LOCKED", "EXPOSED", "1", locked.by)
    )
    names = ("Owner PID", "User", "TTY", "Type", "State", "Class", "Count")
    told = "".join(f"{name:<18}: {value}\n" for name, value in zip(names, shown, strict=False))
    return (
        f"Parser Configure Lock\n---------------------\n{told}Pending Requests  : 0\nUser debug info   : {shown[-1]}\n"
    )


def _standby(device: IosState, values: tuple[str, ...]) -> str:
    head = "                     P indicates configured to preempt.\n                     |\nInterface   Grp  Pri P State   Active          Standby         Virtual IP\n"
    ends = {"Active": ("local", "10.1.1.3"), "Standby": ("10.1.1.2", "local")}
    rows = [(number, state, *ends.get(state, ("unknown", "unknown"))) for number, state in enumerate(device.hsrp, 1)]
    return head + "".join(
        f"Gi0/{number:<7} {number:<4} 110 P {state:<7} {active:<15} {standby:<15} 10.1.{number}.1\n"
        for number, state, active, standby in rows
    )


SHOWN: Mapping[str, Shows] = {
    "show version": _version,
    "show clock": _clock,
    "show clock detail": _clock_detail,
    "show time-range": _time_ranges,
    "show time-range NAME": _time_ranges,
    "show ip access-lists": _lists(4),
    "show ip access-lists NAME": _lists(4),
    "show ipv6 access-list": _lists(6),
    "show ipv6 access-list NAME": _lists(6),
    "show ip interface NAME": _interface,
    "show ipv6 interface NAME": _interface6,
    "show archive": _archive,
    "show archive config rollback timer": _timer,
    "show configuration lock": _lock,
    "show standby brief": _standby,
    "show running-config": _running,
    "show startup-config": _startup,
}
NEED_RIGHTS = {
    "show running-config",
    "show startup-config",
    "show archive",
    "show archive config rollback timer",
    "show configuration lock",
}
