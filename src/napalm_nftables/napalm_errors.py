"""The errors of the device as NAPALM's own, for programs that use the driver: each of them is both."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import paramiko
from napalm.base.exceptions import CommandErrorException, ConnectAuthError, ConnectionException, ConnectTimeoutError

from napalm_nftables import errors
from napalm_nftables.link import Answer, DeviceLink

_KINDS: dict[type[errors.FirewallError], type[Exception]] = {
    errors.CommandFailed: CommandErrorException,
    errors.LoginRefused: ConnectAuthError,
    errors.DeviceSilent: ConnectTimeoutError,
}

_MADE: dict[type[errors.FirewallError], type[errors.FirewallError]] = {}


@contextmanager
def as_napalm() -> Iterator[None]:
    """Raise what the block raises as an exception of NAPALM."""
    try:
        yield
    except errors.FirewallError as error:
        _raise(error)


def _raise(error: errors.FirewallError) -> NoReturn:
    kind = _both(type(error))
    if isinstance(error, kind):
        raise error
    told = kind.__new__(kind, *error.args)
    told.__dict__.update(error.__dict__)
    raise told from error.__cause__


def _both(kind: type[errors.FirewallError]) -> type[errors.FirewallError]:
    if kind not in _MADE:
        theirs = _KINDS.get(kind, ConnectionException)
        _MADE[kind] = (
            kind if issubclass(kind, theirs) else type(kind.__name__, (kind, theirs), {"__doc__": kind.__doc__})
        )
    return _MADE[kind]


class NapalmLink(DeviceLink):
    """A link whose errors are NAPALM's."""

    def open(self) -> None:
        """Connect and log in, once."""
        with as_napalm():
            super().open()

    def run(self, command: str, stdin: str = "", deadline_s: float | None = None) -> Answer:
        """Run one command and wait for its exit code; past the deadline the connection is ended."""
        with as_napalm():
            return super().run(command, stdin, deadline_s)

    def channel(self, command: str, deadline_s: float | None = None) -> paramiko.Channel:
        """Start a command on a channel of its own and leave it open."""
        with as_napalm():
            return super().channel(command, deadline_s)
