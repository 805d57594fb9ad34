"""Rendering and reading, without a device: exact lines, and what is made of every odd answer."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from islandmode.core.errors import InputError
from islandmode.core.rendering import Rendering
from islandmode.isolation.nftables import reading, recipe
from islandmode.isolation.nftables import saved as saved_files
from islandmode.isolation.table import mend_saved
from tests.isolation.nftables.plant import planned

BETWEEN = {"remote-access": ("vendors", "line3"), "corporate-dmz": ("corporate", "dmz")}
INTERFACES = {"vendors": ("eth2",), "line3": ("eth4",), "corporate": ("eth1",), "dmz": ("eth3",)}
STAGES = {"vendors": ("remote-access",), "corporate": ("corporate-dmz",), "elsewhere": ()}
OWN = "inet islandmode_remote_access"
COUNTER = f"counter {OWN} by_this-run"
PAIRS = '{ "eth2" . "eth4", "eth4" . "eth2", "eth2" . "eth2" }'
TIMED = '{ "eth2" . "eth4" timeout 180s, "eth4" . "eth2" timeout 180s, "eth2" . "eth2" timeout 180s }'


def rendered() -> Rendering:
    return recipe.render("fw", STAGES, BETWEEN, INTERFACES, 180.0, {})


def test_arming_creates_sets_chains_rules_and_timers_in_one_line() -> None:
    (line,) = rendered().arm
    both = "iifname . oifname @armed iifname . oifname @hold counter drop"
    assert line.split("; create table ")[0].replace("; add", "\nadd").splitlines() == [
        f"create table {OWN}",
        f"add set {OWN} armed {{ type ifname . ifname; flags timeout; }}",
        f"add set {OWN} hold {{ type ifname . ifname; flags timeout; }}",
        f"add set {OWN} ticket {{ type ifname; flags timeout; }}",
        f"add chain {OWN} forward {{ type filter hook forward priority -10; policy accept; }}",
        f"add chain {OWN} input {{ type filter hook input priority -10; policy accept; }}",
        f"add chain {OWN} output {{ type filter hook output priority -10; policy accept; }}",
        f'add rule {OWN} forward iifname "eth2" oifname "eth2" accept',
        f'add rule {OWN} forward iifname "eth2" {both} comment "inward"',
        f'add rule {OWN} forward oifname "eth2" {both} comment "outward"',
        f"add rule {OWN} input icmpv6 type {{ nd-neighbor-solicit, nd-neighbor-advert }} accept",
        f'add rule {OWN} input iifname . iifname @armed iifname . iifname @hold counter drop comment "inward"',
        f"add rule {OWN} output icmpv6 type {{ nd-neighbor-solicit, nd-neighbor-advert }} accept",
        f'add rule {OWN} output oifname . oifname @armed oifname . oifname @hold counter drop comment "outward"',
        f"add element {OWN} armed {TIMED}",
        f"add {COUNTER}",
    ]
    assert "\n" not in line
    assert line.count("create table ") == 2


TICKET = f'element {OWN} ticket {{ "this-ticket"'


def test_isolate_and_renew_are_a_ticket_and_one_line_and_restore_is_one_line() -> None:
    value = rendered()
    assert [(stage.stage, stage.conduits) for stage in value.stages] == [
        ("vendors", ("remote-access",)),
        ("corporate", ("corporate-dmz",)),
    ]
    given = f"delete {COUNTER}; add {COUNTER}; add {TICKET} timeout 2s }}"
    assert value.stages[0].isolate == (
        given,
        f"delete {TICKET} }}; delete {COUNTER}; add {COUNTER}; add element {OWN} hold {PAIRS}",
    )
    assert value.renew[0] == given
    assert value.renew[1].split("; ")[:5] == [
        f"delete {TICKET} }}",
        f"delete {COUNTER}",
        f"add {COUNTER}",
        f"delete element {OWN} armed {PAIRS}",
        f"add element {OWN} armed {TIMED}",
    ]
    assert value.restore[0] == f"nft 'add table {OWN}; delete table {OWN}'"
    assert len(value.restore) == 2
    assert value.conduits == ("remote-access", "corporate-dmz")
    assert value.capabilities.arms == "before"


def test_isolating_writes_nothing_but_elements() -> None:
    """A line that could create anything could isolate without a timer when it comes late."""
    for stage in rendered().stages:
        spent, ours, again, *elements = stage.isolate[1].split("; ")
        # Deleting the ticket fails, and the whole line with it, after its time.
        assert spent.startswith("delete element inet islandmode_")
        # The counter that names the run: deleting it fails, and the whole line with it, where it is not there.
        assert ours.replace("delete ", "add ") == again
        assert ours.startswith("delete counter inet islandmode_")
        for command in elements:
            assert command.startswith("add element inet islandmode_")
            assert " hold " in command
            assert "timeout" not in command


def test_a_line_about_two_conduits_names_one_ticket_once() -> None:
    both = ("remote-access", "corporate-dmz")
    given_out = recipe.ticket_line(both, "a-run", "t-1", 3)
    line = recipe.isolate_line(both, BETWEEN, INTERFACES, "a-run", "t-1")
    assert given_out.endswith(f'add element {OWN} ticket {{ "t-1" timeout 3s }}')
    assert line.count("t-1") == 1
    assert line.startswith(f'delete element {OWN} ticket {{ "t-1" }}; ')
    assert recipe.list_tickets(both) == f"list set {OWN} ticket"


def test_every_ticket_is_another_and_fits_into_its_set() -> None:
    drawn = [recipe.new_ticket() for _ in range(1000)]
    assert len(set(drawn)) == len(drawn)
    assert max(len(one) for one in drawn) <= 15


@pytest.mark.parametrize(
    ("trip_s", "life_s"), [(0.0, 2), (0.01, 2), (0.5, 2), (0.51, 3), (0.76, 4), (1.0, 4), (1.01, None), (30.0, None)]
)
def test_a_ticket_lives_two_seconds_or_four_round_trips_and_at_most_four_seconds(
    trip_s: float, life_s: int | None
) -> None:
    assert recipe.ticket_life_s(trip_s) == life_s
    assert life_s is None or life_s + recipe.LATEST_MARGIN_S <= recipe.CAPABILITIES.latest_s


def test_a_ticket_counts_only_where_it_is_read_back_with_its_timer() -> None:
    def answer(*elements: object) -> str:
        return json.dumps({"nftables": [{"metainfo": {}}, {"set": {"name": "ticket", "elem": list(elements)}}]})

    timed = {"elem": {"val": "t-1", "timeout": 2, "expires": 1}}
    assert reading.ticket_left_s(answer(timed), "t-1") == 1
    assert reading.ticket_left_s(answer(timed), "t-2") is None
    assert reading.ticket_left_s(answer("t-1"), "t-1") is None
    assert reading.ticket_left_s(answer(), "t-1") is None
    assert reading.ticket_left_s("", "t-1") is None


def test_a_release_is_one_line_that_fails_as_a_whole_on_another_runs_table() -> None:
    line = recipe.release_line(("remote-access", "corporate-dmz"), "a-run")
    assert line.split("; ") == [
        f"delete counter {OWN} by_a-run",
        f"delete table {OWN}",
        "delete counter inet islandmode_corporate_dmz by_a-run",
        "delete table inet islandmode_corporate_dmz",
    ]


@given(
    st.lists(st.sampled_from("abcdef"), min_size=1, unique=True),
    st.lists(st.sampled_from("uvwxyz"), min_size=1, unique=True),
)
def test_pairs_cover_both_directions_and_the_firewall_and_nothing_else(outer: list[str], inner: list[str]) -> None:
    pairs = recipe.pairs_of(tuple(outer), tuple(inner))
    assert len(set(pairs)) == len(pairs)
    wanted = {(one, other) for one in outer for other in inner} | {(other, one) for one in outer for other in inner}
    assert set(pairs) == wanted | {(one, one) for one in outer}


@pytest.mark.parametrize(
    ("interfaces", "words"),
    [
        (INTERFACES | {"vendors": ()}, "needs an interface towards zone vendors"),
        ({"line3": ("eth4",)}, "needs an interface towards zone vendors"),
        (INTERFACES | {"vendors": ('eth2" accept; flush ruleset',)}, "is no interface name"),
        (INTERFACES | {"vendors": ("a-name-that-is-too-long",)}, "is no interface name"),
        (INTERFACES | {"vendors": ("eth4",)}, "leads to both vendors and line3"),
    ],
)
def test_a_point_that_cannot_part_the_zones_is_refused(interfaces: dict[str, tuple[str, ...]], words: str) -> None:
    with pytest.raises(InputError, match=words):
        recipe.render("fw", STAGES, BETWEEN, interfaces, 180.0, {})


def element(one: str, other: str, expires: int | None) -> dict[str, Any]:
    value: dict[str, Any] = {"concat": [one, other]}
    return value if expires is None else {"elem": {"val": value, "timeout": 180, "expires": expires}}


def listing(armed: list[dict[str, Any]], hold: list[dict[str, Any]], **changed: Any) -> str:
    """What `nft -j list table` says of a table that stands as it was rendered, except for what is changed."""
    hooks = {
        name: {"name": name, "hook": name, "prio": changed.get("prio", -10)} for name in ("forward", "input", "output")
    }
    rules = [
        ("forward", "inward", "eth2"),
        ("forward", "outward", "eth2"),
        ("input", "inward", ""),
        ("output", "outward", ""),
    ]
    rows: list[dict[str, Any]] = [{"metainfo": {"version": "1.0.6"}}, {"table": {"name": "t"}}]
    rows += [
        {"set": {"name": "armed", "elem": armed}},
        {"set": {"name": "hold", "elem": hold} if hold else {"name": "hold"}},
    ]
    rows += [{"chain": chain} for chain in hooks.values()]
    rows += [
        {"rule": {"chain": chain, "comment": direction, "expr": expressions(only)}}
        for chain, direction, only in rules
        if chain != changed.get("without")
    ]
    return json.dumps({"nftables": rows})


def expressions(only: str) -> list[dict[str, Any]]:
    matches: list[dict[str, Any]] = [{"match": {"right": right}} for right in ([only] if only else [])]
    matches += [{"match": {"right": right}} for right in ("@armed", "@hold")]
    return [*matches, {"counter": {"packets": 3, "bytes": 300}}, {"drop": None}]


ALL = (("eth2", "eth4"), ("eth4", "eth2"), ("eth2", "eth2"))
ARMED = [element(*pair, expires=seconds) for pair, seconds in zip(ALL, (170, 169, 171), strict=True)]
HOLD = [element(*pair, expires=None) for pair in ALL]


@pytest.mark.parametrize(
    ("armed", "hold", "changed", "armed_s", "isolating"),
    [
        (ARMED, HOLD, {}, 169.0, True),
        (ARMED, [], {}, 169.0, False),
        (ARMED, HOLD[:2], {}, 169.0, False),
        (ARMED[:2], HOLD, {}, None, False),
        ([], HOLD, {}, None, False),
        ([element(*pair, expires=None) for pair in ALL], HOLD, {}, None, False),
        ([*ARMED[:2], element("eth2", "eth2", 0)], HOLD, {}, 0.0, True),
        (ARMED, HOLD, {"without": "output"}, 169.0, False),
        (ARMED, HOLD, {"without": "forward"}, 169.0, False),
        (ARMED, HOLD, {"prio": 10}, 169.0, False),
    ],
)
def test_state_is_what_the_device_shows(
    armed: list[Any], hold: list[Any], changed: dict[str, Any], armed_s: float | None, *, isolating: bool
) -> None:
    state = reading.state_of(listing(armed, hold, **changed), ("eth2",), ("eth4",), (), None)
    assert (state.present, state.armed_s, state.isolating) == (True, armed_s, isolating)


def test_no_listing_means_absent_and_entries_mean_held() -> None:
    assert reading.state_of("", ("eth2",), ("eth4",), (), None) == reading.ABSENT
    assert reading.holds_anything(listing(ARMED, HOLD[:1]))
    assert not reading.holds_anything(listing(ARMED, []))


@pytest.mark.parametrize(
    ("devices", "found"), [(["eth1", "eth4"], {"eth1", "eth4"}), ("eth1", {"eth1"}), ([], set[str]())]
)
def test_interfaces_whose_flows_go_past_every_rule_are_named(devices: object, found: set[str]) -> None:
    answer = json.dumps({"nftables": [{"metainfo": {}}, {"flowtable": {"name": "fast", "dev": devices}}]})
    assert reading.offloaded(answer) == found
    assert reading.offloaded("") == frozenset()


MOVING = """table inet site {
	set seen { # handle 2
		type ipv4_addr
		flags dynamic,timeout
		timeout 1h
		elements = { 10.0.0.1 timeout 1h,
				10.0.0.2 timeout 1h }
	}

	set plain { # handle 3
		type ipv4_addr
		elements = { 10.0.0.3 }
	}
}
"""


def test_only_what_moves_by_itself_is_left_out_of_the_comparison() -> None:
    still = reading.comparable(MOVING)
    assert "10.0.0.1" not in still
    assert "10.0.0.2" not in still
    assert "10.0.0.3" in still
    assert still.count("}") == MOVING.count("}") - 1


SITE = 'table inet site { # handle 1\n\tchain forward { # handle 2\n\t\taccept comment "no islandmode_x" # handle 3\n\t}\n}\n'
OUR_TABLE = "table inet islandmode_remote_access { # handle 7\n\tchain forward { # handle 1\n\t}\n}"


def test_a_listing_without_an_end_is_read_in_one_pass() -> None:
    """Eight thousand such lines took a minute, in which nothing else of the process could run."""
    begins = "table inet islandmode_x {\n"
    assert reading.ours_in(begins * 100_000) == (begins * 100_000).rstrip()
    assert reading.comparable("\tset a {\n" * 100_000) == "\tset a {\n" * 100_000
    block = "\tset a {\n\t\ttimeout 3s\n" + "\t\telements = {\n" * 100_000
    assert reading.comparable(block + "\t}\n") == block + "\t}\n"


@pytest.mark.parametrize(
    ("text", "tables", "ours"),
    [
        (SITE + OUR_TABLE, None, OUR_TABLE),
        (SITE + OUR_TABLE + "\n" + SITE, ["islandmode_remote_access"], OUR_TABLE),
        (SITE + OUR_TABLE, ["islandmode_remote"], ""),
        ("table inet islandmode_x { }\n" + SITE, None, "table inet islandmode_x { }"),
        ("add table inet islandmode_x\n" + SITE, None, "add table inet islandmode_x"),
        (SITE + "# table inet islandmode_x { is gone\n", None, ""),
        ("", None, ""),
    ],
)
def test_ours_in_a_ruleset_is_what_is_there_and_not_what_speaks_of_it(
    text: str, tables: list[str] | None, ours: str
) -> None:
    assert reading.ours_in(text, tables) == ours


@pytest.mark.parametrize("ours", [OUR_TABLE, "table inet islandmode_x { }", "table inet islandmode_x {\n}"])
def test_the_command_that_mends_a_saved_isolation_takes_nothing_of_the_site(tmp_path: Path, ours: str) -> None:
    saved = tmp_path / "saved.conf"
    for text in (SITE + ours + "\n" + SITE, ours + "\n" + SITE, f"{ours}\n{ours}\n{SITE}"):
        saved.write_text(text, encoding="utf-8")
        mend = recipe.MEND_SAVED.split(" && ")[0].replace(recipe.SAVED, str(saved))
        subprocess.run(["sh", "-c", mend], check=True)
        assert saved.read_text(encoding="utf-8") == text.replace(ours + "\n", "")


def test_the_command_that_mends_takes_ours_out_of_each_file_in_which_it_stands(tmp_path: Path) -> None:
    texts = {"main.conf": SITE, "with blank.nft": f"{SITE}{OUR_TABLE}\n", "other.nft": f"{OUR_TABLE}\n{SITE}"}
    files = tuple((str(tmp_path / name), text) for name, text in texts.items())
    for path, text in files:
        Path(path).write_text(text, encoding="utf-8")
    found = saved_files.with_ours(files)
    assert found == tuple(str(tmp_path / name) for name in ("with blank.nft", "other.nft"))
    mend = saved_files.mend(found)
    assert mend.endswith(f" && nft -c -f {recipe.SAVED}")
    subprocess.run(["sh", "-c", mend.partition(" && ")[0]], check=True)
    assert {Path(path).read_text(encoding="utf-8") for path, _ in files} == {SITE}


def test_the_command_that_mends_without_files_is_for_the_main_file() -> None:
    assert saved_files.mend() == recipe.MEND_SAVED == mend_saved(planned(("corporate-line3",)), (recipe.SAVED,))
