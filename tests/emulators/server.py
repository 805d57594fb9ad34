"""An SSH server before an emulated device, on this machine's own address or at a socket that it is given, with a host key of its own.

asyncssh serves on a thread of its own; nothing else of the tests shares its loop. Logins are by password, by keyboard-interactive, by
both or by a key; any number of them may be open at once.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Collection, Sequence
from types import TracebackType
from typing import Literal, Self

import asyncssh

from tests.emulators.device import Device
from tests.emulators.shell import Shell
from tests.patience import PATIENCE_S

HOST = "127.0.0.1"
Login = Literal["password", "keyboard-interactive"]
KEX = (
    *("curve25519-sha256", "ecdh-sha2-nistp256", "diffie-hellman-group14-sha256"),
    # What netmiko's fortinet driver insists on.
    *("diffie-hellman-group-exchange-sha256", "diffie-hellman-group14-sha1"),
)
BOTH: tuple[Login, ...] = ("password", "keyboard-interactive")


class Door(asyncssh.SSHServer):
    """Asks who comes in."""

    def __init__(
        self,
        device: Device,
        logins: Collection[Login],
        keys: Collection[asyncssh.SSHKey],
        open_now: set[asyncssh.SSHServerConnection],
    ) -> None:
        self._device = device
        self._logins = logins
        self._keys = {key.public_data for key in keys}
        self._open = open_now
        self._connection: asyncssh.SSHServerConnection | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        """Remember the connection, so that it can be ended; end it at once where there is no place left, as routers do."""
        self._connection = conn
        self._open.add(conn)
        if self._device.is_full:
            conn.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        if self._connection is not None:
            self._open.discard(self._connection)

    def begin_auth(self, username: str) -> bool:
        """Show what is shown before a login; everybody needs a password."""
        self._device.names_given.append(username)
        if self._device.faults.text_before_login and self._connection is not None:
            self._connection.send_auth_banner(self._device.faults.text_before_login)
        return True

    def _let_it_ask_again(self) -> None:
        """Take a second request for a login, as OpenSSH and devices do: paramiko sends one with each method that it tries."""
        if self._connection is not None:
            self._connection._next_service = b"ssh-userauth"

    def password_auth_supported(self) -> bool:
        """Whether a password may be given at once."""
        self._let_it_ask_again()
        return "password" in self._logins

    def validate_password(self, username: str, password: str) -> bool:
        """Look at it."""
        return self._device.may_log_in(username, password)

    def public_key_auth_supported(self) -> bool:
        """Whether a key may be shown."""
        self._let_it_ask_again()
        return bool(self._keys or self._device.public_keys)

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        """Look at it."""
        own = self._device.public_keys.get(username)
        known = self._keys if not own else {*self._keys, asyncssh.import_public_key(own).public_data}
        return key.public_data in known and username in self._device.accounts

    def kbdint_auth_supported(self) -> bool:
        """Whether the password is asked for."""
        self._let_it_ask_again()
        return "keyboard-interactive" in self._logins

    def get_kbdint_challenge(
        self, username: str, lang: str, submethods: str
    ) -> tuple[str, str, str, list[tuple[str, bool]]]:
        """Ask for it."""
        return "", "", "en", [("Password: ", False)]

    def validate_kbdint_response(self, username: str, responses: Sequence[str]) -> bool:
        """Look at it."""
        return len(responses) == 1 and self._device.may_log_in(username, responses[0])


class SshServer:
    """Serves a device for as long as the block lasts."""

    def __init__(
        self,
        device: Device,
        *,
        logins: Collection[Login] = BOTH,
        keys: Collection[asyncssh.SSHKey] = (),
        kex: Collection[str] = KEX,
        port: int = 0,
        at: socket.socket | None = None,
    ) -> None:
        """`at` is a socket that listens already, as on another network than this process is on."""
        self.device = device
        self._at = at
        self.host: str = HOST if at is None else at.getsockname()[0]
        self.port: int = port if at is None else at.getsockname()[1]
        self._logins = logins
        self._keys = keys
        self._kex = tuple(kex)
        self._key = asyncssh.generate_private_key("ssh-ed25519")
        self._open: set[asyncssh.SSHServerConnection] = set()
        self._ready = threading.Event()
        self._over = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._run, name=f"ssh server of {device.name}", daemon=True)

    @property
    def known_host(self) -> str:
        """The line of a known_hosts file that names its key."""
        return f"[{self.host}]:{self.port} {self._key.export_public_key('openssh').decode().strip()}\n"

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._open)

    def __enter__(self) -> Self:
        """Begin."""
        self._thread.start()
        if not self._ready.wait(PATIENCE_S):
            raise AssertionError("the emulator's SSH server did not start")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        """End, and every connection with it; fail where a line came before arm that could change a configuration."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(PATIENCE_S)
        if kind is None and self.device.too_early:
            raise AssertionError(f"before arm: {[line.text for line in self.device.too_early]}")

    def hang_up(self) -> None:
        """End every connection at once."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._abort_all)

    def _abort_all(self) -> None:
        for connection in tuple(self._open):
            connection.abort()

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        acceptor = await asyncssh.create_server(
            lambda: Door(self.device, self._logins, self._keys, self._open),
            "" if self._at is not None else self.host,
            0 if self._at is not None else self.port,
            sock=self._at,
            server_host_keys=[self._key],
            process_factory=self._shell,
            kex_algs=self._kex,
            line_editor=False,
            encoding="utf-8",
            errors="replace",
        )
        self.port = acceptor.get_port()
        self.device.hang_up = self.hang_up
        self._ready.set()
        await self._over.wait()
        self.device.hang_up = lambda: None
        acceptor.close()
        self._abort_all()
        await acceptor.wait_closed()

    async def _shell(self, process: asyncssh.SSHServerProcess[str]) -> None:
        session = self.device.log_in(process.get_extra_info("username"))
        if session is None:
            process.channel.get_connection().abort()
            return
        await Shell(self.device, session, process).run()
