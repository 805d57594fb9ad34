"""A device's host key, learned once: looked at without a login, compared by a person, and only then written down."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from islandmode.core.errors import InputError, Refused
from islandmode.core.frozen import Address
from islandmode.operate.site_devices import Device, known_hosts, refuse_of_lab
from islandmode.store.known_hosts import KNOWN_HOSTS, add_line, names_are_hashed
from napalm_nftables.errors import DeviceSilent
from napalm_nftables.host_keys import HostKey, hashed, shown_key

CONNECT_S = 15.0
NOTHING_WRITTEN = "Nothing was written."


class Host(Protocol):
    """What is logged in to."""

    @property
    def where(self) -> str:
        """Name it for a sentence."""
        ...

    @property
    def known_as(self) -> str:
        """Name it as a known-hosts file does."""
        ...

    @property
    def address(self) -> Address:
        """Where it is logged in to."""
        ...

    @property
    def port(self) -> int:
        """On which port."""
        ...


@dataclass(frozen=True)
class KeyLook:
    """The host key that a device shows now, and those that are known of it."""

    workspace: Path
    device: Host
    shown: HostKey
    known: tuple[HostKey, ...]
    unread: tuple[int, ...] = ()
    """Lines of the known-hosts file that hold no key."""
    is_revoked: bool = False
    """Whether the key that is shown is marked in that file as never to be taken again."""

    @property
    def state(self) -> Literal["new", "known", "changed", "revoked"]:
        """Tell what the key that is shown is to those that are known."""
        if self.is_revoked:
            return "revoked"
        return "new" if not self.known else "known" if self.shown in self.known else "changed"


def look_at_key(workspace: Path, device: Host) -> KeyLook:
    """Ask a host for its key; no user name and no password is sent. Raises `Refused` where it shows none."""
    if isinstance(device, Device):
        refuse_of_lab(device)
    found = known_hosts(workspace)
    host, port = str(device.address), device.port
    known = found.of(host, port)
    try:
        shown = shown_key(host, port, CONNECT_S, known)
    except DeviceSilent as error:
        raise Refused(f"{device.where}: {error} No login was attempted, and nothing was written.") from None
    return KeyLook(workspace, device, shown, known, found.unread, shown.base64 in found.revoked)


def refuse_changed(look: KeyLook) -> None:
    """Raise `Refused` for a device that shows another key than is known, or a revoked key: only a person can tell why."""
    shows = f"{look.device.where} shows {look.shown.kind} {look.shown.fingerprint}"
    if look.state == "revoked":
        raise Refused(
            f"HOST KEY REVOKED: {shows}, which {KNOWN_HOSTS} marks as never to be taken again. Give the device a new host key, and find out "
            f"who has had the old one. No login was attempted. {NOTHING_WRITTEN}"
        )
    if look.state != "changed":
        return
    known = ", ".join(f"{key.kind} {key.fingerprint}" for key in look.known)
    take_out = f"ssh-keygen -f {shlex.quote(str(look.workspace / KNOWN_HOSTS))} -R {shlex.quote(look.device.known_as)}"
    raise Refused(
        f"HOST KEY CHANGED: {shows}, and {KNOWN_HOSTS} has {known}. "
        "Another device may stand at this address, or somebody between it and this machine. Find out why, at the device itself. "
        f"Only if the new key is right, take the old one out with `{take_out}` and trust the device again. "
        f"No login was attempted. {NOTHING_WRITTEN}"
    )


def trust(look: KeyLook, fingerprint: str) -> None:
    """Write a new key down, which a person has confirmed by its fingerprint; raises `Refused` for any other fingerprint."""
    refuse_changed(look)
    if fingerprint != look.shown.fingerprint:
        raise Refused(
            f"{look.device.where} shows {look.shown.kind} {look.shown.fingerprint}, and {fingerprint} was expected. Find out which is "
            f"right, at the device itself. No login was attempted. {NOTHING_WRITTEN}"
        )
    if look.state == "known":
        return
    path, name = look.workspace / KNOWN_HOSTS, look.device.known_as
    try:
        written = hashed(name) if names_are_hashed(path) else name
        add_line(path, f"{written} {look.shown.kind} {look.shown.base64}")
    except BlockingIOError:
        raise Refused(f"Another process is writing {KNOWN_HOSTS}; try again. {NOTHING_WRITTEN}") from None
    except OSError as error:
        raise InputError(f"{path} cannot be written ({error.strerror}). {NOTHING_WRITTEN}") from None
    if look.shown not in known_hosts(look.workspace).of(str(look.device.address), look.device.port):
        raise InputError(
            f"The key of {look.device.where} was written to {path}, and is not known by it: another key of its "
            "kind stands before it. Look at the file."
        )
