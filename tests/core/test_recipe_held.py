"""Whether another session has locked a device's configuration, by what documents and public parsers say that a device shows."""

from __future__ import annotations

import pytest

from islandmode.core.recipe.check import recipe_problems
from islandmode.core.recipe.held import HeldBy, held_told, read_held, refused_as_held
from islandmode.core.recipe.model import Held
from islandmode.core.recipe.reading import Unread, refused_by
from tests.core.recipe_plant import recipe

FREE = """
Parser Configure Lock
---------------------
Owner PID         : -1
User              : unknown
TTY               : -1
Type              : NO LOCK
State             : FREE
Class             : unknown
Count             : 0
Pending Requests  : 0
User debug info   :
"""
LOCKED = FREE.replace(
    "-1\nUser              : unknown\nTTY               : -1", "261\nUser              : okello\nTTY               : 1"
)
LOCKED = LOCKED.replace("NO LOCK", "EXCLUSIVE").replace("FREE", "LOCKED")
SESSION = """Config Session Lock
---------------------
Owner PID   : 578
TTY number  : 2
TTY username    : okello
User debug info : CLI Session Lock
Lock Active time (in Sec)   : 17
"""
REFUSED = (
    "Configuration mode is locked by process '484' user 'okello' from terminal '64'. Please try later.",
    "Configuration mode locked exclusively by user 'okello' process '187' from terminal '7'. Please try later.",
)
OWN = "Configuration mode locked exclusively. The lock will be cleared once you exit out of configuration mode using end/exit"
IOS = ("ios-revert", "ios-time-range")
each_ios = pytest.mark.parametrize("name", IOS)


def held_of(name: str) -> Held:
    held = recipe(name).held
    assert held is not None
    return held


@each_ios
@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (FREE, None),
        (LOCKED, HeldBy("okello")),
        (LOCKED.replace("         :", ":").replace("     :", ":"), HeldBy("okello")),
        (SESSION, HeldBy("okello")),
        (SESSION + FREE, HeldBy("okello")),
        (FREE.replace("\n", "\r\n"), None),
    ],
)
def test_what_a_router_shows(name: str, shown: str, expected: HeldBy | None) -> None:
    assert read_held(recipe(name), held_of(name), shown) == expected


@each_ios
@pytest.mark.parametrize("shown", ["", "Owner PID : 3\n", "            ^\n% Invalid input detected at '^' marker.\n"])
def test_what_shows_neither_is_not_seen(name: str, shown: str) -> None:
    found = read_held(recipe(name), held_of(name), shown)
    assert isinstance(found, Unread)
    assert '"show configuration lock"' in found.why


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        ("txn_next_id=8, txn_nr=0\n", None),
        ("txn_next_id=8, txn_nr=2\n", HeldBy("")),
        ("txn_next_id=10, txn_nr=10\n", HeldBy("")),
    ],
)
def test_what_a_firewall_shows(shown: str, expected: HeldBy | None) -> None:
    shipped = recipe("fortios-schedule")
    assert read_held(shipped, held_of(shipped.recipe), shown) == expected
    assert isinstance(read_held(shipped, held_of(shipped.recipe), "no transaction\n"), Unread)


@pytest.mark.parametrize(
    "said",
    [
        "Can not config the object since either the object or the referenced objects are being configured by other transactions.\n",
        "Can not config the object since either the object\nor the referenced objects are being configured\nby other transactions.\n",
    ],
)
def test_a_refusal_of_a_firewall_is_known_however_its_lines_break(said: str) -> None:
    shipped = recipe("fortios-schedule")
    assert refused_as_held(shipped, f"{said}Command fail.\nReturn code 14\n") == HeldBy("")


@each_ios
@pytest.mark.parametrize("said", REFUSED)
def test_a_refusal_of_a_router_names_the_login(name: str, said: str) -> None:
    shipped = recipe(name)
    assert refused_as_held(shipped, f"{said}\n") == HeldBy("okello")
    assert refused_by(shipped, f"{said}\n") == said[:60]
    assert "by okello; let them leave" in held_told(held_of(name), "okello")


@each_ios
def test_the_lock_that_a_drill_takes_itself_is_no_refusal(name: str) -> None:
    """With `configuration mode exclusive auto` every session that configures is told so."""
    shipped = recipe(name)
    assert (refused_as_held(shipped, OWN), refused_by(shipped, OWN)) == (None, None)


def test_what_asks_for_a_lock_must_only_look() -> None:
    shipped = recipe("ios-time-range")
    writes = shipped.model_copy(
        update={"held": held_of("ios-time-range").model_copy(update={"ask": "clear configuration lock"})}
    )
    (problem,) = recipe_problems(writes)
    assert problem.path == ("held", "ask")
    assert "looks like a command that changes something" in problem.sentence
