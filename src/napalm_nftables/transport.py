"""The one SSH connection of a driver: host key always checked, one login attempt, commands with their exit status."""

from __future__ import annotations

import shlex
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import paramiko
from napalm.base.exceptions import CommandErrorException, CommandTimeoutException, ConnectAuthError, ConnectionException
from netmiko import ConnectHandler, NetmikoAuthenticationException, NetmikoTimeoutException
from netmiko.base_connection import BaseConnection


class HostKeyError(ConnectionException):  # type: ignore[misc]  # napalm ships no types
    """The device's host key is unknown or is not the one that was learned; no login was attempted."""


@dataclass(frozen=True)
class Address:
    """Where to log in, and by which learned host keys to know the device."""

    host: str
    port: int
    username: str
    known_hosts: Path

    @property
    def in_known_hosts(self) -> str:
        """Name the host as a known-hosts file does."""
        return self.host if self.port == 22 else f"[{self.host}]:{self.port}"  # noqa: PLR2004 - the SSH port


class Transport:
    """An SSH connection through Netmiko, used for exec channels; becomes root by sudo unless it logs in as root."""

    def __init__(self, address: Address, become: str, timeout_s: float) -> None:
        """Know where to go; nothing is contacted yet."""
        if become not in {"sudo", "root"}:
            raise ValueError(f'become must be "sudo" or "root", not {become!r}')
        self._address = address
        self._become = become
        self._timeout_s = timeout_s
        self._connection: BaseConnection | None = None
        self._client: paramiko.SSHClient | None = None
        self._abandoned = False

    def open(self, password: str | None, key_file: str | None) -> None:
        """Connect and log in once; raises `HostKeyError`, `ConnectAuthError` or `ConnectionException`."""
        address = self._address
        keys = paramiko.HostKeys(str(address.known_hosts)) if address.known_hosts.is_file() else paramiko.HostKeys()
        if keys.lookup(address.in_known_hosts) is None:
            raise HostKeyError(f"the host key of {address.in_known_hosts} was never learned; no login was attempted")
        settings: dict[str, Any] = {
            "device_type": "linux",
            "host": address.host,
            "port": address.port,
            "username": address.username,
            "password": password or "",
            "use_keys": key_file is not None,
            "key_file": key_file,
            "allow_agent": False,
            "ssh_strict": True,
            "system_host_keys": False,
            "alt_host_keys": True,
            "alt_key_file": str(address.known_hosts),
            "conn_timeout": self._timeout_s,
            "banner_timeout": self._timeout_s,
            "auth_timeout": self._timeout_s,
            "keepalive": 10,
            "auto_connect": False,
        }
        connection = ConnectHandler(**settings)
        try:
            connection.establish_connection()
        except NetmikoAuthenticationException:
            # Netmiko's own text quotes its settings; ours says only what the operator needs, and never a secret.
            raise ConnectAuthError(f"{address.host} refused the login of {address.username}") from None
        except NetmikoTimeoutException as error:
            raise self._connect_error(str(error)) from None
        self._connection = connection
        client = connection.remote_conn_pre
        if self._abandoned or client is None:
            self.abandon()
            raise ConnectionException(f"the connection to {address.host} was given up while it was being made")
        self._client = client

    def _connect_error(self, text: str) -> ConnectionException:
        name = self._address.in_known_hosts
        if "does not match" in text or "not found in known_hosts" in text:
            return HostKeyError(f"the host key of {name} is not the one that was learned; no login was attempted")
        if "TCP connection to device failed" in text:
            return ConnectionException(f"{name} cannot be reached")
        return ConnectionException(f"{name} answers, but no SSH session came about")

    @property
    def alive(self) -> bool:
        """Tell whether the connection stands, as far as this side knows."""
        transport = self._client.get_transport() if self._client is not None else None
        return transport is not None and transport.is_active()

    def channel(self, command: str, *, root: bool) -> paramiko.Channel:
        """Start a command on a channel of its own, its streams apart."""
        transport = self._client.get_transport() if self._client is not None else None
        if transport is None:
            raise ConnectionException(f"{self._address.host} is not connected")
        try:
            channel = transport.open_session(timeout=self._timeout_s)
            channel.settimeout(self._timeout_s)
            channel.exec_command(self._as_root(command) if root else command)
        except (paramiko.SSHException, OSError, EOFError) as error:
            raise ConnectionException(f"{self._address.host} takes no command any more ({error})") from None
        return channel

    def _as_root(self, command: str) -> str:
        return command if self._become == "root" else f"sudo -n {command}"

    def script(self, text: str, *, stdin: str = "") -> str:
        """Run a shell script as root and return what it printed; see `run`."""
        return self.run(f"sh -c {shlex.quote(text)}", root=True, stdin=stdin)

    def run(self, command: str, *, root: bool = False, stdin: str = "") -> str:
        """Run a command and return its standard output; raises `CommandErrorException` with what it said."""
        channel = self.channel(command, root=root)
        try:
            with channel.makefile_stdin("wb") as given, channel.makefile("rb") as out, channel.makefile_stderr("rb") as err:
                given.write(stdin.encode())
                given.flush()
                channel.shutdown_write()
                output, errors = out.read().decode(errors="replace"), err.read().decode(errors="replace")
                status = channel.recv_exit_status()
        except TimeoutError:
            raise CommandTimeoutException(f"{command!r} did not end within {self._timeout_s:g} s") from None
        except (paramiko.SSHException, OSError, EOFError) as error:
            raise ConnectionException(f"{self._address.host} was lost in the middle of a command ({error})") from None
        finally:
            channel.close()
        if status != 0:
            raise CommandErrorException(errors.strip() or output.strip() or f"exit status {status}")
        return output

    def close(self) -> None:
        """End the connection."""
        if self._client is not None:
            self._client.close()
        self._client = None
        self._connection = None

    def abandon(self) -> None:
        """End the connection at once, from any thread, without a word to the other side: nothing more can be sent."""
        self._abandoned = True
        client = self._client or (self._connection.remote_conn_pre if self._connection is not None else None)
        transport = client.get_transport() if client is not None else None
        if transport is not None:
            transport.sock.close()
            transport.close()


