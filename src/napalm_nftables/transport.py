"""An SSH login that is strict: a known host key always, and one attempt.

No interactive shell is opened: commands run on channels of their own, which have exit codes.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

import paramiko
from paramiko.auth_strategy import AuthResult, AuthSource, AuthStrategy

from napalm_nftables.errors import DeviceSilent, HostKeyChanged, HostKeyRefused, HostKeyUnknown, LoginRefused
from napalm_nftables.host_keys import HostKey, ask_for_known, known_as, load

KEEPALIVE_S = 10
OWN_KNOWN_HOSTS = Path("~/.ssh/known_hosts")
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
    return HostKey(key.get_name(), key.get_base64()).fingerprint


class _AsksForKnown(paramiko.Transport):
    """Shakes hands as paramiko does, but for the key that the device is asked for."""

    known: Iterable[str] = ()
    """The kinds of the device's known keys, in the file's order."""

    def start_client(self, event: threading.Event | None = None, timeout: float | None = None) -> None:
        """Begin. What is asked for is set last, because the client sets it too."""
        ask_for_known(self, self.known)
        super().start_client(event, timeout)


class _RefuseUnknown(paramiko.MissingHostKeyPolicy):
    def missing_host_key(self, _client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:
        raise HostKeyUnknown(hostname, key.get_name(), fingerprint(key))


def log_in(login: Login, sock: socket.socket) -> paramiko.Transport:
    """Log in over an open socket: host key first, then one attempt; every failure is an exception of this driver."""
    attempt = _OneAttempt(login)
    try:
        # There is no option that turns host keys off.
        client = _client(login.known_hosts)
        known = client.get_host_keys().lookup(known_as(login.host, login.port))
        client.connect(
            login.host,
            login.port,
            login.user,
            sock=sock,
            timeout=login.timeout_s,
            banner_timeout=login.timeout_s,
            auth_timeout=login.timeout_s,
            auth_strategy=attempt,
            transport_factory=_asking_for(() if known is None else tuple(known)),
        )
    except paramiko.BadHostKeyException as error:
        raise HostKeyChanged(error.hostname, fingerprint(error.expected_key), fingerprint(error.key)) from None
    except paramiko.AuthenticationException as error:
        raise LoginRefused(_refusal(login, error)) from None
    except (HostKeyRefused, LoginRefused):
        raise
    except (paramiko.SSHException, OSError, EOFError) as error:
        said = _last_line(error)
        hint = _NO_BANNER if "banner" in said else ""
        raise DeviceSilent(f"{login.device} did not complete an SSH login: {said}.{hint}") from None
    transport = client.get_transport()
    if transport is None:
        raise DeviceSilent(f"{login.device} ended the connection at the end of the login.")
    transport.set_keepalive(KEEPALIVE_S)
    return transport


def _asking_for(kinds: tuple[str, ...]) -> Callable[..., _AsksForKnown]:
    """Give what a client makes its transport of, for a device with known keys of these kinds."""

    def made(sock: socket.socket, **options: Any) -> _AsksForKnown:
        transport = _AsksForKnown(sock, **options)
        transport.known = kinds
        return transport

    return made


def _client(known_hosts: Path | None) -> paramiko.SSHClient:
    client = paramiko.SSHClient()
    client.set_log_channel("napalm_nftables.ssh")
    client.set_missing_host_key_policy(_RefuseUnknown())
    # paramiko's own way to load a file ends at a line that it does not understand.
    load(known_hosts or OWN_KNOWN_HOSTS.expanduser(), client.get_host_keys())
    return client


class _OneAttempt(AuthStrategy):
    """One attempt with what the login has: paramiko's own way would try more, and ask for a second factor at the terminal."""

    def __init__(self, login: Login) -> None:
        super().__init__(paramiko.SSHConfig())
        self._login = login
        self._key = None if login.key is None else _load_key(login.key, login.passphrase, login.device)

    def get_sources(self) -> Iterator[AuthSource]:
        yield from ()

    def authenticate(self, transport: paramiko.Transport) -> AuthResult:
        login = self._login
        if self._key is not None:
            left = transport.auth_publickey(login.user, self._key)
        else:
            left = transport.auth_password(login.user, login.password)
        if left:
            raise LoginRefused(
                f"{login.device} took the {_how(login)} of user {login.user} and wants more ({', '.join(left)}), which cannot "
                "be given in the middle of a drill; give the drill a login that needs no second factor."
            )
        return AuthResult(self)


def _how(login: Login) -> str:
    return "key" if login.key else "password"


def _refusal(login: Login, error: paramiko.AuthenticationException) -> str:
    how, other = _how(login), "a private key" if login.key is None else "a password"
    if not isinstance(error, paramiko.BadAuthenticationType):
        return (
            f"{login.device} refused user {login.user} with this {how}; one attempt was made. Only its own log tells a wrong "
            f"{how} from an account that is locked, expired or not let in."
        )
    takes = ", ".join(error.allowed_types) or "nothing"
    if login.key is None and "keyboard-interactive" in error.allowed_types:
        return (
            f"{login.device} asks user {login.user} for the password by keyboard-interactive, and did not take this one, or asked for "
            "more; one attempt was made. Only its own log tells a wrong password from an account that is locked, expired or not let in. "
            "Where it asks for more than a password, give the login a private key."
        )
    return f"{login.device} takes no {how} from user {login.user}, but {takes}; no attempt was made. Give the login {other}."


def _load_key(key: str, passphrase: str | None, device: str) -> paramiko.PKey:
    """Load a private key from a path or from its own text; any kind of key."""
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
