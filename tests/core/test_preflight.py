"""Preflight: what is read before anything is armed, and the sentence that a person gets."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from islandmode.core.episodes import Sample, Seen
from islandmode.core.outcome import Outcome
from islandmode.core.preflight import (
    BYTES_FOR_REST,
    FoundObject,
    PreflightFinding,
    bytes_needed,
    judge_baseline,
    judge_machine,
    judge_plan,
    judge_point,
)
from islandmode.ui.plan_text import print_plan
from tests.core.given import given

READY: dict[str, Any] = {
    "outcome": Outcome.DONE,
    "interfaces": ("lo", "eth0", "eth1", "eth2", "eth3", "eth4"),
    "present": {},
}
WHERE = "conduit-firewall at 172.31.255.1"


def judged(**changes: Any) -> tuple[PreflightFinding, ...]:
    """Judge the firewall with some of what it said changed."""
    return judge_point("conduit-firewall", given().plan().points["conduit-firewall"], **{**READY, **changes})


def test_a_point_that_is_as_it_should_be_has_no_finding() -> None:
    assert judged() == ()


@pytest.mark.parametrize(
    ("changes", "code", "sentence"),
    [
        (
            {"outcome": Outcome.UNKNOWN, "why": "no answer within 15 s.", "present": None},
            "point-silent",
            f"{WHERE} did not answer: no answer within 15 s. Nothing was touched.",
        ),
        (
            {"outcome": Outcome.NOT_DONE, "why": "the password was refused", "present": None},
            "point-login",
            f"{WHERE} could not be logged in to: the password was refused. Nothing was touched.",
        ),
        (
            # What is isolated under a timer of the device shows none of its own, and was not left behind.
            {"pending": "ann", "present": {"remote-access": FoundObject("ann", None)}},
            "point-change-pending",
            (
                f"{WHERE} has a change of ann that waits to be confirmed: a drill would confirm it, or be refused. Wait until it is "
                "confirmed or has gone back. Nothing was touched."
            ),
        ),
        (
            {"outcome": Outcome.NOT_DONE, "present": None},
            "point-login",
            f"{WHERE} could not be logged in to. Nothing was touched.",
        ),
        (
            {"trouble": "nft cannot be used there: sudo: a password is required", "present": None},
            "point-unusable",
            f"{WHERE} let user islandmode in, and cannot be used: nft cannot be used there: sudo: a password is required. Nothing was touched.",
        ),
        (
            {"present": None, "why": "nft said nothing"},
            "point-state-unread",
            f"{WHERE} did not show whether something is isolated on it already: nft said nothing. Nothing was touched.",
        ),
        (
            {"present": {"corporate-dmz": FoundObject("run-7", 93.6)}},
            "point-already-isolated",
            (
                f"{WHERE} is already isolated for corporate-dmz by run run-7 (its timer runs, 94 s are left); wait for its "
                "end, or abort it where it was started. Nothing was touched."
            ),
        ),
        (
            {"present": {"corporate-dmz": FoundObject(None, None)}},
            "point-already-isolated",
            (
                f"{WHERE} already carries an object for corporate-dmz that run unknown left behind (no timer runs, so it "
                "stops nothing); take it away: islandmode restore --drill NAME, with a drill that isolates the same. "
                "Nothing was touched."
            ),
        ),
        (
            {"present": {"corporate-dmz": FoundObject(None, None, isolating=True)}},
            "point-already-isolated",
            (
                f"{WHERE} already isolates corporate-dmz, by run unknown, and no timer runs that would end it. If a drill left it so, restore "
                "it: islandmode restore --drill NAME, with a drill that isolates the same; if somebody of the site did it, let them end it. "
                "Nothing was touched."
            ),
        ),
        (
            {"saved_has_ours": True, "mend": "sed -i ..."},
            "point-saved-isolated",
            (
                f"{WHERE} has an isolation in its saved configuration, so a restart would bring it back; take it out there "
                "first, as root: sed -i .... Nothing was touched."
            ),
        ),
        (
            {"saved_unread": (("/etc/nftables.d/a.nft", "the login user may not read it"),)},
            "point-saved-unread",
            (
                f"{WHERE}: its saved configuration /etc/nftables.d/a.nft could not be read: the login user may not read it, so "
                "whether a restart would isolate is not known; let user islandmode read it. Nothing was touched."
            ),
        ),
        (
            {"interfaces": ("lo", "eth1", "eth3", "eth4")},
            "point-interface-missing",
            (
                f"{WHERE} has no interface eth2 (it has lo, eth1, eth3, eth4); a rule on an interface that does not exist "
                "isolates nothing. Correct the site file. Nothing was touched."
            ),
        ),
    ],
)
def test_a_point_that_is_not_ready_is_refused(changes: dict[str, Any], code: str, sentence: str) -> None:
    late = code == "point-silent"
    assert judged(**changes) == (PreflightFinding(code, sentence, refuses=True, late=late),)


def test_an_include_that_is_not_there_is_advice() -> None:
    (found,) = judged(saved_absent=("/etc/gone.nft",))
    assert (found.code, found.refuses) == ("point-saved-absent", False)
    assert found.sentence == (
        f"{WHERE}: its saved configuration includes /etc/gone.nft, which is not there, so a restart would load no rules."
    )


def test_every_reason_is_told() -> None:
    codes = {
        found.code
        for found in judged(present={"remote-access": FoundObject("run-7", None)}, saved_has_ours=True, interfaces=())
    }
    assert codes == {"point-already-isolated", "point-saved-isolated", "point-interface-missing"}


def test_the_quarterly_drill_is_advised_of_the_flows_it_sees_in_part() -> None:
    advice = judge_plan(given().plan())
    assert [found.sentence for found in advice] == [
        "Severed probes test only 50% of flow telemetry-to-vendor on remote-access (owner Line 3 maintenance).",
        "Severed probes test only 50% of flow production-orders on corporate-line3 (owner Production planning).",
    ]
    assert not any(found.refuses for found in advice)


def test_a_conduit_without_a_canary_is_advice_and_not_a_refusal() -> None:
    plan = given(lambda at: at.drill["severed"].remove("office-canary")).plan()
    (found,) = (found for found in judge_plan(plan) if found.code == "conduit-without-canary")
    assert found.sentence.startswith("No canary crosses corporate-line3,")
    assert not found.refuses


def test_a_flow_that_nothing_tests_is_told() -> None:
    plan = given(lambda at: at.site["conduits"]["remote-access"]["flows"][0].update(service="tcp/22")).plan()
    assert "Severed probes test nothing of flow vendor-to-hmi" in " ".join(each.sentence for each in judge_plan(plan))


def test_a_severed_probe_that_no_flow_permits_is_told() -> None:
    plan = given(lambda at: at.probes["vendor-to-hmi"].update(port=8081)).plan()
    (found,) = (found for found in judge_plan(plan) if found.code == "probe-without-flow")
    assert not found.refuses
    assert found.sentence.startswith(
        "Probe vendor-to-hmi asks 10.40.0.20 for tcp/8081, and no flow of remote-access permits"
    )
    told = StringIO()
    print_plan(plan, Console(file=told, width=400))
    assert f"note: {found.sentence}" in told.getvalue()


def test_a_conduit_without_a_flow_says_nothing_of_what_is_permitted_there() -> None:
    plan = given(lambda at: at.site["conduits"]["remote-access"].pop("flows")).plan()
    assert "probe-without-flow" not in {found.code for found in judge_plan(plan)}


NOW_US = 2_000_000


def heard(seen: Seen = Seen.GOOD, why: str = "", probe: str = "plc-filler") -> dict[str, Sample]:
    """The last word of every probe, all good but one."""
    good = {name: Sample(name, 1, NOW_US - 100_000, NOW_US - 90_000, Seen.GOOD) for name in given().plan().probes}
    return {**good, probe: replace(good[probe], seen=seen, why=why)}


def test_a_baseline_that_is_good_has_no_finding() -> None:
    assert judge_baseline(given().plan(), heard(), NOW_US) == ()


@pytest.mark.parametrize("seen", [Seen.BAD, Seen.UNKNOWN])
@pytest.mark.parametrize(("probe", "vantage"), [("plc-filler", "here"), ("erp-to-historian", "erp")])
def test_a_probe_that_is_not_good_before_the_drill_refuses_it(seen: Seen, probe: str, vantage: str) -> None:
    (found,) = judge_baseline(given().plan(), heard(seen, "connection refused", probe), NOW_US)
    sentence = f"Probe {probe} from vantage {vantage} is {seen.value} before the drill: connection refused. Nothing was touched."
    assert found == PreflightFinding("baseline-not-good", sentence, refuses=True, probe=probe)


@pytest.mark.parametrize(("probe", "vantage"), [("line3-to-erp", "here"), ("vendor-canary", "vendor")])
def test_a_probe_that_said_nothing_refuses_the_drill(probe: str, vantage: str) -> None:
    silent = heard()
    del silent[probe]
    (found,) = judge_baseline(given().plan(), silent, NOW_US)
    sentence = f"Probe {probe} from vantage {vantage} said nothing before the drill. Nothing was touched."
    assert found == PreflightFinding("baseline-silent", sentence, refuses=True, probe=probe, late=True)


def test_a_last_word_that_is_old_is_none() -> None:
    late_us = NOW_US + 7_000_000
    fresh = {name: replace(one, asked_us=late_us) for name, one in heard().items()}
    assert judge_baseline(given().plan(), fresh, late_us) == ()
    fresh["erp-canary"] = heard()["erp-canary"]
    (found,) = judge_baseline(given().plan(), fresh, late_us)
    sentence = "Probe erp-canary from vantage erp said nothing for 7.1 s before the drill. Nothing was touched."
    assert found == PreflightFinding("baseline-silent", sentence, refuses=True, probe="erp-canary", late=True)


def test_a_vantage_that_cannot_be_looked_at_refuses_the_drill_once() -> None:
    plan = given().plan()
    near = {name: one for name, one in heard().items() if plan.probes[name].probe.vantage != "erp"}
    (found,) = judge_baseline(plan, near, NOW_US, {"erp": "no answer."})
    sentence = "What vantage erp sees could not be looked at before the drill: no answer. Nothing was touched."
    assert found == PreflightFinding("baseline-unseen", sentence, refuses=True, late=True)


def test_a_machine_with_room_for_the_record_is_ready() -> None:
    assert judge_machine(free_bytes=100, needed_bytes=100) == ()


def test_a_full_disk_refuses_the_drill() -> None:
    (found,) = judge_machine(free_bytes=1_500_000, needed_bytes=24_000_001)
    sentence = "The runs directory has 1 MB free and this drill may write 25 MB; make room there. Nothing was touched."
    assert found == PreflightFinding("disk-full", sentence, refuses=True)


def test_the_room_a_run_needs_grows_with_what_is_sampled() -> None:
    plan = given().plan()
    assert BYTES_FOR_REST < bytes_needed(plan, 10.0) < bytes_needed(plan, 20.0)
    coarse = given(lambda at: at.drill.update(sample_every="500 ms")).plan()
    assert bytes_needed(coarse, 20.0) < bytes_needed(plan, 20.0)


@pytest.mark.parametrize("late", [True, False])
def test_a_state_that_was_not_shown_came_late_only_where_the_device_did_not_answer(*, late: bool) -> None:
    (found,) = judged(present=None, state_late=late)
    assert (found.code, found.late) == ("point-state-unread", late)
