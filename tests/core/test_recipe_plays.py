"""Lines that are plays: what they name, what they give, and how a plan shows them."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from islandmode.core.recipe.derive import latest_s
from islandmode.core.recipe.place import PointAt
from islandmode.core.recipe.plays import PlayRun, play_line, play_runs
from islandmode.core.recipe.reading import Shown, read_state
from islandmode.core.recipe.rendered import rendering
from islandmode.core.rendering import RecipeUsed
from tests.core.recipe_plant import OFFICE, VENDOR, point
from tests.isolation.by_play.world import recipe

AT = point(OFFICE, VENDOR)
VALUES = st.text(st.characters(codec="ascii", exclude_categories=["C"], exclude_characters="'\""), max_size=30)


@given(st.dictionaries(st.from_regex(r"[b-z][a-z0-9_]{0,8}", fullmatch=True), VALUES, max_size=5))
def test_a_line_gives_what_stands_in_it(values: Mapping[str, str]) -> None:
    line = play_line(" ".join(["playbooks/isolate.yml", *(f"'{key}={value}'" for key, value in values.items())]))
    assert (line.playbook, line.given) == ("playbooks/isolate.yml", values)


def test_lines_that_name_one_playbook_are_one_run_of_it() -> None:
    lines = ("a.yml table=x", "b.yaml table=x", "a.yml table=y")
    assert play_runs(lines) == (
        PlayRun("a.yml", ({"table": "x"}, {"table": "y"})),
        PlayRun("b.yaml", ({"table": "x"},)),
    )


@pytest.mark.parametrize(
    "text",
    ["", "show version", "/etc/a.yml", "a/../b.yml x=1", "a.yml x", "a.yml X=1", "a.yml ansible_host=x", "a.yml 'x=1"],
)
def test_what_is_no_line_of_a_play_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        play_line(text)


def test_a_plan_shows_which_playbook_runs_and_restores_by_lines() -> None:
    made = recipe()
    used = RecipeUsed(name=made.recipe, version=made.version, sha256="0" * 64)
    shown = rendering(made, used, AT, {"only": ("office-line", "vendor-line")}, 60.0)
    assert all(line.startswith("ansible-playbook playbooks/arm.yml table=islandmode_") for line in shown.arm)
    assert all(line.startswith("ansible-playbook playbooks/isolate.yml ") for line in shown.stages[0].isolate)
    assert not any("ansible" in line or ".yml" in line for line in shown.restore)
    assert shown.renew == ()


@pytest.mark.parametrize(("dead_man_s", "said_s"), [(60.0, 60.0), (600.0, 85.0)])
def test_another_process_counts_a_play_as_long_as_one_may_take(dead_man_s: float, said_s: float) -> None:
    assert latest_s(recipe(), dead_man_s) == said_s


TABLE = """\
table inet islandmode_office-line {{
	counter by_2026-a-run {{
		packets 0 bytes 0
	}}

	set armed {{
		type ifname . ifname
		flags timeout{armed}
	}}

	set hold {{
		type ifname . ifname
		flags timeout{hold}
	}}

	chain forward {{
		type filter hook forward priority filter - 10; policy accept;
		iifname . oifname @armed iifname . oifname @hold counter packets 0 bytes 0 drop
	}}
}}
whole
"""
PAIRS = tuple((outer, inner) for outer in OFFICE.outer_interfaces for inner in OFFICE.inner_interfaces)


def seen(armed: str, hold: str) -> Shown:
    made = recipe()
    ask = "sudo -n /usr/sbin/nft list ruleset && echo whole"

    def elements(form: str) -> str:
        ways = (way for pair in PAIRS for way in (pair, pair[::-1]))
        words = ", ".join(f'"{entering}" . "{other}"{form}' for entering, other in ways)
        return f"\n\t\telements = {{ {words} }}"

    text = TABLE.format(
        armed=elements(f" timeout 1m expires {armed}") if armed else "", hold=elements("") if hold else ""
    )
    found = read_state(made, PointAt(AT.name, AT.management, AT.options, AT.conduits), OFFICE.name, {ask: text}, None)
    assert isinstance(found, Shown), found
    return found


@pytest.mark.parametrize(
    ("told", "left_s"), [("59s980ms", 59.0), ("1m500ms", 60.0), ("1h2m3s4ms", 3723.0), ("1d", 86400.0), ("500ms", None)]
)
def test_what_is_left_of_the_timer_is_read_in_every_form(told: str, left_s: float | None) -> None:
    assert seen(told, "hold").left_s == left_s
    assert seen(told, "hold").isolating
    assert not seen(told, "").isolating


def test_a_table_whose_timer_has_ended_isolates_nothing_and_is_to_be_taken_away() -> None:
    for hold in ("", "hold"):
        left = seen("", hold)
        assert (left.isolating, left.partly, left.left_s, left.owner) == (False, False, None, "2026-a-run")
        assert not left.at_rest
