from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from islandmode.core.errors import InputError
from islandmode.core.plan import Plan
from islandmode.operate.by_hand import lines_by_hand
from islandmode.operate.plan import plan_of
from islandmode.ui.program import command
from islandmode.ui.spoken import Spoken
from tests.run import simulated_drill
from tests.ui.card_reading import DamagedCard, read_card, words
from tests.ui.cards import card_of

PROJECT = Path(__file__).resolve().parents[2]
RUN = "2026-11-23T120000Z-quarterly-isolation-ab12"
Spoil = Callable[[str], str]


@pytest.fixture(scope="module")
def plan() -> Plan:
    return plan_of(PROJECT, "quarterly-isolation")[1]


def changed(plan: Plan, **of_every_point: Any) -> Plan:
    """Change something of every device."""
    points = {name: point.model_copy(update=of_every_point) for name, point in plan.points.items()}
    return plan.model_copy(update={"points": points})


def in_plant(plan: Plan) -> Plan:
    """Take the lab's secret away, as a plant's own site file does."""
    login = next(iter(plan.points.values())).login
    assert login is not None
    return changed(plan, login=login.model_copy(update={"password": "env:FIREWALL"}))


def test_a_card_has_the_plan_s_commands_and_nothing_that_only_a_run_knows(plan: Plan) -> None:
    (page,) = read_card(card_of(plan))
    assert page.name == "conduit-firewall"
    assert page.commands == plan.points["conduit-firewall"].rendering.restore
    assert page.looks["grep -rs islandmode_ /etc/nftables.conf /etc/nftables.d"] == ("islandmode_",)
    assert "any run of this plan" in words(card_of(plan))


def test_a_card_says_what_a_tired_person_needs(plan: Plan) -> None:
    said = words(card_of(in_plant(plan)))
    text = "\n".join(said)
    assert {"Restore by hand: riverside", "quarterly-isolation", f"plan digest {plan.plan_digest}"} <= set(said)
    for line in (
        "172.31.255.1 (managed from zone line3)",
        "ssh YOU@172.31.255.1",
        "by a timer of its own that needs nobody, at most 3 min after Islandmode last set the timer",
        "corporate-line3 passes: office (10.10.0.20) reaches 10.40.0.10, TCP 502.",
        "cd '/srv/plant north' && /opt/islandmode/bin/islandmode restore --drill quarterly-isolation",
        "/srv/plant north, on the operations host",
    ):
        assert line in text
    for owner in ("Line 3 maintenance", "Production planning", "Process engineering"):
        assert said.count(owner) == 1


def test_a_run_s_card_names_the_run_and_how_to_finish_it(plan: Plan) -> None:
    said = words(card_of(plan, RUN))
    assert RUN in said
    assert "any run of this plan" not in said
    assert any(f"cd '/srv/plant north' && /opt/islandmode/bin/islandmode restore {RUN} " in line for line in said)


def test_only_a_lab_s_card_is_marked_lab(plan: Plan) -> None:
    mark = "LAB: a rehearsal, not the plant"
    assert mark in words(card_of(plan))
    assert "LAB" not in card_of(in_plant(plan))
    assert mark in words(card_of(in_plant(plan), RUN, lab=True))


def test_a_card_needs_nothing_from_anywhere(plan: Plan) -> None:
    html = card_of(plan, RUN)
    assert re.findall(r"<(?:script|link|img|iframe|object)\b|@import|url\(|\ssrc=|\shref=", html) == []


def test_a_name_cannot_change_the_page(plan: Plan) -> None:
    flow = plan.stages[0].dying_flows[0].model_copy(update={"owner": "R&D <b>3</b>"})
    stage = plan.stages[0].model_copy(update={"dying_flows": (flow,)})
    html = card_of(plan.model_copy(update={"stages": (stage,)}))
    assert "R&D <b>3</b>" in words(html)
    assert "<b>" not in html


@pytest.mark.parametrize(
    ("able", "says"),
    [
        ({"renewable": False}, "at most 3 min after the drill began to isolate"),
        (
            {"undo_tier": "B"},
            "It restores by itself, by a timer of its own, at most 3 min after Islandmode last set the timer.",
        ),
        # Rounded up to a whole minute, and looked at by the device only every 100 s.
        (
            {"undo_tier": "B", "rounding_s": 60.0, "lag_s": 100.0},
            "at most 5 min 40 s after Islandmode last set the timer.",
        ),
        ({"lag_s": 0.5}, "at most 3 min 1 s after"),
        ({"undo_tier": "C"}, "if that host is dead, NOTHING does"),
        ({"undo_tier": "D"}, "NOTHING restores it but you."),
    ],
)
def test_a_card_says_what_happens_if_nobody_acts(plan: Plan, able: dict[str, Any], says: str) -> None:
    point = plan.points["conduit-firewall"]
    text = " ".join(words(card_of(changed(plan, capabilities=point.capabilities.model_copy(update=able)))))
    assert says in text


