"""Host keys of devices: what a device shows before any login, and what a known-hosts file has for it.

Known keys are read as the login itself reads them (`transport`), so that what is called known here is known there.
"""

from __future__ import annotations

import base64
import hashlib
import socket
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import paramiko
from paramiko.hostkeys import HostKeyEntry, HostKeys, InvalidHostKey

from napalm_nftables.errors import DeviceSilent

SSH_PORT = 22
REVOKED, HASHED = "@revoked", "|1|"
RSA = "ssh-rsa"
RSA_SIGNATURES = ("rsa-sha2-512", "rsa-sha2-256", RSA)
"""The ways in which a device signs with its RSA key, the best first (RFC 8332); a known-hosts file has one name for all."""


@dataclass(frozen=True)
class HostKey:
    """A public host key: its kind and itself in base64, as a known-hosts file has them."""

    kind: str
    base64: str

    @property
    def fingerprint(self) -> str:
        """Write its SHA-256 fingerprint as OpenSSH does."""
        digest = hashlib.sha256(base64.b64decode(self.base64)).digest()
        return "SHA256:" + base64.b64encode(digest).decode("ascii").rstrip("=")


def known_as(host: str, port: int) -> str:
    """Name a device as a known-hosts file does: with its port where that is not SSH's own."""
    return host if port == SSH_PORT else f"[{host}]:{port}"


@dataclass(frozen=True)
class KnownHosts:
    """A known-hosts file as a login reads it."""

    keys: HostKeys
    unread: tuple[int, ...] = ()
    """The lines, by number, that hold no key; nothing else is lost by them."""
    revoked: frozenset[str] = frozenset()
    """The keys, in base64, that are marked as never to be taken again."""

    def of(self, host: str, port: int) -> tuple[HostKey, ...]:
        """Give the keys of a device, first the key that its login asks for first."""
        found = self.keys.lookup(known_as(host, port))
        return () if found is None else tuple(HostKey(kind, key.get_base64()) for kind, key in found.items())


def load(path: Path, into: HostKeys | None = None) -> KnownHosts:
    """Load a known-hosts file, if wanted beside keys that are there; a file that is missing knows nothing. Raises OSError.

    A line that cannot be read costs no other device its login. A key that is marked as revoked is not known; certificate
    authorities and patterns of names are not read.
    """
    keys = HostKeys() if into is None else into
    text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    lines = [line.split() for line in text.splitlines()]
    revoked = frozenset(fields[3] for fields in lines if len(fields) > 3 and fields[0] == REVOKED)
    unread = [
        number
        for number, fields in enumerate(lines, start=1)
        if fields and fields[0][0] not in "#@" and not _add(keys, fields, revoked)
    ]
    return KnownHosts(keys, tuple(unread), revoked)


def _add(keys: HostKeys, fields: list[str], revoked: frozenset[str]) -> bool:
    """Add what a line has, of two keys of a kind the first; tells whether it could be read."""
    try:
        entry = HostKeyEntry.from_line(" ".join(fields))
        if entry is None or entry.key is None:
            # Too few fields, or a kind of key that is not known here.
            return len(fields) > 2
        for name in entry.hostnames or () if entry.key.get_base64() not in revoked else ():
            if name.startswith(HASHED):
                # Malformed, it would end every look-up.
                HostKeys.hash_host("", name)
            if entry.key.get_name() not in (keys.lookup(name) or ()):
                keys.add(name, entry.key.get_name(), entry.key)
    except (InvalidHostKey, paramiko.SSHException, ValueError, IndexError, AssertionError):
        return False
    return True


def hashed(name: str) -> str:
    """Write a device's name as a known-hosts file has it that names no device."""
    return HostKeys.hash_host(name)


def shown_key(host: str, port: int, timeout_s: float, known: Iterable[HostKey] = ()) -> HostKey:
    """Connect as far as the key exchange and give the key that the device shows; no user name and no password is sent.

    Of several keys the device is asked for those that are known first, as its login asks for them.
    """
    device = f"{host}:{port}"
    try:
        sock = socket.create_connection((host, port), timeout_s)
    except OSError as error:
        raise DeviceSilent(f"{device} cannot be reached: {error}.") from None
    try:
        return _exchanged(sock, timeout_s, [key.kind for key in known])
    except (paramiko.SSHException, OSError, EOFError) as error:
        said = str(error).strip().splitlines() or [type(error).__name__]
        raise DeviceSilent(f"{device} did not show a host key: {said[-1].rstrip('.')}.") from None
    finally:
        with suppress(OSError):
            sock.close()


def ask_for_known(transport: paramiko.Transport, known: Iterable[str]) -> None:
    """Ask the device for a key of a known kind before any other, as OpenSSH does.

    paramiko itself asks for the first kind by its name alone. A device of which only the RSA key is known, and which signs with it
    as today's devices do, would show another key: it would be called changed, and no restore could log in.
    """
    options = transport.get_security_options()
    options.key_types = _known_first(options.key_types, known)


def _known_first(takes: Collection[str], known: Iterable[str]) -> tuple[str, ...]:
    wanted = [way for kind in known for way in (RSA_SIGNATURES if kind == RSA else (kind,)) if way in takes]
    return tuple(dict.fromkeys((*wanted, *takes)))


def _exchanged(sock: socket.socket, timeout_s: float, known: Iterable[str]) -> HostKey:
    transport = paramiko.Transport(sock)
    try:
        transport.set_log_channel("napalm_nftables.ssh")
        transport.banner_timeout = timeout_s
        ask_for_known(transport, known)
        transport.start_client(timeout=timeout_s)
        key = transport.get_remote_server_key()
        return HostKey(key.get_name(), key.get_base64())
    finally:
        transport.close()
