"""Asking a Linux firewall about itself, part by part: what cannot be asked is *not read* and keeps nothing else from being read.

Nothing is changed, and nothing here needs root but nft, which the device session has anyway.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from islandmode.core.firewall import Firewall, Redirect, Unread
from islandmode.isolation.nftables import firewall_reading as reading
from islandmode.isolation.nftables import reading as table_reading
from islandmode.isolation.nftables import recipe
from islandmode.isolation.nftables.login_trouble import device_words
from islandmode.isolation.session import DeviceTrouble

T = TypeVar("T")
_UNREADABLE = (ValueError, LookupError, TypeError, AttributeError)


class Asked(Protocol):
    """What nft said to several lines: a text for each, "" where it refused, and its errors."""

    @property
    def texts(self) -> tuple[str, ...]:
        """Give the texts in the order of the lines."""
        ...

    @property
    def errors(self) -> tuple[str, ...]:
        """Give every error."""
        ...


@dataclass
class _Look:
    run: Callable[[str], str]
    unread: list[Unread] = field(default_factory=list)

    def read(self, what: str, command: str, parse: Callable[[str], tuple[T, ...]]) -> tuple[T, ...]:
        """Run and read one command; anything wrong with it leaves this part unread."""
        try:
            return parse(self.run(command))
        except DeviceTrouble as error:
            self.unread.append(Unread(what, device_words(str(error))))
        except _UNREADABLE as error:
            self.unread.append(Unread(what, f"its answer could not be read ({type(error).__name__})"))
        return ()

    def listed(
        self, line: str, what: str, ask: Callable[[tuple[str, ...]], Asked], parse: Callable[[str], tuple[T, ...]]
    ) -> tuple[T, ...]:
        """Put one line to nft and read what it lists."""
        asked = ask((line,))
        try:
            if asked.texts[0]:
                return parse(asked.texts[0])
            why = "; ".join(asked.errors) or "nft listed nothing"
        except _UNREADABLE as error:
            why = f"its answer could not be read ({type(error).__name__})"
        self.unread.append(Unread(what, why))
        return ()


def look(run: Callable[[str], str], ask: Callable[[tuple[str, ...]], Asked]) -> Firewall:
    """Ask everything; `run` raises `DeviceTrouble` when a command fails, `ask` puts lines to nft."""
    asking = _Look(run)
    links = asking.read("interfaces", reading.LINKS, reading.links)
    addresses = asking.read("addresses", reading.ADDRESSES, reading.addresses)
    routes = tuple(
        route
        for family, command in reading.ROUTES.items()
        for route in asking.read(
            f"IPv{family} routes",
            command,
            lambda answer, family=family: reading.routes(answer, family),  # type: ignore[misc] # bound in this turn
        )
    )
    sockets = asking.read("open sockets (ss)", reading.SOCKETS, reading.sockets)
    return Firewall(
        links=links,
        addresses=addresses,
        routes=routes,
        redirects=(*_of_tc(asking), *_of_nft(asking, ask)),
        offloaded=_offloaded(asking, ask),
        sockets=sockets,
        unread=tuple(asking.unread),
    )


def _of_tc(asking: _Look) -> tuple[Redirect, ...]:
    what = "traffic control (tc)"
    qdiscs = asking.read(what, reading.QDISCS, lambda answer: (answer,))
    command = reading.filters_command(qdiscs[0]) if qdiscs else ""
    return asking.read(what, command, reading.filters) if command else ()


def _of_nft(asking: _Look, ask: Callable[[tuple[str, ...]], Asked]) -> tuple[Redirect, ...]:
    return tuple(
        redirect
        for line in reading.RULESETS
        for redirect in asking.listed(line, f"nft's answer to `{line}`", ask, reading.redirects)
    )


def _offloaded(asking: _Look, ask: Callable[[tuple[str, ...]], Asked]) -> tuple[str, ...]:
    return asking.listed(
        recipe.LIST_OFFLOADED, "flowtables", ask, lambda text: tuple(sorted(table_reading.offloaded(text)))
    )
