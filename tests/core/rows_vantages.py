"""Rows of refusals: logins to vantages that no flow permits, or that lead nowhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.core.given import Documents
from tests.core.spoilt import Row

SSH = ("vantages", "office", "ssh")
MISSING = (
    "Vantage office is logged in to at 10.10.0.20 by tcp/22 from 10.40.0.30 in zone line3, and no flow permits that; declare it under "
    "conduit corporate-line3 with its owner, or log in another way."
)


def login(vantage: str = "office", **more: Any) -> Callable[[Documents], object]:
    """Let a vantage be logged in to."""
    return lambda at: at.site["vantages"][vantage].update(ssh={"user": "witness", "key": "file:key", **more})


def permitted(conduit: str = "corporate-line3", **more: Any) -> Callable[[Documents], object]:
    """Declare the login from the operations host to the office."""
    flow = {"name": "witness", "source": "10.40.0.30", "destination": "10.10.0.20", "service": "tcp/22", "owner": "OT"}
    return lambda at: at.site["conduits"][conduit]["flows"].append({**flow, **more})


def both(*changes: Callable[[Documents], object]) -> Callable[[Documents], object]:
    """Make some changes."""
    return lambda at: [change(at) for change in changes]


VANTAGES = (
    Row("a login that no flow permits", login(), "site", SSH, MISSING),
    Row("a login by another port", both(login(port=2222), permitted()), "site", SSH, MISSING.replace("/22", "/2222")),
    Row("a flow of another service", both(login(), permitted(service="udp/22")), "site", SSH, MISSING),
    Row("a flow of other ports", both(login(), permitted(service="tcp/80-90")), "site", SSH, MISSING),
    Row("a flow from elsewhere", both(login(), permitted(source="10.40.0.31")), "site", SSH, MISSING),
    Row(
        "a login to nowhere",
        login(address="192.0.2.7"),
        "site",
        (*SSH, "address"),
        "Vantage office is logged in to at 192.0.2.7, which lies in no zone's networks; correct",
    ),
    Row(
        "a vantage that is logged in to, and to which a kit is carried",
        both(login(), permitted(), lambda at: at.site["vantages"]["office"].update(kit=True)),
        "site",
        ("vantages", "office", "kit"),
        "Vantage office has both ssh and kit; a run logs in to it, or a person carries a kit there: take one out.",
    ),
    Row(
        "a kit that is carried to the operations host",
        lambda at: at.site["vantages"]["here"].update(kit=True),
        "site",
        ("vantages", "here", "kit"),
        'Vantage "here" is the operations host itself, to which nothing is carried; take kit out.',
    ),
    Row(
        "the operations host logs in to itself",
        login("here"),
        "site",
        ("vantages", "here", "ssh"),
        'Vantage "here" is the operations host itself',
    ),
    Row(
        "a way through a host that no flow leads to",
        both(
            login(jump={"address": "10.20.0.10", "user": "jump", "key": "file:jump"}),
            permitted("corporate-dmz", source="10.20.0.10"),
        ),
        "site",
        (*SSH, "jump", "address"),
        "Vantage office is logged in to at 10.20.0.10 by tcp/22 from 10.40.0.30 in zone line3, and no flow permits that",
    ),
)
GOOD = (
    both(login(), permitted()),
    both(login(), permitted(service="tcp/1-1024")),
    both(login(), permitted(service="tcp")),
    both(login(), permitted(source="10.40.0.0/24", destination="10.10.0.0/24")),
    both(login(address="10.40.0.77")),
)
"""Logins that are permitted, the last without a conduit on its way."""
