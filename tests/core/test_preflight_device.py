"""What a check of one device finds beside preflight: each finding comes where it must, and only there."""

from __future__ import annotations

import pytest

from islandmode.core.preflight_device import (
    judge_configuration,
    judge_login_beside,
    judge_objects,
    judge_rights,
    judge_way,
)
from tests.core.given import given

SITE = given().site
WHERE = "fw at 172.31.255.1"


@pytest.mark.parametrize(
    ("zone", "isolates", "refuses"),
    [
        ("line3", ("remote-access",), False),
        ("vendors", ("remote-access",), True),
        ("vendors", ("corporate-dmz",), False),
        ("corporate", ("remote-access", "corporate-line3"), True),
    ],
)
def test_a_device_that_its_own_isolation_puts_out_of_reach_is_refused(
    zone: str,
    isolates: tuple[str, ...],
    refuses: bool,  # noqa: FBT001 - a row of the table
) -> None:
    found = list(judge_way(WHERE, zone, isolates, SITE))
    assert [finding.code for finding in found] == (["point-managed-across"] if refuses else [])
    assert all(finding.refuses and isolates[-1] in finding.sentence for finding in found)


def test_without_an_operations_host_no_way_to_it_is_judged() -> None:
    nowhere = SITE.model_copy(update={"vantages": {"there": SITE.vantages["here"]}})
    assert list(judge_way(WHERE, "vendors", ("remote-access",), nowhere)) == []


def test_objects_of_others_are_those_that_no_conduit_of_the_site_accounts_for() -> None:
    assert list(judge_objects(WHERE, None, ())) == []
    assert list(judge_objects(WHERE, ("islandmode_a",), {"a"})) == []
    alone, beside = (next(judge_objects(WHERE, *case)) for case in ((("t",), ()), (("s", "t"), {"a"})))
    assert (alone.code, alone.refuses, "of them" in alone.sentence) == ("point-other-objects", False, False)
    assert "1 of them for conduits that the site isolates" in beside.sentence


@pytest.mark.parametrize(
    ("judge", "code"),
    [(judge_login_beside, "point-login-beside"), (judge_configuration, "point-configuration-unread")],
)
def test_what_a_drill_needs_and_did_not_get_refuses(judge: type, code: str) -> None:
    assert list(judge(WHERE, "", done=True, late=False)) == []
    (found,) = judge(WHERE, "no answer.", done=False, late=True)
    assert (found.code, found.refuses, found.late, "(no answer)" in found.sentence) == (code, True, True, True)


def test_rights_are_advice() -> None:
    assert list(judge_rights(WHERE, "islandmode", (), "", "")) == []
    found = list(judge_rights(WHERE, "islandmode", ("(ALL) ALL",), "it is not there", "silent"))
    assert [finding.code for finding in found] == [
        "point-rights-broad",
        "point-rights-unread",
        "point-account-elsewhere",
    ]
    assert not any(finding.refuses for finding in found)
