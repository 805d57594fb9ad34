"""What a site must have declared before a live drill: one row for each thing that is missing, with its place and what to do."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given as over
from hypothesis import strategies as st

from islandmode.core.live.refusals import FoundFile, refused_by_site
from islandmode.core.live.values import Backup
from islandmode.core.problem import Problem
from tests.core.given import PROJECT, Documents, given, put
from tests.core.interlocked import ALARM, interlocked
from tests.core.spoilt import Row, both

TODAY = date(2026, 11, 28)
CABLE = {"by": "cable", "what": "Pull it.", "ordered_by": "Plant manager"}
REMOTE = ("conduits", "remote-access")
HMI = (*REMOTE, "flows", 0)
BACKUPS = ("backups", "isolation_points", "conduit-firewall")
FILES = {"lab/fw/nftables.conf": "", "lab/plant/plc.py": ""}


def refused(spoil: Callable[[Documents], object] = lambda _: None, today: date = TODAY) -> tuple[Problem, ...]:
    found = given(both(interlocked, spoil))
    kept = [] if found.site.backups is None else [backup for _, _, backup in found.site.backups.each()]
    files = {
        str(backup.file): FoundFile(sha256=declared()[str(backup.file)]) for backup in kept if backup.file in FILES
    }
    return refused_by_site(found.drill, found.site, today, today + timedelta(days=1), files)


def declared() -> dict[str, str]:
    return {name: hashlib.sha256((PROJECT / name).read_bytes()).hexdigest() for name in FILES}


def test_the_shipped_site_lacks_nothing_and_its_backups_are_what_it_says() -> None:
    assert refused() == ()


def unanswered(key: str) -> Row:
    """Take out what was said of a service."""
    return Row(
        f"no answer for {key}",
        lambda at: at.site["asked_for"].pop(key),
        "site",
        ("asked_for", key),
        f"Nobody said what carries {key.replace('_', ' ')}; answer under asked_for with {key}: carried_by (a flow, a conduit, or "
        '"not across the boundary"), said_by and said_on.',
    )


ROWS = (
    Row(
        "a flow that nobody reviewed",
        lambda at: [
            at.site["conduits"]["remote-access"]["flows"][0].pop(key)
            for key in ("if_cut", "reviewed_by", "reviewed_on")
        ],
        "site",
        HMI,
        "Flow vendor-to-hmi on remote-access dies in this drill, and nobody reviewed what its loss does; add if_cut, reviewed_by and "
        "reviewed_on.",
    ),
    Row(
        "a flow of safety",
        lambda at: put(at.site, *HMI, "if_cut", "safety"),
        "site",
        (*HMI, "if_cut"),
        "Flow vendor-to-hmi on remote-access dies in this drill, and Line 3 maintenance said on 2026-11-02 that its loss is a matter of "
        "safety: no live drill cuts it. Leave remote-access out of the drill, or lead the flow another way.",
    ),
    Row(
        "a legal matter that nobody accepted",
        lambda at: put(at.site, *HMI, "if_cut", "legal"),
        "site",
        (*HMI, "if_cut"),
        "Flow vendor-to-hmi on remote-access dies in this drill, and Line 3 maintenance said on 2026-11-02 that its loss is a legal "
        "matter; add cut_accepted_by, the person who accepts that a live drill cuts it.",
    ),
    *(unanswered(key) for key in ("radio", "telephones", "fire_alarm", "emissions", "access_control")),
    Row(
        "a fire alarm by a flow that dies",
        lambda at: put(at.site, "asked_for", "fire_alarm", "carried_by", ["historian-view", "telemetry-to-vendor"]),
        "site",
        ("asked_for", "fire_alarm", "carried_by"),
        "Fire alarm is carried by telemetry-to-vendor, which this drill cuts; no live drill cuts a fire alarm. Lead it another way first.",
    ),
    Row(
        "a fire alarm by a conduit that is isolated",
        lambda at: put(at.site, "asked_for", "fire_alarm", "carried_by", "corporate-dmz"),
        "site",
        ("asked_for", "fire_alarm", "carried_by"),
        "Fire alarm is carried by corporate-dmz, which this drill cuts",
    ),
    Row(
        "no backup of a point",
        lambda at: at.site["backups"].pop("isolation_points"),
        "site",
        ("isolation_points", "conduit-firewall"),
        "No backup of isolation point conduit-firewall is declared that lies elsewhere; add it under backups, isolation_points: what, "
        "where, sha256, taken_on, checked_by.",
    ),
    Row(
        "no PLC project",
        lambda at: put(at.site, "backups", "plc_projects", {}),
        "site",
        ("backups", "plc_projects"),
        "No backup of a PLC project is declared; add each under backups, plc_projects, by the PLC's name.",
    ),
    Row(
        "a backup that is too old",
        lambda at: put(at.site, "backups", "isolation_points", "conduit-firewall", "taken_on", "2026-08-29"),
        "site",
        (*BACKUPS, "taken_on"),
        "The backup of conduit-firewall is 91 days old, and 90 is the site's limit (max_age_days); take a new one and enter it.",
    ),
    Row(
        "a backup with another digest",
        lambda at: put(at.site, *BACKUPS, "sha256", "0" * 64),
        "site",
        (*BACKUPS, "file"),
        "The backup of conduit-firewall is not seen to be what was declared: lab/fw/nftables.conf has the digest ",
    ),
    Row(
        "a backup that nobody looked at",
        lambda at: put(at.site, *BACKUPS, "file", "elsewhere.conf"),
        "site",
        (*BACKUPS, "file"),
        "The backup of conduit-firewall is not seen to be what was declared: elsewhere.conf was not looked at",
    ),
    Row(
        "nothing keeps a conduit closed",
        lambda at: (
            at.site["conduits"]["remote-access"].pop("keep_closed")
            and at.site["isolation_points"]["conduit-firewall"].pop("keep_closed")
            and [put(at.site, "conduits", name, "keep_closed", CABLE) for name in ("corporate-dmz", "corporate-line3")]
        ),
        "site",
        REMOTE,
        "Nothing is declared that keeps remote-access closed if this drill turns real; add keep_closed to the conduit, or to each isolation "
        "point that it passes through: by (deny or cable), what, ordered_by.",
    ),
    Row(
        "no interlock that tells the state",
        lambda at: interlocked(at, ALARM),
        "drill",
        ("interlocks",),
        "Nothing shows that the plant is running, as plant_state says; add an interlock that reads otherwise in a plant that runs than in "
        "one that is idle.",
    ),
    Row(
        "a review of a day to come",
        lambda at: put(at.site, *HMI, "reviewed_on", "2026-11-30"),
        "site",
        (*HMI, "reviewed_on"),
        '"reviewed_on" of flow vendor-to-hmi is 2026-11-30, a day that is still to come; write the day on which it was done.',
    ),
    Row(
        "an answer of a day to come",
        lambda at: put(at.site, "asked_for", "radio", "said_on", "2027-01-01"),
        "site",
        ("asked_for", "radio", "said_on"),
        '"said_on" of radio is 2027-01-01, a day that is still to come; write the day on which it was done.',
    ),
    Row(
        "a backup of a day to come",
        lambda at: put(at.site, *BACKUPS, "taken_on", "2026-12-24"),
        "site",
        (*BACKUPS, "taken_on"),
        '"taken_on" of the backup of conduit-firewall is 2026-12-24, a day that is still to come',
    ),
)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_one_thing_that_is_missing_refuses_live_at_its_place(row: Row) -> None:
    found = refused(row.spoil)
    assert [(each.source, each.path) for each in found] == [(row.source, row.path)]
    assert found[0].sentence.startswith(row.sentence)
    assert found[0].sentence.endswith(".")


def test_a_legal_matter_that_a_person_accepted_is_cut() -> None:
    accepted = {"if_cut": "legal", "cut_accepted_by": "Plant manager"}
    assert refused(lambda at: at.site["conduits"]["remote-access"]["flows"][0].update(accepted)) == ()


def test_what_the_drill_leaves_alone_refuses_nothing() -> None:
    def spoil(at: Documents) -> None:
        for flow in at.site["conduits"]["dmz-line3"]["flows"]:
            flow.update(if_cut="safety", reviewed_by="Safety engineer", reviewed_on="2026-01-01")
        put(at.site, "asked_for", "fire_alarm", "carried_by", "dmz-line3")

    assert refused(spoil) == ()


def test_a_site_that_declares_nothing_is_refused_for_each_thing() -> None:
    def spoil(at: Documents) -> None:
        del at.site["asked_for"], at.site["backups"], at.site["isolation_points"]["conduit-firewall"]["keep_closed"]
        del at.site["conduits"]["remote-access"]["keep_closed"]
        for conduit in at.site["conduits"].values():
            for flow in conduit["flows"]:
                [flow.pop(key, None) for key in ("if_cut", "reviewed_by", "reviewed_on", "cut_accepted_by")]

    # Six flows die, five services are not answered, a backup of a point and one of a PLC are missing, three conduits are not kept closed.
    assert len(refused(spoil)) == 6 + 5 + 2 + 3


@dataclass(frozen=True)
class Second:
    """A second device on the same conduit."""

    closed: bool


@pytest.mark.parametrize("second", [Second(closed=True), Second(closed=False)])
def test_a_conduit_through_two_devices_is_closed_only_where_both_are(second: Second) -> None:
    def spoil(at: Documents) -> None:
        del at.site["conduits"]["remote-access"]["keep_closed"]
        points = at.site["isolation_points"]
        points["other"] = dict(points["conduit-firewall"]) | {"isolates": ["remote-access"]}
        at.site["backups"]["isolation_points"]["other"] = dict(
            at.site["backups"]["isolation_points"]["conduit-firewall"]
        )
        if not second.closed:
            del points["other"]["keep_closed"]

    assert [each.path for each in refused(spoil)] == ([] if second.closed else [REMOTE])


@over(st.integers(0, 4000), st.integers(1, 3650))
def test_a_backup_counts_until_its_last_day(days: int, limit: int) -> None:
    taken = TODAY - timedelta(days=days)
    entry: dict[str, Any] = {"what": "all", "where": "safe", "sha256": "0" * 64, "taken_on": taken, "checked_by": "OT"}
    assert Backup.model_validate(entry).taken_on == taken

    def spoil(at: Documents) -> None:
        put(at.site, "backups", "max_age_days", limit)
        put(at.site, "backups", "isolation_points", {"conduit-firewall": entry})
        put(at.site, "backups", "plc_projects", {"filler": entry | {"taken_on": TODAY}})

    assert [each.path for each in refused(spoil)] == ([(*BACKUPS, "taken_on")] if days > limit else [])