def test_a_card_says_that_waiting_for_the_timer_loses_edits(plan: Plan) -> None:
    able = plan.points["conduit-firewall"].capabilities.model_copy(update={"reverts": "commit", "undo_tier": "B"})
    text = " ".join(words(card_of(changed(plan, capabilities=able, lost_edits_accepted_by="Ann Lee"))))
    more = "the whole commit, other people's edits in it too"
    assert f"Do not wait for it: its timer takes back {more} (accepted by Ann Lee)." in text
    assert "You need not wait for it." not in text


def test_a_card_claims_that_nothing_isolates_again_only_where_that_is_so(plan: Plan) -> None:
    point = plan.points["conduit-firewall"]
    able = point.capabilities.model_copy(update={"arms": "with_isolate"})
    for card in (card_of(plan), card_of(plan, RUN)):
        said = " ".join(words(card))
        assert "A drill that has begun to isolate cannot isolate again after them." in said
        # It may be read, and its commands typed, before the run has armed anything: they take nothing away then.
        assert (
            "A drill that is still preparing can: end it, where it can be reached, with cd '/srv/plant north' && /opt/islandmode/bin/islandmode abort"
            in said
        )
    text = " ".join(words(card_of(changed(plan, capabilities=able))))
    assert "cannot isolate again" not in text
    assert "islandmode abort" in text


def test_a_platform_without_a_look_still_has_its_commands_on_every_device() -> None:
    plan = simulated_drill.make(simulated_drill.Shape(two_points=True))
    said = words(card_of(plan))
    assert {"Device 1 of 2: vendor-firewall", "Device 2 of 2: line-firewall"} <= set(said)
    assert said.count("restore") == 2
    assert lines_by_hand(plan).count("  restore") == 2


def test_the_screen_says_the_same_commands(plan: Plan, capsys: pytest.CaptureFixture[str]) -> None:
    Spoken().stranded(lines_by_hand(plan))
    said = [line.strip() for line in capsys.readouterr().err.splitlines()]
    (page,) = read_card(card_of(plan))
    assert set(page.commands) <= set(said)
    assert any(line.startswith("nft list tables ") for line in said)


DAMAGES: dict[str, Spoil] = {
    "a letter is lost": lambda html: html.replace("islandmode_remote_access;", "islandmode_remote_acess;"),
    "a letter is lost twice": lambda html: re.sub(
        r"(<li><code>.*?)remote_access(.*?)remote_access", r"\1remote_acess\2remote_acess", html
    ),
    "a quote is lost": lambda html: html.replace("nft &#39;add", "nft add", 1),
    "a semicolon is lost": lambda html: html.replace("remote_access;", "remote_access", 1),
    "escaped twice": lambda html: html.replace("nft &#39;", "nft &amp;#x27;", 2),
    "a space is lost": lambda html: html.replace("table inet", "tableinet", 1),
    "a command is lost": lambda html: re.sub(r"<li><code><span>nft.*?</li>", "", html, count=1),
    "a command is doubled": lambda html: re.sub(r"(<li><code><span>nft.*?</li>)", r"\1\1", html, count=1),
    "a command is another's": lambda html: re.sub(r"(<li><code>.*?</code>)", _all_remote, html),
    "a device is lost": lambda html: re.sub(r"<table class=\"device.*?</table>", "", html, flags=re.DOTALL),
    "a device was torn off": lambda html: html.replace("Device 1 of 1", "Device 1 of 2"),
}


def _all_remote(one: re.Match[str]) -> str:
    return one[0].replace("corporate_dmz", "remote_access")


@pytest.mark.parametrize("spoil", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_card_cannot_be_read(plan: Plan, spoil: Spoil) -> None:
    html = card_of(plan)
    assert spoil(html) != html
    with pytest.raises(DamagedCard):
        read_card(spoil(html))


def test_plan_writes_the_card_and_says_where(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "card.html"
    asked = ["plan", "quarterly-isolation", "--workspace", str(PROJECT), "--card", str(path)]
    for _ in range(2):
        assert command([*asked, "--json"]) == 0
        said = capsys.readouterr()
        assert said.out.startswith("{")
        assert said.err == f"The card for restoring by hand is {path}; print it, and keep it where the devices are.\n"
    assert len(read_card(path.read_text(encoding="utf-8"))) == 1


@pytest.mark.parametrize(("name", "why"), [("drill.yaml", "is no card"), ("nowhere/card.html", "cannot be written")])
def test_a_card_never_takes_the_place_of_another_file(tmp_path: Path, name: str, why: str) -> None:
    (tmp_path / "drill.yaml").write_text("drill: mine", encoding="utf-8")
    asked = ["plan", "quarterly-isolation", "--workspace", str(PROJECT), "--card", str(tmp_path / name)]
    with pytest.raises(InputError, match=why):
        command(asked)
    assert (tmp_path / "drill.yaml").read_text(encoding="utf-8") == "drill: mine"
