"""`islandmode devices`: the devices of the sites, what each can do, and whether it is ready for a drill."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from islandmode.core.errors import Refused
from islandmode.core.quantities import written
from islandmode.core.text import how_many
from islandmode.operate.provision import Provision, provision_of
from islandmode.operate.site_devices import ListedDevice, find_device, list_devices
from islandmode.operate.trust import NOTHING_WRITTEN, Host, KeyLook, look_at_key, refuse_changed, trust
from islandmode.store import catalog
from islandmode.store.known_hosts import KNOWN_HOSTS
from islandmode.system.own_program import typed_at
from islandmode.ui.as_json import print_as_json, print_json
from islandmode.ui.bench_told import bench_for_machines, bench_sentence, bench_word
from islandmode.ui.name_table import NameTable
from islandmode.ui.plan_text import not_covered

if TYPE_CHECKING:
    from islandmode.operate.check_device import DeviceCheck, MemberCheck

HEAD = (
    "device",
    "site",
    "platform",
    "status",
    "address",
    "isolates",
    "undo tier",
    "longest timer",
    "witness",
    "host key",
    "benched",
)
NOT_CONTACTED = "No device was contacted."
REFUSED = Refused.exit_code
YES = "yes"
HOW_TRIED = {
    "emulated": "They were tried on an emulator and on no device: read them first, and try them on a spare.",
    "untried": "They were tried nowhere that is known here: read them first, and try them on a spare.",
}
REFUSES, ADVICE = "REFUSES", "advice "


def print_devices(workspace: Path, site: str | None, *, as_json: bool) -> int:
    """List the devices of a site, or of every site of the workspace."""
    devices, wrong = list_devices(workspace, site)

    def end() -> int:
        if wrong:
            raise catalog.all_of(wrong)
        return 0

    if as_json:
        return print_as_json(end, devices=[_for_machines(device) for device in devices])
    if devices:
        Console(highlight=False).print(NameTable(HEAD, [_row(device) for device in devices]))
    print(f"{how_many(len(devices), 'isolation point')}. {NOT_CONTACTED}")
    return end()


def _row(listed: ListedDevice) -> tuple[str, ...]:
    device, able, most_s = listed.device, listed.able, listed.timer_most_s
    return (
        device.name,
        device.site.site,
        device.point.platform,
        _status(listed),
        device.known_as if device.point.by_hand is None else "by hand",
        ", ".join(device.point.isolates),
        able.undo_tier if able is not None else "",
        written(most_s) if most_s is not None else "",
        able.witness if able is not None else "",
        _key_told(listed),
        bench_word(listed.benched),
    )


def _status(listed: ListedDevice) -> str:
    """Say how far the device itself was tried, by a record that counts; else how far its platform was."""
    standing = listed.benched.standing
    if standing is not None and standing.counts:
        return f"benched {standing.record.at:%Y-%m-%d}, firmware {standing.record.firmware}"
    return listed.described.tried if listed.described is not None else ""


def _key_told(listed: ListedDevice) -> str:
    if listed.device.point.management is None:
        return ""
    if listed.device.lab_secret:
        return "made by the lab"
    return "known" if listed.keys else "NOT KNOWN"


def _for_machines(listed: ListedDevice) -> dict[str, Any]:
    device, able = listed.device, listed.able
    management = device.point.management
    return {
        "device": device.name,
        "site": device.site.site,
        "platform": device.point.platform,
        "status": "benched"
        if listed.benched.counts
        else listed.described.tried
        if listed.described is not None
        else None,
        "address": None if management is None else str(management.address),
        "port": None if management is None else management.port,
        "zone": None if management is None else management.zone,
        "by_hand": None if device.point.by_hand is None else device.point.by_hand.where,
        "isolates": list(device.point.isolates),
        "undo_tier": able.undo_tier if able is not None else None,
        "longest_timer_s": listed.timer_most_s,
        "witness": able.witness if able is not None else None,
        "of_lab": bool(device.lab_secret),
        "host_keys": [{"kind": key.kind, "fingerprint": key.fingerprint} for key in listed.keys],
        "bench": bench_for_machines(listed.benched),
    }


def trust_device(workspace: Path, name: str, site: str | None, fingerprint: str | None) -> int:
    """Show the host key of a device and write it down, once a person has confirmed its fingerprint."""
    device = find_device(workspace, name, site)
    return trust_host(workspace, device, fingerprint, typed_at(workspace, "devices", "check", name))


def trust_host(workspace: Path, host: Host, fingerprint: str | None, following: str) -> int:
    """Show the key of a host and write it down, once a person has confirmed its fingerprint; `following` is the command for after that."""
    look = look_at_key(workspace, host)
    for number in look.unread:
        print(f"islandmode: {KNOWN_HOSTS}:{number}: this line holds no key, and is left as it is.", file=sys.stderr)
    print(f"{look.device.where} shows {look.shown.kind} {look.shown.fingerprint}. No login was attempted.", flush=True)
    refuse_changed(look)
    if fingerprint is None and look.state == "known":
        print(f"{KNOWN_HOSTS} has this key already. {NOTHING_WRITTEN}")
        return 0
    trust(look, _confirmed(look) if fingerprint is None else fingerprint)
    if look.state == "known":
        print(f"{KNOWN_HOSTS} has this key already. {NOTHING_WRITTEN}")
        return 0
    print(f"Written to {workspace / KNOWN_HOSTS}. Next: `{following}`.")
    return 0


def _confirmed(look: KeyLook) -> str:
    """Ask a person whether that is the fingerprint; raises `Refused` for anything but a plain yes."""
    if not sys.stdin.isatty():
        raise Refused(
            f"Nobody is at a terminal to compare that fingerprint. Read it at the device itself and give it: --fingerprint SHA256:... "
            f"{NOTHING_WRITTEN}"
        )
    print("Compare it with what the device itself says, at its console, and not over the network.")
    try:
        answer = input(f"Is it the same? Type {YES} to trust it: ")
    except EOFError:
        answer = ""
    if answer.strip().lower() != YES:
        raise Refused(f"The key of {look.device.where} was not trusted. {NOTHING_WRITTEN}")
    return look.shown.fingerprint


def _how_tried(found: Provision) -> str:
    return f"The device was {found.benched}." if found.benched else HOW_TRIED.get(found.status, "")


def provision(workspace: Path, name: str, site: str | None) -> int:
    """Print what a person enters on a device once; nothing is sent."""
    found = provision_of(workspace, find_device(workspace, name, site))
    device = found.device
    if not found.lines:
        print(f"{device.name} ({device.point.platform}) needs no lines before a drill. {NOT_CONTACTED}")
    else:
        print(
            f"For a person to enter on {device.where}, once, in this order, under change control. {_how_tried(found)}".rstrip()
        )
        print()
        for line in found.lines:
            print(f"  {line}")
        print()
        print("Their denies are at rest: none acts before a drill writes what it waits for. Nothing was sent.")
    if found.note:
        print(found.note)
    if found.needs:
        print("A drill is refused if the device")
        for need in found.needs:
            print(f"  {need}")
        print("To see whether it is so:")
        for ask in found.asks:
            print(f"  {ask}")
    return 0


def keep_closed(workspace: Path, name: str, site: str | None) -> int:
    """Print the denies without an end that a person enters beside a drill's on the day when it turns real; nothing is sent."""
    found = provision_of(workspace, find_device(workspace, name, site))
    device = found.device
    if not found.closed:
        raise Refused(
            f"{device.name} ({device.point.platform}) has no lines that keep it closed: its recipe says none. Unplug a cable, or close it by "
            f"rules of the site's own. {NOT_CONTACTED}"
        )
    print(
        f"For a person to enter on {device.where}, in this order, on the day when a drill turns real. {_how_tried(found)}".rstrip()
    )
    print()
    for line in found.closed:
        print(f"  {line}")
    print()
    print(
        "THESE DENIES HAVE NO END. No drill, timer or restore of Islandmode takes them back: write down who entered them and when,"
    )
    print("and take them out by hand, by their names or their text. Nothing was sent.")
    if found.note:
        print(found.note)
    return 0


