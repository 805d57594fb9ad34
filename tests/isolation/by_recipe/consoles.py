"""Consoles on emulated devices, over real SSH."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from islandmode.isolation.by_recipe.console import Console
from islandmode.isolation.platform import Access, Transcript
from islandmode.system.clock import MachineClock
from tests.core.recipe_plant import recipe
from tests.emulators.device import Device
from tests.emulators.plant import PASSWORD, USER, firewall, router
from tests.emulators.server import SshServer

CLOCK = MachineClock.of_this_boot()
IOS, FORTI = "ios-time-range", "fortios-schedule"
FAMILIES: list[tuple[str, Callable[[], Device], str]] = [(IOS, router, "show clock"), (FORTI, firewall, "execute time")]
both_families = pytest.mark.parametrize(("name", "make", "ask"), FAMILIES, ids=[name for name, _, _ in FAMILIES])


def access_to(server: SshServer, folder: Path, **other: Any) -> Access:
    known_hosts = folder / "known_hosts"
    known_hosts.write_text(server.known_host, encoding="ascii")
    wanted: dict[str, Any] = {"user": USER, "become": "sudo", "known_hosts": known_hosts, "password": PASSWORD}
    return Access(host=server.host, port=server.port, **(wanted | other))


def console_to(
    server: SshServer, name: str, folder: Path, transcript: Transcript | None = None, **other: Any
) -> Console:
    return Console(access_to(server, folder, **other), recipe(name), CLOCK, transcript)


@contextmanager
def console_on(
    device: Device, name: str, folder: Path, transcript: Transcript | None = None, **other: Any
) -> Iterator[Console]:
    """Serve a device, log in and log out; nothing that configures may have come by then."""
    with SshServer(device) as server:
        console = console_to(server, name, folder, transcript, **other)
        console.open()
        assert device.received(configuring=True) == []
        yield console
        console.close()


def chained(error: BaseException | None) -> Iterator[str]:
    """Give everything that an exception says, and those that it came from."""
    while error is not None:
        yield repr(error)
        yield str(error)
        error = error.__cause__ or error.__context__
