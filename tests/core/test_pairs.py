"""Pairs: what is refused in a site, what a plan says of them, and how roles are judged before and in a drill."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from ipaddress import ip_address
from typing import Any

import pytest
from hypothesis import given as over
from hypothesis import strategies as st

from islandmode import isolation
from islandmode.core.judging.pairs import changed_roles, judge_pairs
from islandmode.core.judging.timeline import Timeline, Window
from islandmode.core.pair import PairMember, RoleSeen, SyncSeen, member_of, role_by
from islandmode.core.plan import Plan
from islandmode.core.planning.plan_drill import check
from islandmode.core.preflight_pair import judge_member, judge_roles, judge_sync
from islandmode.core.recipe.loaded import Recipes
from islandmode.core.record import Record
from islandmode.core.verdict import Result
from islandmode.store.recipes import shipped_recipes
from tests.core.given import Documents, given

A, B = "conduit-firewall", "second-firewall"
VIRTUAL = ("10.15.0.1", "10.30.0.1")


def paired(spoil: Callable[[Documents], object] = lambda _at: None) -> Callable[[Documents], object]:
    """Give the site a second firewall that stands in for the first, and spoil that."""

    def make(at: Documents) -> None:
        points = at.site["isolation_points"]
        points[B] = deepcopy(points[A])
        points[B]["management"]["address"] = "172.31.255.2"
        points[B]["login"]["password"] = f"lab:{B}"
        vrrp = {A: ["10.15.0.2", "fe80::a"], B: ["10.15.0.3", "fe80::b"]}
        at.site["pairs"] = {"edge": {"members": [A, B], "virtual_addresses": list(VIRTUAL), "vrrp": vrrp}}
        spoil(at)

    return make


def pair(**changes: Any) -> Callable[[Documents], object]:
    return lambda at: at.site["pairs"]["edge"].update(changes)


def vrrp(**changes: Any) -> Callable[[Documents], object]:
    return lambda at: at.site["pairs"]["edge"]["vrrp"].update(changes)


ROWS: tuple[tuple[str, Callable[[Documents], object], tuple[str | int, ...], str], ...] = (
    (
        "unknown member",
        pair(members=[A, B, "third"]),
        ("pairs", "edge", "members", 2),
        'There is no isolation point "third"',
    ),
    (
        "member twice",
        pair(members=[A, B, A]),
        ("pairs", "edge", "members", 2),
        f"{A} is listed twice in pair edge; list it once.",
    ),
    (
        "other conduits",
        lambda at: at.site["isolation_points"][B].update(isolates=["remote-access"]),
        ("isolation_points", B, "isolates"),
        f"Members {A} and {B} of pair edge do not isolate the same conduits (",
    ),
    (
        "managed by a virtual address",
        pair(virtual_addresses=[*VIRTUAL, "172.31.255.2"]),
        ("isolation_points", B, "management", "address"),
        (
            f"{B} is managed at 172.31.255.2, a virtual address of pair edge: after a failover that is the other member, and a restore would log in "
            "there. Give each member a management address of its own."
        ),
    ),
    (
        "virtual address twice",
        pair(virtual_addresses=[*VIRTUAL, VIRTUAL[0]]),
        ("pairs", "edge", "virtual_addresses", 2),
        "10.15.0.1 is listed twice in pair edge; list it once.",
    ),
    (
        "a silent member",
        lambda at: at.site["pairs"]["edge"]["vrrp"].pop(B),
        ("pairs", "edge", "vrrp"),
        f"Pair edge names no address from which {B} sends VRRP, so it would not be heard while isolated; name it under vrrp, or leave vrrp out.",
    ),
    (
        "no member",
        vrrp(third="10.15.0.4"),
        ("pairs", "edge", "vrrp", "third"),
        'There is no member of pair edge named "third"',
    ),
    (
        "one address of two members",
        vrrp(**{B: ["10.15.0.2", "fe80::b"]}),
        ("pairs", "edge", "vrrp", B, 0),
        f"10.15.0.2 stands under {A} and under {B} of pair edge; each member sends VRRP from addresses of its own.",
    ),
    (
        "sent from a virtual address",
        vrrp(**{B: ["10.15.0.1", "fe80::b"]}),
        ("pairs", "edge", "vrrp", B, 0),
        "10.15.0.1 is a virtual address of pair edge, and VRRP is sent from a member's own address; write that under vrrp.",
    ),
    (
        "sent from the group",
        vrrp(**{B: ["224.0.0.18", "fe80::b"]}),
        ("pairs", "edge", "vrrp", B, 0),
        "224.0.0.18 is no address from which a member of pair edge can send; write the address that it has on the outer interface.",
    ),
    (
        "no family in common",
        vrrp(**{B: ["fe80::b"]}),
        ("pairs", "edge", "vrrp"),
        (
            "The members of pair edge send VRRP over different address families, and would not hear each other; name for each an IPv4 address, an "
            "IPv6 address, or both."
        ),
    ),
)


@pytest.mark.parametrize(("spoil", "path", "sentence"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_a_wrong_pair_is_told_at_its_place(
    spoil: Callable[[Documents], object], path: tuple[str | int, ...], sentence: str
) -> None:
    values = given(paired(spoil))
    problems = check(values.drill, values.site, values.probes)
    assert [each.path for each in problems] == [path]
    found = problems[0].sentence
    assert found == sentence if sentence.endswith(".") else found.startswith(sentence)


def test_a_member_is_a_member_of_one_pair() -> None:
    def twice(at: Documents) -> None:
        at.site["pairs"]["other"] = {"members": [B, A], "virtual_addresses": "10.15.0.9"}

    values = given(paired(twice))
    told = [each.sentence for each in check(values.drill, values.site, values.probes)]
    assert told == [
        f"{member} is a member of pair edge and of pair other; an isolation point is a member of one pair, so take it out of one of them."
        for member in (B, A)
    ]


def plan_of_pair() -> Plan:
    return given(paired()).plan()


def test_every_step_of_a_plan_is_for_all_members() -> None:
    plan = plan_of_pair()
    assert plan.pairs == {"edge": (A, B)}
    assert all({step.point for step in stage.steps} == {A, B} for stage in plan.stages)
    assert plan.points[B].pair == PairMember(
        pair="edge",
        others=(A,),
        virtual_addresses=tuple(map(ip_address, VIRTUAL)),
        own=(ip_address("10.15.0.3"), ip_address("fe80::b")),
        peers=(ip_address("10.15.0.2"), ip_address("fe80::a")),
    )
    assert Plan.model_validate_json(plan.model_dump_json(by_alias=True)) == plan


def test_a_plan_without_a_pair_says_nothing_of_pairs() -> None:
    plan = given(lambda _at: None).plan()
    assert "pair" not in plan.model_dump(mode="json", by_alias=True)["points"][A]
    assert plan.pairs == {}
    assert member_of(given(lambda _at: None).site, A) is None


def test_what_is_excepted_is_told() -> None:
    member = plan_of_pair().points[A].pair
    assert member is not None
    assert (
        "VRRP (IP protocol 112, hop limit 255) between 10.15.0.2, fe80::a and 10.15.0.3, fe80::b"
        in member.excepted_told
    )
    assert member.model_copy(update={"own": (), "peers": ()}).excepted_told == ""


@over(st.sets(st.sampled_from(VIRTUAL)), st.sets(st.sampled_from(("10.15.0.2", "10.30.0.2"))))
def test_a_role_is_told_by_the_virtual_addresses_alone(virtual: set[str], own: set[str]) -> None:
    expected = {2: "active", 1: "divided", 0: "standby"}[len(virtual)]
    assert role_by(map(ip_address, VIRTUAL), map(ip_address, virtual | own)) == expected


def test_without_virtual_addresses_no_role_is_known() -> None:
    assert role_by((), map(ip_address, VIRTUAL)) == "unknown"


@pytest.mark.parametrize(
    ("roles", "code", "words"),
    [
        (("active", "standby"), "", ""),
        (("standby", "active"), "", ""),
        (("active", "active"), "pair-split", f"Pair edge is split: {A} and {B} each have its virtual addresses"),
        (("standby", "standby"), "pair-without-active", f"none of {A}, {B} has its virtual addresses"),
        (("divided", "divided"), "pair-out-of-step", f"{A}, {B} has only some of its virtual addresses"),
        (("divided", "standby"), "pair-out-of-step", "into one sync group"),
        (
            ("active", "unknown"),
            "pair-role-unread",
            f"{B} did not show whether it is active (it is silent). Which member",
        ),
    ],
)
def test_only_a_pair_in_order_is_isolated(roles: tuple[Any, Any], code: str, words: str) -> None:
    seen = {
        name: RoleSeen(role, "it is silent." if role == "unknown" else "")
        for name, role in zip((A, B), roles, strict=True)
    }
    found = judge_roles("edge", seen)
    assert [finding.code for finding in found] == ([code] if code else [])
    assert all(finding.refuses and words in finding.sentence for finding in found)
    assert all(finding.sentence.endswith("Nothing was touched.") for finding in found)


@pytest.mark.parametrize("by_addresses", [True, False])
def test_of_one_member_either_role_is_in_order_and_the_rest_is_judged_as_of_all(*, by_addresses: bool) -> None:
    in_sync = SyncSeen("in-sync")
    for role in ("active", "standby"):
        assert judge_member("edge", A, RoleSeen(role), in_sync, by_addresses=by_addresses) == ()
        for sync in (SyncSeen("out-of-sync"), SyncSeen("unknown", "it is silent")):
            found = judge_member("edge", A, RoleSeen(role), sync, by_addresses=by_addresses)
            assert found == judge_sync("edge", {A: sync})
            assert found
    for seen in (RoleSeen("divided"), RoleSeen("unknown", "it is silent")):
        found = judge_member("edge", A, seen, in_sync, by_addresses=by_addresses)
        assert found == judge_roles("edge", {A: seen}, by_addresses=by_addresses)
        assert [finding.refuses for finding in found] == [True]


def test_a_role_that_nothing_asks_for_is_told_and_refuses_nothing() -> None:
    """Devices that go by a recipe can be rehearsed; a member that was asked and is silent is refused beside them."""
    untold = RoleSeen("unknown", "no question", untold=True)
    found = judge_roles("edge", {A: untold, B: untold})
    assert [(finding.code, finding.refuses) for finding in found] == [("pair-role-untold", False)] * 2
    found = judge_roles("edge", {A: untold, B: RoleSeen("unknown", "it is silent", late=True)})
    assert [(finding.code, finding.refuses, finding.late) for finding in found] == [
        ("pair-role-unread", True, True),
        ("pair-role-untold", False, False),
    ]


@pytest.mark.parametrize(
    ("syncs", "code", "words"),
    [
        (("in-sync", "in-sync"), "", ""),
        (("not-kept", "not-kept"), "", ""),
        (("in-sync", "out-of-sync"), "pair-out-of-sync", f"Pair edge is out of sync, as {B} says. Bring"),
        (("out-of-sync", "out-of-sync"), "pair-out-of-sync", f"as {A} and {B} say. Bring"),
        (("in-sync", "not-kept"), "pair-out-of-sync", f"{A} keeps itself in sync with the other members, and {B} keeps nothing"),
        (("unknown", "out-of-sync"), "pair-sync-unread", f"{A} did not show whether it is in sync with the other members (it is silent). What"),
    ],
)  # fmt: skip
def test_only_a_pair_in_sync_is_isolated(syncs: tuple[Any, Any], code: str, words: str) -> None:
    why = "it is silent."
    seen = {name: SyncSeen(sync, why if sync == "unknown" else "") for name, sync in zip((A, B), syncs, strict=True)}
    found = judge_sync("edge", seen)
    assert [finding.code for finding in found] == ([code] if code else [])
    assert all(finding.refuses and words in finding.sentence for finding in found)
    assert all(finding.sentence.endswith("Nothing was touched.") for finding in found)


def test_a_sync_that_nothing_asks_for_is_told_with_the_role() -> None:
    untold = SyncSeen("unknown", "no question", untold=True)
    assert judge_sync("edge", {A: untold, B: untold}) == ()
    (found,) = judge_sync("edge", {A: untold, B: SyncSeen("unknown", "it is silent", late=True)})
    assert (found.code, found.refuses, found.late) == ("pair-sync-unread", True, True)


def test_roles_that_members_tell_themselves_are_worded_so() -> None:
    def sentence(*roles: Any) -> str:
        seen = {name: RoleSeen(role) for name, role in zip((A, B), roles, strict=True)}
        (found,) = judge_roles("edge", seen, by_addresses=False)
        return found.sentence

    assert f"{A} and {B} each say that they are active" in sentence("active", "active")
    assert "says that it is active for some groups" in sentence("divided", "standby")
    assert "says that it is active. Mend the pair first. Nothing" in sentence("standby", "standby")


def test_a_pair_whose_roles_are_told_by_addresses_must_name_them() -> None:
    def without(at: Documents) -> None:
        del at.site["pairs"]["edge"]["virtual_addresses"]

    def by_recipe(at: Documents) -> None:
        without(at)
        del at.site["pairs"]["edge"]["vrrp"]
        for name in (A, B):
            at.site["isolation_points"][name]["platform"] = "fortios-schedule"

    found = [each for each in isolation.problems(given(paired(without)).site) if each.path == ("pairs", "edge")]
    assert (
        f"The role of {A} (nftables) is read by which of its pair's virtual addresses it has, and pair edge names none"
        in found[0].sentence
    )
    recipes = Recipes(good=shipped_recipes())
    assert not [each for each in isolation.problems(given(paired(by_recipe)).site, recipes) if each.path[0] == "pairs"]


def test_a_recipe_can_let_no_vrrp_pass() -> None:
    def by_recipe(at: Documents) -> None:
        for name in (A, B):
            at.site["isolation_points"][name]["platform"] = "fortios-schedule"

    paths = [each.path for each in isolation.problems(given(paired(by_recipe)).site, Recipes(good=shipped_recipes()))]
    assert {("pairs", "edge", "vrrp", A), ("pairs", "edge", "vrrp", B)} <= set(paths)
    assert not [path for path in (each.path for each in isolation.problems(given(paired()).site)) if path[0] == "pairs"]


def record(seq: int, at_s: float, kind: str, **data: Any) -> Record:
    return Record(seq, "riverside", "run", "conductor", "boot", 0, round(at_s * 1e6), kind, data)


def role(seq: int, at_s: float, point: str, before: str, now: str, why: str = "") -> Record:
    return record(
        seq, at_s, "pair.role", point=point, pair="edge", role=now, before=before, why=why, asked_us=0, answered_us=0
    )


def read(seq: int, at_s: float, point: str, *, isolating: bool = True, outcome: str = "done") -> Record:
    held = dict.fromkeys(("remote-access",), isolating)
    return record(seq, at_s, "dead_man.read", point=point, outcome=outcome, isolating=held)


def story(*more: Record) -> list[Record]:
    """Both members isolated from 10 s on, the order to restore at 20 s."""
    told = [
        record(number, 10, "isolate.result", point=point, conduits=["remote-access"], outcome="done")
        for number, point in enumerate((A, B), 3)
    ]
    return [role(1, 1, A, "", "active"), role(2, 1, B, "", "standby"), *told, *more]


TIMELINE = Timeline(0, (Window("vendors", 10_000_000, 20_000_000, ()),), 20_000_000, 21_000_000, {})


def judged(*more: Record) -> list[tuple[str, Result]]:
    return [(found.code, found.result) for found in judge_pairs(plan_of_pair(), story(*more), TIMELINE)]


def test_a_failover_is_a_note_where_every_member_was_read_again() -> None:
    changed = role(10, 15, A, "active", "standby")
    assert judged(changed, read(11, 15.1, A), read(12, 15.1, B)) == [("pair-role-changed", Result.HELD)]


@pytest.mark.parametrize("after", [(), (A,), (B,)])
def test_a_member_that_was_not_read_again_is_not_taken_for_isolated(after: tuple[str, ...]) -> None:
    reads = (read(11 + number, 15.1, point) for number, point in enumerate(after))
    found = judge_pairs(plan_of_pair(), story(role(10, 15, A, "active", "standby"), *reads), TIMELINE)
    assert [(each.code, each.result) for each in found] == [("pair-unread", Result.INCONCLUSIVE)]
    assert all(
        (point in found[0].sentence.partition(" while it was isolated. ")[2]) is (point not in after)
        for point in (A, B)
    )


def test_a_member_that_does_not_isolate_is_not_taken_for_isolated() -> None:
    changed = role(10, 15, A, "active", "standby")
    assert judged(changed, read(11, 15.1, A), read(12, 15.1, B, isolating=False)) == [
        ("pair-unread", Result.INCONCLUSIVE)
    ]
    assert judged(changed, read(11, 15.1, A), read(12, 15.1, B, outcome="unknown")) == [
        ("pair-unread", Result.INCONCLUSIVE)
    ]


def test_two_active_members_are_told() -> None:
    changed = role(10, 15, B, "standby", "active")
    assert judged(changed, read(11, 15.1, A), read(12, 15.1, B)) == [
        ("pair-role-changed", Result.HELD),
        ("pair-was-split", Result.HELD),
    ]


def test_a_member_that_stepped_down_a_moment_later_is_not_active_beside_the_other() -> None:
    """Of two readings one comes first: only what was read after the change says that both were active."""
    changed, stepped = role(10, 15, B, "standby", "active"), role(11, 15.1, A, "active", "standby")
    told = judged(changed, stepped, read(12, 15.2, A), read(13, 15.3, B))
    assert told == [("pair-role-changed", Result.HELD)] * 2
    assert ("pair-was-split", Result.HELD) not in judged(changed, read(11, 15.1, A))


def sync(seq: int, at_s: float, point: str, before: str, now: str, why: str = "") -> Record:
    return record(
        seq, at_s, "pair.sync", point=point, pair="edge", sync=now, before=before, why=why, asked_us=0, answered_us=0
    )


@pytest.mark.parametrize("now", ["out-of-sync", "unknown"])
def test_a_sync_that_was_lost_in_the_hold_is_a_note(now: str) -> None:
    found = judge_pairs(plan_of_pair(), story(sync(10, 15, B, "in-sync", now, "it is silent.")), TIMELINE)
    assert [(each.code, each.result) for each in found] == [("pair-sync-lost", Result.HELD)]
    words = {"out-of-sync": f"Pair edge: {B} was out of sync after", "unknown": "(it is silent) after a role"}
    assert words[now] in found[0].sentence


def test_a_sync_that_is_as_it_must_be_or_of_another_time_is_no_finding() -> None:
    kept = (
        sync(10, 5, B, "", "out-of-sync"),
        sync(11, 15, B, "", "out-of-sync"),
        sync(12, 15, B, "unknown", "in-sync"),
    )
    assert judged(*kept, sync(13, 20.5, B, "in-sync", "out-of-sync"), sync(14, 5, A, "in-sync", "out-of-sync")) == []


def test_a_role_that_changes_before_or_after_the_hold_is_no_finding() -> None:
    assert judged(role(10, 5, A, "active", "standby"), role(11, 20.5, B, "standby", "active")) == []
    assert changed_roles(story()) == frozenset()
    assert changed_roles(story(role(10, 20.5, B, "standby", "active"))) == {B}