def check(workspace: Path, name: str, site: str | None, *, as_json: bool) -> int:
    """Log in to a device, look whether a drill could use it, and change nothing; exit code 0 or 4."""
    # Only here: logging in brings all that a drill needs.
    from islandmode.operate.check_device import check_device  # noqa: PLC0415 - only where it is needed, as it is slow

    found = check_device(workspace, find_device(workspace, name, site))
    code = 0 if found.is_ready else REFUSED
    if as_json:
        print_json({"exit_code": code, **_check_for_machines(found)})
    else:
        _say_check(found)
    return code


def _say_check(found: DeviceCheck) -> None:
    device, able = found.device, found.planned.capabilities
    version = f": {found.version}" if found.version else ""
    print(f"{device.where} ({device.point.platform}){version}")
    timer = f"timer {written(able.dead_man_min_s)} to {written(able.dead_man_max_s)}"
    if able.timer == "none":
        timer = "no timer: nothing on it restores an isolation by itself"
    print(f"Undo tier {able.undo_tier}, {timer}, witness {able.witness}; isolates {', '.join(device.point.isolates)}.")
    families = " and ".join(f"IPv{family}" for family in able.families)
    left = not_covered(found.planned)
    print(f"It isolates {families}{f', and does not isolate {left}' if left else ''}.")
    if found.clock_ahead_s is not None:
        print(f"Its clock is {abs(found.clock_ahead_s):.0f} s {_way(found.clock_ahead_s)} this machine's.")
    if found.at_rest:
        print(f"At rest: {', '.join(found.at_rest)}.")
    if found.member is not None:
        print(_member_told(found.member))
    print(bench_sentence(found.benched))
    for finding in found.findings:
        print(f"{REFUSES if finding.refuses else ADVICE} {finding.code}: {finding.sentence}")
    if found.rights is not None and (found.rights.broader or found.rights.unread):
        print("The least that the account needs:")
        for line in found.rights.least:
            print(f"  {line}")
    elif found.rights is not None:
        print("As far as the device says, its account may do no more than isolation needs.")
    refusing = sum(finding.refuses for finding in found.findings)
    end = (
        "Ready for a drill"
        if not refusing
        else f"NOT ready for a drill: {how_many(refusing, 'finding')} would refuse it"
    )
    print(f"{end}. Nothing was changed.")


