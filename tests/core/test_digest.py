"""Digests: stable where the meaning is, and changed by every line that would be sent."""

from __future__ import annotations

import hashlib
import json
import math
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import given as over
from hypothesis import strategies as st

from islandmode.core.planning.digest import canonical, drill_digest, plan_digest
from islandmode.core.planning.plan_drill import make_plan
from islandmode.core.site import Login
from tests.core.given import Documents, documents, given, put, values
from tests.core.spoilt import FIREWALL, second_firewall

leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
trees = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
calmly = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
"""How fast a busy machine is says nothing about a digest; each example plans two drills."""


def shuffled(value: Any, draw: random.Random) -> Any:
    """Write every mapping's keys in another order."""
    if isinstance(value, dict):
        keys = list(value)
        draw.shuffle(keys)
        return {key: shuffled(value[key], draw) for key in keys}
    return [shuffled(item, draw) for item in value] if isinstance(value, list) else value


@calmly
@over(trees, st.integers())
def test_the_canonical_form_does_not_know_the_order_of_keys(tree: Any, seed: int) -> None:
    assert canonical(shuffled(tree, random.Random(seed))) == canonical(tree)


@calmly
@over(trees)
def test_the_canonical_form_is_json_without_decimal_numbers(tree: Any) -> None:
    def refuse(text: str) -> float:
        raise AssertionError(text)

    json.loads(canonical(tree), parse_float=refuse, parse_constant=refuse)


@calmly
@over(st.integers(0, 2**40))
def test_the_spelling_of_a_duration_does_not_matter(milliseconds: int) -> None:
    assert canonical(milliseconds * 0.001) == canonical(milliseconds / 1000)


def test_a_number_is_never_taken_for_another() -> None:
    assert len({canonical(value) for value in (1, 1.0, "1", True, [1], 1_000_000, math.inf, "inf")}) == 8


def test_what_has_no_canonical_form_is_refused() -> None:
    with pytest.raises(TypeError, match="set has no canonical form"):
        canonical({"a": {1, 2}})


def test_a_digest_is_plain_sha256_over_the_canonical_form() -> None:
    plan = given().plan()
    whole = plan.model_dump(mode="json", by_alias=True, exclude={"plan_digest"})
    assert plan.plan_digest == hashlib.sha256(canonical(whole)).hexdigest()
    assert plan_digest(plan) == plan.plan_digest


@calmly
@over(st.integers())
def test_digests_do_not_know_the_order_of_keys_in_the_files(seed: int) -> None:
    draw, whole = random.Random(seed), documents()
    drill, probes = shuffled(whole.drill, draw), shuffled(whole.probes, draw)
    mixed = values(Documents(drill, shuffled(whole.site, draw), probes))
    assert drill_digest(mixed.drill, mixed.site, mixed.probes) == given().plan().drill_digest
    renderings = given().renderings()
    straight = make_plan(given().drill, given().site, given().probes, renderings)
    assert make_plan(mixed.drill, mixed.site, mixed.probes, renderings).plan_digest == straight.plan_digest


FIELDS = ("arm", "renew", "restore", "stages")


@calmly
@over(st.sampled_from(FIELDS), st.text(min_size=1, max_size=6), st.integers(0, 100))
def test_any_change_of_a_rendered_line_changes_the_plan_digest_only(field: str, more: str, where: int) -> None:
    whole, before = given(), given().plan()
    rendering = whole.renderings()["conduit-firewall"].model_dump()
    lines = rendering[field]
    if field == "stages":
        stage = lines[where % len(lines)]
        stage["isolate"] = _longer(stage["isolate"], more, where)
    else:
        rendering[field] = _longer(lines, more, where)
    changed = type(whole.renderings()["conduit-firewall"]).model_validate(rendering)
    after = make_plan(whole.drill, whole.site, whole.probes, {"conduit-firewall": changed})
    assert after.drill_digest == before.drill_digest
    assert after.plan_digest != before.plan_digest