class NftChannel:
    """One `nft -j -i` held open: what is written here is in force within a millisecond.

    nft is silent on success. Read back on a following line; no answer within the deadline is unknown.
    """

    def __init__(self, channel: paramiko.Channel) -> None:
        """Take a channel on which nft runs."""
        self._channel = channel
        self._answers = b""
        self._errors = b""

    def write(self, line: str) -> None:
        """Write one line and return; raises `ConnectionException` when it could not be handed over."""
        if "\n" in line:
            raise ValueError("one line at a time")
        try:
            self._channel.sendall(line.encode() + b"\n")
        except (OSError, EOFError) as error:
            raise ConnectionException(f"the nft channel takes no line any more ({error})") from None

    def ask(self, line: str, deadline_s: float) -> str | None:
        """Write one line and return the one line it prints; None when nothing came in time."""
        self.write(line)
        until = time.monotonic() + deadline_s
        while b"\n" not in self._answers:
            left = until - time.monotonic()
            if left <= 0 or not self._receive(left):
                return None
        answer, _, self._answers = self._answers.partition(b"\n")
        self._drain_errors()
        return answer.decode(errors="replace")

    def _receive(self, wait_s: float) -> bool:
        self._channel.settimeout(wait_s)
        try:
            data = self._channel.recv(65536)
        except TimeoutError:
            return False
        self._answers += data
        return bool(data)

    def _drain_errors(self) -> None:
        while self._channel.recv_stderr_ready():
            self._errors += self._channel.recv_stderr(65536)

    def errors(self) -> str:
        """Return what nft complained of since the last call, without the line it quotes."""
        self._drain_errors()
        text, self._errors = self._errors.decode(errors="replace"), b""
        return " ".join(line.strip() for line in text.splitlines() if "rror:" in line)

    def close(self) -> None:
        """End this nft."""
        self._channel.close()