def _member_told(member: MemberCheck) -> str:
    """Say which role a member has and whether it is in sync, in the words of preflight's records."""
    asked = "" if member.role.untold else f" (role: {member.role.role}, sync: {member.sync.sync})"
    who = ", ".join(member.pair.others)
    return f"Member of pair {member.pair.pair}{asked}; {who} was not asked, and preflight asks every member."


def _way(ahead_s: float) -> str:
    return "behind" if ahead_s < 0 else "ahead of"


def _check_for_machines(found: DeviceCheck) -> dict[str, Any]:
    device, rights = found.device, found.rights
    return {
        "device": device.name,
        "site": device.site.site,
        "platform": device.point.platform,
        "version": found.version or None,
        "undo_tier": found.planned.capabilities.undo_tier,
        "families": list(found.planned.capabilities.families),
        "not_isolated": not_covered(found.planned) or None,
        "clock_ahead_s": found.clock_ahead_s,
        "at_rest": list(found.at_rest),
        "pair": _member_for_machines(found.member),
        "ready": found.is_ready,
        "bench": bench_for_machines(found.benched),
        "findings": [
            {"code": finding.code, "refuses": finding.refuses, "sentence": finding.sentence}
            for finding in found.findings
        ],
        "rights": None
        if rights is None
        else {"broader": list(rights.broader), "unread": rights.unread or None, "least": list(rights.least)},
    }


def _member_for_machines(member: MemberCheck | None) -> dict[str, Any] | None:
    if member is None:
        return None
    return {
        "name": member.pair.pair,
        "not_asked": list(member.pair.others),
        "role": member.role.role,
        "role_why": member.role.why or None,
        "sync": member.sync.sync,
        "sync_why": member.sync.why or None,
    }
