"""What devices answer, as public documents and reports show it, and what is read in it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from islandmode.core.recipe.model import DeviceTime, Find, Recipe
from islandmode.core.recipe.place import PointAt
from islandmode.core.recipe.reading import (
    Shown,
    Unread,
    Value,
    _take,
    read_count,
    read_state,
    read_time,
    refused_by,
    was_already_so,
)
from islandmode.core.recipe.steps import asked_once, asks_of
from islandmode.core.recipe.window import armed_window, isolating_window, owner_of
from islandmode.core.recipe.words import write_moment
from tests.core.recipe_plant import ACLS, ENDS, NOW, OFFICE, RUN, point, recipe

FORTI = "%H:%M %Y/%m/%d"
IOS = "%H:%M %d %B %Y"
ONE_PAIR = replace(OFFICE, outer_networks=OFFICE.outer_networks[:1])
SCHEDULE = 'show firewall schedule onetime "islandmode_office-line"'
POLICY = 'show firewall policy | grep -f "islandmode_office-line_{}"'
LOCAL = 'show firewall local-in-policy{} | grep -f "islandmode_office-line"'


def schedule(starts: str, ends: str) -> str:
    """Later builds show the moments in quotes, and two more that count from 1970."""
    return (
        'config firewall schedule onetime\n    edit "islandmode_office-line"\n'
        f"        set start {starts}\n        set end {ends}\n        set expiration-days 3\n    next\nend\n"
    )


def policy(way: str, more: str = "") -> str:
    return (
        f'config firewall policy\n    edit 17\n        set name "islandmode_office-line_{way}" <---\n        set uuid 1-2-3\n'
        '        set srcintf "port1" "port2"\n        set dstintf "port5"\n        set srcaddr "all"\n        set dstaddr "all"\n'
        f'{more}        set schedule "islandmode_office-line"\n        set service "ALL"\n        set logtraffic all\n    next\nend\n'
    )


def local_in(family: str, *interfaces: str) -> str:
    blocks = [
        f'    edit {number}\n        set intf "{name}"\n        set srcaddr "all"\n        set dstaddr "all"\n        set service "ALL"\n'
        '        set schedule "islandmode_office-line"\n    next\n'
        for number, name in enumerate(interfaces or ("port1", "port2"))
    ]
    return f"config firewall local-in-policy{family}\n{''.join(blocks)}end\n"


def fortios(starts: str, ends: str, more: str = "") -> dict[str, str]:
    return {
        SCHEDULE: schedule(starts, ends),
        POLICY.format("in"): policy("in", more),
        POLICY.format("out"): policy("out"),
        LOCAL.format(""): local_in(""),
        LOCAL.format("6"): local_in("6"),
    }


def time_range(starts: str, ends: str, word: str) -> str:
    return (
        f"time-range entry: islandmode_office-line ({word})\n   absolute start {starts} end {ends}\n"
        "   used in: IP ACL entry\n   used in: IP ACL entry\n"
    )


def access_lists(word: str, matches: str = "") -> dict[str, str]:
    shown = f"log time-range islandmode_office-line ({word}){matches}"
    return {
        "show ip interface port5 | include access list": "  Outgoing access list is OT-OUT\n  Inbound  access list is OT-IN\n",
        "show ip access-lists OT-IN": "Extended IP access list OT-IN\n    1 permit ip any host 10.20.0.9\n"
        f"    2 deny ip 10.20.0.0 0.0.0.255 10.10.0.0 0.0.255.255 {shown}\n    100 permit ip any any (8812 matches)\n",
        "show ip access-lists OT-OUT": "Extended IP access list OT-OUT\n"
        f"    5 deny ip 10.10.0.0 0.0.255.255 10.20.0.0 0.0.0.255 {shown}\n    100 permit ip any any\n",
    }


def ios(starts: str, ends: str, word: str = "inactive", matches: str = "") -> dict[str, str]:
    return {"show time-range islandmode_office-line": time_range(starts, ends, word)} | access_lists(word, matches)


AT_IOS = point(ONE_PAIR, options=ACLS)


def state(name: str, answers: dict[str, str], at: PointAt | None = None, now: datetime | None = NOW) -> Shown | Unread:
    return read_state(recipe(name), at or point(), "office-line", answers, now)


def shown(name: str, answers: dict[str, str], at: PointAt | None = None, now: datetime | None = NOW) -> Shown:
    found = state(name, answers, at, now)
    assert isinstance(found, Shown), found
    return found


def why(name: str, answers: dict[str, str], at: PointAt | None = None, now: datetime | None = NOW) -> str:
    found = state(name, answers, at, now)
    assert isinstance(found, Unread), found
    return found.why


def written(form: str, *moments: datetime) -> tuple[str, str]:
    starts, ends = (write_moment(form, moment) for moment in moments)
    return starts, ends


ARMED, ISOLATING = armed_window(RUN, ENDS), isolating_window(RUN, ENDS)


class TestFortiOS:
    name = "fortios-schedule"

    def test_it_asks_for_the_schedule_and_every_deny_of_it_each_once(self) -> None:
        asks = asks_of(recipe(self.name), recipe(self.name).reads.state, point(), "office-line")
        assert asked_once(asks) == (
            *(SCHEDULE, POLICY.format("in"), POLICY.format("out")),
            *(LOCAL.format(""), LOCAL.format("6")),
        )

    def test_at_rest(self) -> None:
        found = shown(self.name, fortios("00:00 2001/01/01", "00:01 2001/01/01"))
        assert (found.at_rest, found.in_place, found.isolating, found.left_s) == (True, True, False, None)

    @pytest.mark.parametrize("quote", ["", '"'])
    def test_armed(self, quote: str) -> None:
        starts, ends = written(FORTI, ARMED.starts, ARMED.ends)
        found = shown(self.name, fortios(f"{quote}{starts}{quote}", f"{quote}{ends}{quote}"))
        assert found.window is not None
        assert (found.window.says, found.window.owner, found.left_s) == ("armed", owner_of(RUN), 340.0)
        assert (found.isolating, found.at_rest) == (False, False)

    def test_isolating(self) -> None:
        found = shown(self.name, fortios(*written(FORTI, ISOLATING.starts, ISOLATING.ends)))
        assert (found.isolating, found.partly, found.left_s, found.at_rest) == (True, False, 340.0, False)

    def test_a_new_build_shows_moments_that_count_from_1970_beside_ours(self) -> None:
        starts, ends = written(FORTI, ISOLATING.starts, ISOLATING.ends)
        answers = fortios(
            f'"{starts}"\n        set start-utc "1170560000"', f'"{ends}"\n        set end-utc "1795688460"'
        )
        assert shown(self.name, answers).left_s == 340.0

    def test_over_is_at_rest(self) -> None:
        found = shown(self.name, fortios(*written(FORTI, ISOLATING.starts, ISOLATING.ends)), now=ENDS)
        assert (found.isolating, found.at_rest, found.left_s) == (False, True, None)

    @pytest.mark.parametrize(
        "more", ["        set status disable\n", "        set action accept\n"], ids=["disabled", "accepting"]
    )
    def test_a_policy_that_denies_nothing_is_not_in_place(self, more: str) -> None:
        found = shown(self.name, fortios(*written(FORTI, ISOLATING.starts, ISOLATING.ends), more))
        assert (found.in_place, found.isolating, found.partly, found.at_rest) == (False, False, True, False)

    def test_a_policy_that_is_gone_is_not_in_place(self) -> None:
        answers = fortios("00:00 2001/01/01", "00:01 2001/01/01") | {
            POLICY.format("out"): "config firewall policy\nend\n"
        }
        assert shown(self.name, answers).in_place is False

    @pytest.mark.parametrize("family", ["", "6"])
    def test_a_local_deny_that_is_gone_is_not_in_place(self, family: str) -> None:
        asked, answers = LOCAL.format(family), fortios("00:00 2001/01/01", "00:01 2001/01/01")
        assert shown(self.name, answers | {asked: local_in(family, "port1", "port2")}).in_place
        assert not shown(self.name, answers | {asked: local_in(family, "port1")}).in_place
        # The schedule of the next block is not this one's.
        always = local_in(family, "port2", "port1").replace('"islandmode_office-line"', '"always"', 1)
        assert not shown(self.name, answers | {asked: always}).in_place

    def test_a_schedule_that_is_gone_is_not_in_place(self) -> None:
        answers = dict.fromkeys(fortios("", ""), "config firewall policy\nend\n")
        found = shown(self.name, answers | {SCHEDULE: "entry is not found in table\n\nCommand fail. Return code -3\n"})
        assert (found.in_place, found.isolating) == (False, False)

    def test_an_answer_that_is_cut_off_is_unknown_and_never_absence(self) -> None:
        answers = fortios("00:00 2001/01/01", "00:01 2001/01/01")
        cut = {ask: text[: text.index("set ")] for ask, text in answers.items()}
        assert why(self.name, answers | {SCHEDULE: cut[SCHEDULE]}) == f'the answer to "{SCHEDULE}" is not whole'
        asked = POLICY.format("in")
        assert why(self.name, answers | {asked: cut[asked]}) == f'the answer to "{asked}" is not whole'

    def test_a_question_without_an_answer_is_unknown(self) -> None:
        answers = fortios("00:00 2001/01/01", "00:01 2001/01/01")
        del answers[POLICY.format("out")]
        assert why(self.name, answers).endswith("was not asked")

    def test_a_window_that_cannot_be_read_is_unknown(self) -> None:
        assert "tells starts" in why(self.name, fortios("25:61 2001/01/01", "00:01 2001/01/01"))
        assert "no whole window" in why(self.name, fortios("00:00 2001/01/01", "never"))

    def test_without_the_device_s_time_a_window_says_nothing(self) -> None:
        assert "own time" in why(self.name, fortios("00:00 2001/01/01", "00:01 2001/01/01"), now=None)

    def test_its_own_time(self) -> None:
        answer = "Version: FortiGate-60F v7.4.3,build2573,240201 (GA.F)\nSystem time: Thu Nov 26 10:15:20 2026\n"
        assert read_time(time_of(recipe(self.name)), answer) == NOW
        padded = answer.replace("Nov 26", "Nov  6")
        assert read_time(time_of(recipe(self.name)), padded) == NOW.replace(day=6)

    def test_no_time_is_told(self) -> None:
        assert isinstance(read_time(time_of(recipe(self.name)), "Unknown action 0\n"), Unread)

    @pytest.mark.parametrize(
        ("answer", "words"),
        [
            ("command parse error before 'schdule'\nCommand fail. Return code -61\n", "command parse error before"),
            ("\nUnknown action 0\n", "Unknown action 0"),
            ("entry not found in datasource\n\nvalue parse error before 'x'\n", "entry not found in datasource"),
            ("node_check_object fail! for name too long\n", "node_check_object fail!"),
            ("fw1 (onetime) # ", None),
            ("", None),
        ],
    )
    def test_a_line_that_was_refused(self, answer: str, words: str | None) -> None:
        found = refused_by(recipe(self.name), answer)
        assert found is None if words is None else found is not None and found.startswith(words)


def time_of(shipped: Recipe) -> DeviceTime:
    assert shipped.device_time is not None
    return shipped.device_time


class TestTimeRange:
    name = "ios-time-range"

    def test_at_rest(self) -> None:
        found = shown(self.name, ios("00:00 01 January 2001", "00:01 01 January 2001"), AT_IOS)
        assert (found.at_rest, found.in_place, found.isolating) == (True, True, False)

    def test_armed(self) -> None:
        found = shown(self.name, ios(*written(IOS, ARMED.starts, ARMED.ends)), AT_IOS)
        assert found.window is not None
        assert (found.window.says, found.window.owner, found.left_s) == ("armed", owner_of(RUN), 340.0)

    def test_isolating(self) -> None:
        found = shown(self.name, ios(*written(IOS, ISOLATING.starts, ISOLATING.ends), "active"), AT_IOS)
        assert (found.isolating, found.left_s) == (True, 340.0)

    def test_the_device_s_own_word_counts_and_not_what_its_clock_should_make_of_it(self) -> None:
        not_yet = shown(self.name, ios(*written(IOS, ISOLATING.starts, ISOLATING.ends)), AT_IOS)
        assert (not_yet.isolating, not_yet.at_rest) == (False, False)
        still = shown(self.name, ios("00:00 01 January 2001", "00:01 01 January 2001", "active"), AT_IOS)
        assert (still.isolating, still.at_rest) == (True, False)

    def test_a_list_that_is_not_bound_isolates_nothing(self) -> None:
        asked = "show ip interface port5 | include access list"
        answers = ios(*written(IOS, ISOLATING.starts, ISOLATING.ends), "active")
        for answer in (
            "  Outgoing access list is not set\n  Inbound  access list is OT-IN\n",
            "  Inbound  access list is OTHER\n",
        ):
            found = shown(self.name, answers | {asked: answer}, AT_IOS)
            assert (found.in_place, found.isolating, found.at_rest) == (False, False, False)

    def test_a_deny_that_is_gone_isolates_nothing(self) -> None:
        asked = "show ip access-lists OT-OUT"
        answers = ios(*written(IOS, ISOLATING.starts, ISOLATING.ends), "active")
        found = shown(
            self.name, answers | {asked: "Extended IP access list OT-OUT\n    100 permit ip any any\n"}, AT_IOS
        )
        assert (found.in_place, found.isolating) == (False, False)

    def test_a_deny_of_another_conduit_is_not_taken_for_ours(self) -> None:
        answers = {
            ask: text.replace("islandmode_office-line (", "islandmode_office-line2 (")
            if ask.startswith("show ip access")
            else text
            for ask, text in ios(*written(IOS, ISOLATING.starts, ISOLATING.ends), "active").items()
        }
        assert shown(self.name, answers, AT_IOS).in_place is False

    def test_a_range_that_does_not_exist_is_unknown(self) -> None:
        answers = ios("00:00 01 January 2001", "00:01 01 January 2001") | {"show time-range islandmode_office-line": ""}
        assert "is not whole" in why(self.name, answers, AT_IOS)

    def test_ipv6_is_read_too_in_the_letters_of_the_device(self) -> None:
        at = point(OFFICE, options=ACLS)
        lists = {
            "show ipv6 interface port5 | include access list": "  Inbound access list OT6-IN\n  Outgoing access list OT6-OUT\n",
            "show ipv6 access-list OT6-IN": "IPv6 access list OT6-IN\n    deny ipv6 FD10:20::/64 FD10:10::/48 log time-range "
            "islandmode_office-line (active) sequence 7\n",
            "show ipv6 access-list OT6-OUT": "IPv6 access list OT6-OUT\n    deny ipv6 FD10:10::/48 FD10:20::/64 log time-range "
            "islandmode_office-line (active) (3 matches) sequence 8\n",
        }
        answers = ios(*written(IOS, ISOLATING.starts, ISOLATING.ends), "active")
        assert shown(self.name, answers | lists, at).isolating
        missing = lists | {
            "show ipv6 access-list OT6-OUT": "IPv6 access list OT6-OUT\n    permit ipv6 any any sequence 10\n"
        }
        assert not shown(self.name, answers | missing, at).isolating
        assert "was not asked" in why(self.name, answers, at)
        assert read_count(recipe(self.name), at, "office-line", answers | lists) == 3

    def test_what_it_dropped(self) -> None:
        count = read_count(recipe(self.name), AT_IOS, "office-line", access_lists("active", " (3 matches)"))
        assert count == 6
        assert read_count(recipe(self.name), AT_IOS, "office-line", access_lists("active", " (1 match)")) == 2
        assert read_count(recipe(self.name), AT_IOS, "office-line", access_lists("active")) == 0

    def test_what_it_dropped_is_unknown_where_the_deny_is_not_shown(self) -> None:
        answers = dict.fromkeys(access_lists("active"), "Extended IP access list OT-IN\n")
        assert isinstance(read_count(recipe(self.name), AT_IOS, "office-line", answers), Unread)

    @pytest.mark.parametrize("mark", ["", "*", "."])
    def test_its_own_time(self, mark: str) -> None:
        answer = f"{mark}10:15:20.123 CET Thu Nov 26 2026\nTime source is NTP\n"
        assert read_time(time_of(recipe(self.name)), answer) == NOW

    def test_a_time_with_a_second_of_one_digit(self) -> None:
        assert read_time(time_of(recipe(self.name)), "10:15:5.165 UTC Tue Dec 29 2026\n") is not None

    @pytest.mark.parametrize(
        ("answer", "words"),
        [
            ("                ^\n% Invalid input detected at '^' marker.\n", "% Invalid input detected at '^' marker."),
            ("% Incomplete command.\n", "% Incomplete command."),
            ("%Error: Duplicate sequence number\n", "%Error: Duplicate sequence number"),
            (
                "% Access rule can't be configured at higher sequence num as it is part of the existing rule at sequence num 30\n",
                "% Access rule can't be configured at higher",
            ),
            ("Command authorization failed.\n", "Command authorization failed."),
            ("edge(config-time-range)#", None),
        ],
    )
    def test_a_line_that_was_refused(self, answer: str, words: str | None) -> None:
        for name in (self.name, TestRevert.name):
            found = refused_by(recipe(name), answer)
            assert found is None if words is None else found is not None and found.startswith(words)


class TestRevert:
    name = "ios-revert"
    timer = "show archive config rollback timer"
    PENDING = "Time configured(or reconfigured): 10:12:20 CET Thu Nov 26 2026\nTimer type: absolute timer\nTimer value: 5 min\nUser: drill\n"
    NONE = "%No Rollback Confirmed Change pending\n"

    def answers(self, timer: str, *denies: str) -> dict[str, str]:
        lists = {name: f"Extended IP access list {name}\n    100 permit ip any any\n" for name in ("OT-IN", "OT-OUT")}
        for name in denies:
            pair = ["10.20.0.0 0.0.0.255", "10.10.0.0 0.0.255.255"]
            ends = " ".join(pair if name == "OT-IN" else reversed(pair))
            lists[name] = lists[name].replace("    100", f"    1 deny ip {ends} log\n    100")
        return {self.timer: timer} | {f"show ip access-lists {name}": text for name, text in lists.items()}

    def test_nothing_there(self) -> None:
        found = shown(self.name, self.answers(self.NONE), AT_IOS)
        assert (found.at_rest, found.pending, found.left_s) == (True, False, None)

    def test_armed(self) -> None:
        found = shown(self.name, self.answers(self.PENDING), AT_IOS)
        assert (found.pending, found.left_s, found.owner, found.isolating) == (True, 120.0, "drill", False)

    def test_isolating(self) -> None:
        found = shown(self.name, self.answers(self.PENDING, "OT-IN", "OT-OUT"), AT_IOS)
        assert (found.isolating, found.partly, found.left_s) == (True, False, 120.0)

    def test_one_of_two_denies_is_neither_isolating_nor_at_rest(self) -> None:
        found = shown(self.name, self.answers(self.NONE, "OT-IN"), AT_IOS)
        assert (found.isolating, found.partly, found.at_rest) == (False, True, False)

    def test_a_timer_without_its_length_is_unknown(self) -> None:
        assert "without its length" in why(
            self.name, self.answers(self.PENDING.replace("Timer value: 5 min", "Timer value: ")), AT_IOS
        )

    def test_a_timer_of_an_odd_length_is_unknown(self) -> None:
        assert "without its length" in why(self.name, self.answers(self.PENDING.replace("5 min", "five min")), AT_IOS)

    def test_what_restore_finds_gone_already(self) -> None:
        assert was_already_so(recipe(self.name), self.NONE)
        assert was_already_so(recipe(self.name), "% Access rule can't be deleted as it doesn't exist\n")
        assert not was_already_so(recipe(self.name), "% Invalid input detected at '^' marker.\n")


@given(text=st.text(alphabet="01 adens:/()\n%", max_size=200))
@pytest.mark.parametrize("name", ["fortios-schedule", "ios-time-range", "ios-revert"])
def test_what_no_device_says_shows_nothing_and_breaks_nothing(name: str, text: str) -> None:
    at = point(replace(ONE_PAIR, inner_networks=(ip_network("10.20.0.0/24"),)), options=ACLS)
    asks = asked_once(asks_of(recipe(name), recipe(name).reads.state, at, "office-line"))
    found = read_state(recipe(name), at, "office-line", dict.fromkeys(asks, text), NOW)
    assert isinstance(found, Unread) or not found.isolating


def test_a_deny_that_drops_without_a_whole_window_is_no_rest() -> None:
    """One of two denies is missing and the time range has lost its line: the other still drops."""
    answers = ios("", "", "active") | {
        "show time-range islandmode_office-line": "time-range entry: islandmode_office-line (active)\n"
    }
    missing = answers["show ip access-lists OT-IN"].replace("islandmode_office-line", "somebody-else")
    assert (
        why("ios-time-range", answers | {"show ip access-lists OT-IN": missing}, AT_IOS) == "no whole window is shown"
    )


def test_of_a_timer_that_is_read_twice_the_least_counts() -> None:
    """It counts down between two reads."""
    shipped = recipe("fortios-schedule")
    finds = (Find(gives="left", pattern=r"left (\d+)", units="s"),)
    read = shipped.reads.state[0].model_copy(update={"whole": "left", "finds": finds})
    at, found = point(), dict[str, Value]()
    ask = replace(asks_of(shipped, (shipped.reads.state[0],), at, "office-line")[0], read=read)
    for left in (20, 18, 19):
        assert _take(ask, f"left {left}", found) == ""
    assert found == {"left": 18.0}
