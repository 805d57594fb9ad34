"""The stand-in of a bench: what is left of a recipe for it, and what of a configuration makes it more than an object that isolates nothing."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from islandmode.core.bench.stand_in import STAND_IN, is_stand_in
from islandmode.core.quantities import NAME_PATTERN
from islandmode.core.recipe.shipped import SHIPPED
from islandmode.core.recipe.stand_in import object_name, referring, says_itself, stand_in_recipe
from islandmode.core.recipe.steps import RunValues, asks_of, planned, step_lines
from islandmode.isolation.nftables import recipe as nftables
from islandmode.isolation.nftables.platform import NFTABLES
from tests.core.recipe_plant import ACLS, OFFICE, VENDOR, point, recipe, sent
from tests.emulators.plant import NOW
from tests.isolation.nftables.plant import INTERFACES
from tests.isolation.nftables.plant import planned as plan_of

WITH = [name for name in SHIPPED if recipe(name).stand_in is not None]
ITSELF = r'^\s*edit "islandmode_STAND_IN"\s*$'
AT = point(replace(OFFICE, name=STAND_IN), options=ACLS)
RUNNING = RunValues("a-bench", 120.0, NOW.replace(second=0, microsecond=0))


def test_every_clock_recipe_that_ships_has_one() -> None:
    assert [name for name in SHIPPED if recipe(name).cycle == "clock"] == WITH


def test_no_conduit_can_have_its_name() -> None:
    """Nor can it where a device makes no difference between capitals and small letters, or an underscore stands for a hyphen."""
    assert not re.match(NAME_PATTERN, STAND_IN)
    assert not re.match(NAME_PATTERN, STAND_IN.lower())
    assert nftables.table_of(STAND_IN) not in {nftables.table_of(name) for name in ("stand-in", "stand", "in")}


@pytest.mark.parametrize("name", WITH)
def test_all_that_is_sent_for_it_is_about_one_object(name: str) -> None:
    """Not one line names an interface, a network, a list or a policy; connections are left alone."""
    alone = stand_in_recipe(recipe(name))
    assert sent(step_lines(alone, "flush", AT, RUNNING)) == []
    assert sent(step_lines(alone, "provision", AT, planned(0))) == []
    lines = {
        line
        for step in ("arm", "isolate", "restore", "take_away")
        for line in sent(step_lines(alone, step, AT, RUNNING))
    }
    asks = {ask.send for ask in asks_of(alone, alone.reads.state, AT, STAND_IN)}
    said = " ".join((*lines, *asks))
    for word in (
        *OFFICE.outer_interfaces,
        *OFFICE.inner_interfaces,
        "policy",
        "access-list",
        "10.",
        "fd10",
        *ACLS.values(),
    ):
        assert word not in said
    assert len(asks) == 1
    assert all(
        object_name(recipe(name)) in line
        for line in (*asks, *(line for line in lines if "edit" in line or "time-range" in line))
    )


@pytest.mark.parametrize(("name", "says"), [("fortios-schedule", False), ("ios-time-range", True)])
def test_whether_a_device_says_itself_that_it_acts_is_known(name: str, says: bool) -> None:  # noqa: FBT001 - a row
    assert says_itself(stand_in_recipe(recipe(name))) is says


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", ()),
        ('config x\n    edit "islandmode_STAND_IN"\n    next\n', ()),
        (
            '    edit "islandmode_STAND_IN"\n        set schedule "islandmode_STAND_IN"\n',
            ('set schedule "islandmode_STAND_IN"',),
        ),
        ('    edit "islandmode_STAND_IN_2"\n', ('edit "islandmode_STAND_IN_2"',)),
        ('    set comments "see islandmode_STAND_IN"\n', ('set comments "see islandmode_STAND_IN"',)),
        ('    edit "islandmode_office-line"\n', ()),
    ],
)
def test_every_line_with_its_name_that_is_not_it_refers_to_it(text: str, found: tuple[str, ...]) -> None:
    assert referring(recipe("fortios-schedule"), text, ITSELF) == found


def test_a_drill_s_plan_is_for_no_stand_in() -> None:
    drill = plan_of()
    made = NFTABLES.stand_in(drill)
    assert made is not None
    assert (is_stand_in(drill), is_stand_in(made)) == (False, True)


def test_on_a_linux_firewall_no_line_names_an_interface_of_the_site() -> None:
    made = NFTABLES.stand_in(plan_of())
    assert made is not None
    lines = (
        *made.rendering.arm,
        *made.rendering.restore,
        *(line for stage in made.rendering.stages for line in stage.isolate),
    )
    said = " ".join(lines)
    assert not [name for names in INTERFACES.values() for name in names if f'"{name}"' in said]
    assert all(f'"{name}"' in said for name in nftables.BENCH)


def test_the_vendor_s_conduit_is_no_part_of_it() -> None:
    at = point(replace(VENDOR, name=STAND_IN), options=ACLS)
    for name in WITH:
        alone = stand_in_recipe(recipe(name))
        assert sent(step_lines(alone, "arm", at, RUNNING)) == sent(step_lines(alone, "arm", AT, RUNNING))