def _longer(lines: tuple[str, ...], more: str, where: int) -> tuple[str, ...]:
    index = where % len(lines)
    return tuple(line + more if number == index else line for number, line in enumerate(lines))


def moved(at: Documents) -> None:
    """Give every device, vantage and target another address, as a plant has beside its lab."""
    text = json.dumps([at.drill, at.site, at.probes])
    for old, new in (("10.", "192.168."), ("fd10:", "fd77:"), ("172.31.255.", "172.16.9.")):
        text = text.replace(f'"{old}', f'"{new}')
    # 10.40.0.0/24 became 192.168.40.0.0/24: four parts again.
    for part in ("10", "15", "20", "30", "40"):
        text = text.replace(f'"192.168.{part}.0.', f'"192.168.{part}.')
    at.drill, at.site, at.probes = json.loads(text)


def site_named(at: Documents) -> None:
    """Call the site by another name."""
    put(at.drill, "site", "riverside-lab")
    put(at.site, "site", "riverside-lab")


SAME_INTENT: tuple[Callable[[Documents], object], ...] = (
    moved,
    site_named,
    second_firewall,
    lambda at: put(at.site, *FIREWALL, "login", "password", "env:FIREWALL"),
    lambda at: put(at.site, *FIREWALL, "interfaces", "dmz", ["ge-0/0/3"]),
    lambda at: put(at.site, "vantages", "erp", "address", ["10.10.0.11", "fd10:10::11"]),
    lambda at: put(at.probes, "plc-filler", "purpose", "said better"),
)

OTHER_INTENT: tuple[Callable[[Documents], object], ...] = (
    lambda at: put(at.drill, "stages", 0, "hold", "9 s"),
    lambda at: at.drill["stages"].reverse(),
    lambda at: put(at.drill, "limits", "isolate_within", "6 s"),
    lambda at: put(at.drill, "limits", "longest_ot_gap", "1500 ms"),
    lambda at: put(at.drill, "abort_when", 0, "bad_for", "3 s"),
    lambda at: at.drill["severed"].remove("erp-canary"),
    lambda at: put(at.probes, "plc-filler", "changes_within", "2 s"),
    lambda at: put(at.probes, "plc-filler", "address", 4),
    lambda at: put(at.drill, "sample_every", "200 ms"),
    lambda at: put(at.drill, "approvals", {"also_signed_by": "ot-security"}),
    lambda at: put(at.site, "zones", "guests", {**at.site["zones"]["vendors"], "networks": ["10.99.0.0/24"]}),
)


@pytest.mark.parametrize("change", SAME_INTENT)
def test_what_differs_between_lab_and_plant_leaves_the_drill_digest(change: Callable[[Documents], object]) -> None:
    assert given(change).plan().drill_digest == given().plan().drill_digest


@pytest.mark.parametrize("change", [each for each in SAME_INTENT if each is not second_firewall])
def test_what_differs_between_lab_and_plant_changes_the_plan_digest(change: Callable[[Documents], object]) -> None:
    assert given(change).plan().plan_digest != given().plan().plan_digest


@pytest.mark.parametrize("change", OTHER_INTENT)
def test_another_intent_has_another_drill_digest(change: Callable[[Documents], object]) -> None:
    assert given(change).plan().drill_digest != given().plan().drill_digest


def test_two_rules_on_one_probe_both_count() -> None:
    one = given(lambda at: put(at.drill, "abort_when", [{"probe": "plc-filler", "bad_for": "3 s"}]))
    two = given(lambda at: put(at.drill, "abort_when", [{"probe": "plc-filler", "bad_for": f"{n} s"} for n in (2, 3)]))
    assert one.plan().drill_digest != two.plan().drill_digest


def test_a_login_without_a_password_for_enable_stands_in_a_plan_as_it_always_did() -> None:
    """A key that every plan had would change the digest of every plan that is there."""
    assert set(Login(user="drill").model_dump()) == {"user", "password", "key", "become"}
    assert Login(user="drill", become="enable", enable="env:E").model_dump()["enable"] == "env:E"
