"""Netmiko's Linux transport, made strict: a known host key always, and one login attempt.

Netmiko reports a rejected host key as a time-out and its default accepts any key, so both are replaced at the two
places where Netmiko lets a platform do so: the SSH client and the key policy. Its interactive shell is opened, as for
every platform, but never spoken to: commands run on channels of their own, which have exit codes.
"""

from __future__ import annotations

import base64
import hashlib
import socket
from contextlib import suppress
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

import paramiko
from netmiko.exceptions import NetmikoAuthenticationException, NetmikoBaseException
from netmiko.linux.linux_ssh import LinuxSSH

from napalm_nftables.errors import DeviceSilent, HostKeyChanged, HostKeyRefused, HostKeyUnknown, LoginRefused, NoCommand

KEEPALIVE_S = 10
SESSIONS = 3
"""Netmiko's shell, the held-open nft, and one command."""
_NO_BANNER = (
    " It took the connection and said nothing: too many logins wait there (MaxStartups), it bars this address, or it is no SSH "
    "server."
)


@dataclass(frozen=True)
class Login:
    """Where and how to log in. Secrets are kept out of `repr`, so that no log line can carry them.

    `key` is a path of a private key, or the key itself in PEM. Without it no key is offered; an agent never is.
    """

    host: str
    port: int
    user: str
    timeout_s: float
    password: str = field(repr=False, default="")
    key: str | None = field(repr=False, default=None)
    passphrase: str | None = field(repr=False, default=None)
    known_hosts: Path | None = None

    @property
    def device(self) -> str:
        """Name the device in sentences."""
        return f"{self.host}:{self.port}"


def fingerprint(key: paramiko.PKey) -> str:
    """Write a host key's SHA-256 fingerprint as OpenSSH does."""
    digest = hashlib.sha256(key.asbytes()).digest()
    return "SHA256:" + base64.b64encode(digest).decode("ascii").rstrip("=")


class _RefuseUnknown(paramiko.MissingHostKeyPolicy):
    def missing_host_key(self, _client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:
        raise HostKeyUnknown(hostname, key.get_name(), fingerprint(key))


class _StrictClient(paramiko.SSHClient):
    """An SSH client that says which key was wrong, before Netmiko makes a time-out of it."""

    def connect(self, *args: Any, **kwargs: Any) -> None:
        try:
            super().connect(*args, **kwargs)
        except paramiko.BadHostKeyException as error:
            raise HostKeyChanged(error.hostname, fingerprint(error.expected_key), fingerprint(error.key)) from None


class StrictLinuxSSH(LinuxSSH):
    """Netmiko's Linux connection with host keys checked; there is no option that turns this off."""

    def _get_ssh_client_instance(self) -> paramiko.SSHClient:
        client = _StrictClient()
        client.set_log_channel("napalm_nftables.ssh")
        return client

    def _build_ssh_client(self) -> paramiko.SSHClient:
        client = super()._build_ssh_client()
        client.set_missing_host_key_policy(_RefuseUnknown())
        return client

    def session_preparation(self) -> None:
        """Skip the hunt for a prompt: the shell is never spoken to."""


def log_in(login: Login, sock: socket.socket) -> StrictLinuxSSH:
    """Log in over an open socket: host key first, then one attempt; every failure is one of our own exceptions."""
    arguments = _netmiko_arguments(login)
    try:
        return StrictLinuxSSH(sock=sock, **arguments)
    except NetmikoAuthenticationException as error:
        raise LoginRefused(_refusal(login, error)) from None
    except paramiko.ChannelException:
        raise NoCommand(too_few_sessions(login)) from None
    except HostKeyRefused:
        raise
    except (NetmikoBaseException, paramiko.SSHException, OSError, EOFError) as error:
        said = _last_line(error)
        hint = _NO_BANNER if "banner" in said else ""
        raise DeviceSilent(f"{login.device} did not complete an SSH login: {said}.{hint}") from None


def too_few_sessions(login: Login) -> str:
    """Say that the device lets a connection have too few sessions at once."""
    return (
        f"{login.device} let user {login.user} in and opens too few sessions on one connection; {SESSIONS} are needed at once: "
        f"set MaxSessions {SESSIONS} or more in its sshd_config."
    )


def _refusal(login: Login, error: BaseException) -> str:
    how = "key" if login.key else "password"
    cause = error.__context__
    if isinstance(cause, paramiko.BadAuthenticationType):
        takes = ", ".join(cause.allowed_types) or "nothing"
        return (
            f"{login.device} takes no {how} from user {login.user}, but {takes}; no attempt was made. Give the login what it "
            "takes (key: for publickey)."
        )
    return f"{login.device} refused user {login.user} with this {how}; one attempt was made."


def _netmiko_arguments(login: Login) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "device_type": "linux",
        "host": login.host,
        "port": login.port,
        "username": login.user,
        "ssh_strict": True,
        "allow_agent": False,
        "use_keys": False,
        "conn_timeout": login.timeout_s,
        "auth_timeout": login.timeout_s,
        "banner_timeout": login.timeout_s,
        "blocking_timeout": login.timeout_s,
        "keepalive": KEEPALIVE_S,
        "system_host_keys": login.known_hosts is None,
    }
    if login.known_hosts is not None:
        arguments |= {"alt_host_keys": True, "alt_key_file": str(login.known_hosts)}
    if login.key is None:
        return arguments | {"password": login.password}
    # With a key the password is not sent too: a device must see one attempt, not two.
    return arguments | {"pkey": _load_key(login.key, login.passphrase, login.device)}


def _load_key(key: str, passphrase: str | None, device: str) -> paramiko.PKey:
    """Load a private key from a path or from its own text, whatever kind it is."""
    try:
        text = key if "-----BEGIN" in key else Path(key).expanduser().read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise LoginRefused(f"The private key for {device} cannot be read ({type(error).__name__}).") from None
    for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey):
        # An error's own text may quote the key, and every kind but the right one raises; none is passed on.
        with suppress(paramiko.SSHException, ValueError, TypeError, IndexError):
            return kind.from_private_key(StringIO(text.strip() + "\n"), passphrase)
    raise LoginRefused(f"The private key for {device} cannot be used: unknown kind of key, or a wrong passphrase.")


def _last_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1].rstrip(".") if lines else type(error).__name__
