"""A drill on a device that is not ready for several reasons: each is told with its remedy, and the device hears no line that changes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest

from islandmode.core.break_glass import BreakGlass
from islandmode.core.episodes import Sample
from islandmode.core.errors import Refused
from islandmode.core.plan import Plan
from islandmode.observe.vantage import Vantage
from islandmode.operate.audience import Audience
from islandmode.operate.ground import PlantGround
from islandmode.operate.plan import plan_of
from islandmode.operate.run import _run_here
from islandmode.store import rundir
from islandmode.store.journal import read_journal
from islandmode.store.run_request import RunRequest
from islandmode.store.rundir import RunDirectory
from islandmode.system.clock import Clock
from islandmode.ui.pages import HtmlPages
from islandmode.ui.spoken import Spoken
from tests.emulators.fortios import FortiDevice
from tests.emulators.kirkby import Kirkby, device_of, served_beside
from tests.operate.test_check_by_recipe import FORTI, disabled, not_kept, out_of_step, pages, ready

RUN = "20261127-090000-one-firewall"
DRILL = """\
drill: one-firewall
site: kirkby
service: {name: Line 1 presses, target: "> 0 parts/min"}
stages:
  - {name: corporate, isolate: corporate-line1, hold: 3 min}
limits: {isolate_within: 15 s, restore_within: 15 s, dead_man: 10 min, longest_ot_gap: 1 s, undo_tier: B}
sample_every: 100 ms
continuity: plc
severed: [office-to-plc, office-to-plc-v6]
left_open:
  - {conduit: maker-line1, accepted_by: "R. Ortiz, plant manager"}
  - {conduit: vendor-line1, accepted_by: "R. Ortiz, plant manager"}
"""
REASONS = (
    "runs version 7.4.8, which may keep a policy active after its schedule",
    " s ahead of the time of Europe/London",
    "name NTP servers under config system ntp",
    "set output to standard under config system console",
    "bring it in step first",
    "is not in place; enter what stands in: islandmode devices provision edge-firewall",
)


class FakeVantage:
    """A vantage that hears nothing yet: a run that is refused at preflight asks none."""

    far = False

    def __init__(self, name: str) -> None:
        self.name = name

    def fresh(self) -> tuple[Sample, ...]:
        """Give none."""
        return ()

    async def stop(self) -> None:
        """Was never started."""

    async def forget(self) -> None:
        """Left nothing anywhere."""


class PlantOfOne(PlantGround):
    """A plant whose preflight is all that is played: no far vantage of it is ever reached."""

    def open_vantages(self, plan: Plan, clock: Clock, run: RunDirectory) -> Mapping[str, Vantage]:
        """Reach none of them."""
        return {name: cast("Vantage", FakeVantage(name)) for name in plan.vantages}


def spoil(device: FortiDevice) -> None:
    """Take away everything that a drill needs."""
    for what in (not_kept, pages, out_of_step, disabled):
        what(device)
    device.version = "7.4.8"
    device.clock.set(device.clock.local + timedelta(hours=1))


def test_each_reason_has_its_own_sentence_and_the_device_is_not_touched(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with ready(tmp_path, FORTI) as kirkby:
        device = kirkby.server.device
        assert isinstance(device, FortiDevice)
        spoil(device)
        before = device.configuration()
        refused = drilled(kirkby)
        assert device.log
        assert not device.was_touched
        assert device.configuration() == before
    assert refused.exit_code == 4
    directory = tmp_path / rundir.RUNS / RUN
    journal = read_journal((directory / "journals" / "conductor.jsonl").read_bytes())
    found = [one.data["sentence"] for one in journal.records if one.kind == "preflight.finding" and one.data["refuses"]]
    told = [sentence for sentence in found if " is not ready for a drill: " in sentence]
    assert len(told) == len(set(told)) == len(REASONS)
    for words in REASONS:
        assert [words in sentence for sentence in told].count(True) == 1, words
    assert all(sentence.startswith("edge-firewall at 127.0.0.1") for sentence in told)
    assert all(sentence.endswith(" Nothing was touched.") for sentence in told)
    kinds = {one.kind for one in journal.records}
    assert not kinds & {"arm.intent", "isolate.intent", "restore.ordered"}
    assert [one.data["code"] for one in journal.records if one.kind == "run.refused"] == ["preflight"]
    # Each of them can be read later.
    shown = kirkby.called("show", RUN)
    assert all(words in " ".join((shown.stdout + shown.stderr).split()) for words in REASONS), shown.stdout
    capsys.readouterr()


def drilled(kirkby: Kirkby) -> Refused:
    (kirkby.root / "drills" / "one-firewall.yaml").write_text(DRILL, encoding="utf-8")
    _, plan = plan_of(kirkby.root, "one-firewall")
    ground = PlantOfOne(kirkby.root, plan.drill.site)
    # The glass is broken, so that nobody has to approve what is refused by its devices.
    broken = BreakGlass("A person of the shift", "for this test")
    request = RunRequest(RUN, kirkby.root, "one-firewall", "live", "nobody", ground.words(), break_glass=broken)
    with pytest.raises(Refused) as refused:
        _run_here(request, plan, ground, Audience(HtmlPages(), Spoken(only_warnings=False)))
    return refused.value


def lost_the_first(device: FortiDevice) -> None:
    device.members = [device]


@pytest.mark.parametrize(
    ("spoil", "code", "words"),
    [
        (out_of_step, "point-not-ready", " has a pair whose configurations differ; bring it in step first"),
        (lost_the_first, "pair-sync-unread", " did not show whether it is in sync with the other members"),
    ],
    ids=["out of sync", "alone"],
)
def test_a_pair_that_is_not_in_sync_is_refused_and_neither_member_is_touched(
    spoil: Callable[[FortiDevice], None], code: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One of them alone does not say that all are in sync: that counts, and the other is not touched either."""
    with ready(tmp_path, FORTI) as kirkby, served_beside(device_of(FORTI)) as second:
        first, other = kirkby.server.device, second.device
        assert isinstance(first, FortiDevice)
        assert isinstance(other, FortiDevice)
        first.form_cluster(other)
        kirkby.pair_with(second)
        spoil(other)
        before = first.configuration(), other.configuration()
        refused = drilled(kirkby)
        for device in (first, other):
            assert {"get system status", "get system ha status"} <= set(device.received())
            assert not device.was_touched
        assert (first.configuration(), other.configuration()) == before
    assert refused.exit_code == 4
    journal = read_journal((tmp_path / rundir.RUNS / RUN / "journals" / "conductor.jsonl").read_bytes())
    found = [one.data for one in journal.records if one.kind == "preflight.finding" and one.data["code"] == code]
    (told,) = [finding["sentence"] for finding in found if words in finding["sentence"]]
    assert "edge-firewall-b" in told
    assert "edge-firewall at" not in told
    kinds = {one.kind for one in journal.records}
    assert not kinds & {"arm.intent", "isolate.intent", "restore.ordered"}
    capsys.readouterr()
