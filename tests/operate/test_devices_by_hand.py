"""Devices that a person isolates by hand: what the site must say of them, what plan and card make of it, and that nothing ever logs in."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest
from rich.console import Console

from islandmode.core.drill import Mode
from islandmode.core.errors import InputError, Refused
from islandmode.core.plan import Plan
from islandmode.core.rescue import Rescue
from islandmode.isolation.by_hand import ByHand, Look
from islandmode.isolation.table import by_hand
from islandmode.operate.audience import Audience
from islandmode.operate.by_hand import lines_by_hand
from islandmode.operate.check import check_workspace
from islandmode.operate.ground import PlantGround
from islandmode.operate.plan import plan_of
from islandmode.operate.rescue_points import rescue_of, rescue_of_site
from islandmode.operate.run import DrillOrder, run_drill
from islandmode.rehearse.site_in_lab import site_faults
from islandmode.rehearse.topology import read_topology
from islandmode.system.clock import MachineClock
from islandmode.ui.card import TypedAt, render_card
from islandmode.ui.pages import HtmlPages
from islandmode.ui.plan_text import print_plan

KIRKBY = Path(__file__).resolve().parents[2] / "examples" / "kirkby"
MINIMAL = Path(__file__).resolve().parents[2] / "docs" / "minimal"
SITE, DRILL, MODEM = "inventory/kirkby.yaml", "all-ways", "press-modem"
WHERE = "Press hall, cabinet 4; the shift lead has the key"


def workspace(root: Path, changes: Mapping[str, str]) -> Path:
    shutil.copytree(KIRKBY, root, dirs_exist_ok=True)
    site = root / SITE
    text = site.read_text()
    for old, new in changes.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    site.write_text(text)
    return root


def said(root: Path) -> list[str]:
    return [str(error) for error in check_workspace(root).errors]


def line_of(root: Path, words: str) -> int:
    return next(number for number, line in enumerate((root / SITE).read_text().splitlines(), 1) if words in line)


def test_a_plan_carries_the_site_s_own_lines_and_nothing_to_log_in_with() -> None:
    point = plan_of(KIRKBY, DRILL)[1].points[MODEM]
    able = point.capabilities
    assert (point.management, point.login, point.recipe, point.place) == (None, None, None, WHERE)
    assert (able.arms, able.undo_tier, able.timer, able.witness) == ("with_isolate", "D", "none", "none")
    assert (able.logs_in, able.shows_configuration, able.renewable) == (False, False, False)
    assert able.covers == ("forward", "to_device", "vpn")
    assert [stage.isolate for stage in point.rendering.stages if stage.conduits] == [
        ("Pull the yellow cable out of port 1 of the modem.",)
    ]
    assert point.rendering.restore == ("Put the yellow cable into port 1 of the modem.",)


def test_a_plan_with_such_a_device_is_read_back_as_it_was() -> None:
    plan = plan_of(KIRKBY, DRILL)[1]
    assert Plan.model_validate_json(plan.model_dump_json(by_alias=True)) == plan
    assert {"management", "login"} & plan.model_dump()["points"][MODEM].keys() == set()


def test_what_a_person_does_and_sees_is_the_site_s() -> None:
    assert by_hand(plan_of(KIRKBY, DRILL)[1].points[MODEM]) == ByHand(
        become=WHERE,
        commands=("Put the yellow cable into port 1 of the modem.",),
        answer="",
        looks=(Look("The lamp above port 1", (), "Press the plug in until it clicks.", must_show=("green light",)),),
        last_resort="Swap the cable for the spare that hangs in the cabinet.",
        in_order=True,
        is_typed=False,
    )


def test_by_hand_on_a_screen_says_where_it_stands() -> None:
    lines = lines_by_hand(plan_of(KIRKBY, DRILL)[1])
    at = lines.index(f"{MODEM}, by hand: {WHERE}")
    assert lines[at + 1 :] == (
        "  Put the yellow cable into port 1 of the modem.",
        "  The lamp above port 1   must show green light",
    )


def test_covers_that_nobody_states_is_what_passes_through_alone(tmp_path: Path) -> None:
    root = workspace(tmp_path, {"      covers: [forward, to_device, vpn]\n": ""})
    assert f"what ends on {MODEM} is not isolated" in plan_of(root, DRILL)[1].boundary.told


@pytest.mark.parametrize(
    ("old", "new", "line", "sentence"),
    [
        (
            "    platform: manual\n",
            "    platform: manual\n    login: {user: islandmode}\n",
            "login: {user: islandmode}",
            f"12: Nothing logs in to {MODEM}, which is isolated by hand, so take login out; where it stands is said under by_hand.",
        ),
        (
            "    platform: manual\n",
            "    platform: manual\n    management: {address: 10.20.0.3, zone: line1}\n",
            "address: 10.20.0.3",
            f"17: Nothing logs in to {MODEM}, which is isolated by hand, so take management out; where it stands is said under by_hand.",
        ),
        (
            "    platform: manual\n",
            "    platform: manual\n    dead_man_max: 10 min\n",
            "dead_man_max:",
            f"19: {MODEM} is isolated by hand and has no timer, so take dead_man_max out; a person restores it, and nothing else does.",
        ),
        (
            "    platform: manual\n",
            # Also where it says what it would be without a word.
            "    platform: manual\n    renewable: true\n",
            "renewable:",
            f"16: {MODEM} is isolated by hand and has no timer, so take renewable out; a person restores it, and nothing else does.",
        ),
        (
            "        maker-line1:\n",
            "        maker-line:\n",
            "          isolate:",
            f'11: There is no conduit that {MODEM} isolates named "maker-line"; known: maker-line1. Did you mean "maker-line1"?',
        ),
        (
            "        maker-line1:\n",
            "        maker-line:\n",
            "        maker-line:",
            f"9: {MODEM} isolates maker-line1 and has no lines for it; add them under lines.",
        ),
        (
            ", must_show: green light",
            "",
            "The lamp above",
            "15: This look expects nothing, so that nobody could see whether a restore worked; say must_show or must_not_show.",
        ),
        (
            '"Put the yellow cable into port 1 of the modem."',
            '"enable password hunter2abc"',
            "hunter2abc",
            "20: A secret seems to stand here; these lines are printed on plan and card, so no secret may stand in them.",
        ),
        (
            '"Put the yellow cable into port 1 of the modem."',
            r'"Put it in.\nThen push."',
            "Put it in.",
            '20: "restore" must be one line, of at most 250 characters; found "Put it in.?Then push.".',
        ),
    ],
    ids=[
        "a login",
        "an address",
        "a longest timer",
        "a timer that is set again",
        "a conduit that is not its",
        "a conduit without lines",
        "a look for nothing",
        "a secret",
        "two lines in one",
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, old: str, new: str, line: str, sentence: str) -> None:
    root = workspace(tmp_path, {old: new})
    assert f"{SITE}:{line_of(root, line)}:{sentence}" in said(root)


@pytest.mark.parametrize("key", ["management", "login"])
def test_every_other_platform_needs_what_it_is_reached_by(tmp_path: Path, key: str) -> None:
    root = workspace(tmp_path, {})
    lines = (root / SITE).read_text().splitlines(keepends=True)
    at = next(number for number, line in enumerate(lines) if line.startswith("  vendor-router:"))
    gone = next(number for number in range(at, len(lines)) if lines[number].strip().startswith(f"{key}:"))
    (root / SITE).write_text("".join(lines[:gone] + lines[gone + 1 :]))
    assert f'{SITE}:{at + 2}:5: The key "{key}" is missing here; add it.' in said(root)
    # A restore by this drill says it too, and goes on with the other devices.
    rescue, lost, _ = rescue_of(root, "devices-only")
    assert set(rescue.points) == {"edge-firewall"}
    assert any(f'The key "{key}" is missing here; add it.' in str(error) for error in lost)


def test_a_device_by_hand_needs_what_a_person_does(tmp_path: Path) -> None:
    root = workspace(tmp_path, {})
    text = (root / SITE).read_text()
    before, _, after = text.partition("    by_hand:\n")
    (root / SITE).write_text(before + "vantages:" + after.partition("\nvantages:")[2])
    assert any(one.endswith('The key "by_hand" is missing here; add it.') for one in said(root))


def test_what_a_person_does_stands_at_no_other_platform(tmp_path: Path) -> None:
    root = workspace(
        tmp_path,
        {
            "platform: manual\n": "platform: nftables\n    management: {address: 10.20.0.3, zone: line1}\n    login: {user: x}\n"
        },
    )
    place = f"{SITE}:{line_of(root, '      where:')}:7: "
    sentence = f"{MODEM} is not isolated by hand (platform: nftables), so take by_hand out, or write platform: manual."
    assert [one for one in said(root) if one.startswith(place) and one.endswith(sentence)]


@pytest.mark.parametrize("mode", [Mode.REHEARSAL, Mode.TABLETOP, Mode.LIVE])
def test_no_run_isolates_by_hand_and_a_tabletop_walks_through_it(mode: Mode) -> None:
    order = DrillOrder(KIRKBY, DRILL, mode)
    if mode is Mode.TABLETOP:
        assert run_drill(order, Audience(HtmlPages())).exit_code == 6
        return
    with pytest.raises(InputError if mode is Mode.REHEARSAL else Refused) as refused:
        run_drill(order, Audience(HtmlPages()))
    if mode is Mode.REHEARSAL:
        line = line_of(KIRKBY, "    by_hand:") + 1
        at = f"{SITE}:{line}:7: {MODEM} is isolated by hand, "
        told = str(refused.value)
        assert f"{at}and nobody is named who would be asked; add person, and answers_within" in told
        assert (
            f"{at}so nothing restores it by itself; have that accepted for this isolation point: accept_no_timer"
            in told
        )
    else:
        # Why its recipes would not do for a plant is told at once.
        assert (
            "edge-firewall (fortios-schedule) goes by a recipe that was not benched on such a device (emulated)."
            in str(refused.value)
        )
        assert (
            "vendor-router (ios-time-range) does not say what the other member of a pair does with an isolation."
            in str(refused.value)
        )
        assert "Nothing was touched." in str(refused.value)
    assert not (KIRKBY / "runs").exists()


def test_a_restore_leaves_it_to_the_person_and_opens_the_others(tmp_path: Path) -> None:
    """Nothing is contacted by opening; the others are lost here for other reasons than this device is."""
    root = workspace(tmp_path, {})
    (root / "inventory" / "known_hosts").write_text("")
    rescue, lost, _ = rescue_of(root, DRILL)
    assert (set(rescue.points), lost) == ({"edge-firewall", "vendor-router", MODEM}, ())
    ground = PlantGround(root, "kirkby")
    only = Rescue(site="kirkby", points={MODEM: rescue.points[MODEM]}, conduits=("maker-line1",))
    ground.refuse(only)
    made = ground.open_points(only, MachineClock.of_this_boot(), None)
    assert made.points == {}
    assert str(made.lost[MODEM]) == f"{MODEM} is isolated and restored by hand: {WHERE}. Nothing here logs in to it."


def test_a_look_at_a_whole_site_waits_for_no_person_whom_no_run_would_ask(tmp_path: Path) -> None:
    """Where nobody is named no run isolates by hand; where somebody is, the alarm of a run whose record is lost must not end unseen."""
    rescue, lost, _ = rescue_of_site(KIRKBY, "kirkby")
    assert (set(rescue.points), lost) == ({"edge-firewall", "vendor-router"}, ())
    named = "\n      person: {name: R. Ortiz, position: shift lead, reached: radio 4}\n      answers_within: 60 s\n      last_resort:"
    root = workspace(tmp_path, {"\n      last_resort:": named})
    assert set(rescue_of_site(root, "kirkby")[0].points) == {"edge-firewall", "vendor-router", MODEM}


def test_no_lab_must_have_it(tmp_path: Path) -> None:
    shutil.copytree(MINIMAL, tmp_path, dirs_exist_ok=True)
    site = tmp_path / "inventory" / "north.yaml"
    by = (
        "  valve:\n    platform: manual\n    isolates: office-line1\n"
        "    by_hand: {where: hall, lines: {office-line1: {isolate: pull, restore: push, looks: {look: lamp, must_show: lit, otherwise: push again}}}, last_resort: call}\n"
    )
    site.write_text(site.read_text().replace("vantages:\n", f"{by}vantages:\n"))
    drill = tmp_path / "drills" / "office.yaml"
    drill.write_text(drill.read_text().replace("undo_tier: A", "undo_tier: D"))
    loaded, plan = plan_of(tmp_path, "office")
    assert set(plan.points) == {"firewall", "valve"}
    topology = read_topology(tmp_path / "lab" / "north.clab.yml")
    assert list(site_faults(loaded.site, topology)) == []
    assert [str(error) for error in check_workspace(tmp_path).errors] == []


def test_a_drill_that_wants_more_than_a_person_is_refused(tmp_path: Path) -> None:
    root = workspace(tmp_path, {})
    drill = root / "drills" / f"{DRILL}.yaml"
    drill.write_text(drill.read_text().replace("undo_tier: D", "undo_tier: B"))
    with pytest.raises(InputError, match=f"undo_tier B is demanded, but {MODEM} \\(manual\\) offers only tier D"):
        plan_of(root, DRILL)


NAMED = """
      person: {name: R. Ortiz, position: shift lead, reached: radio 4}
      answers_within: 60 s
      accept_no_timer: {accepted_by: "M. Keller, plant manager"}
      last_resort:"""


def test_plan_and_card_say_who_is_asked_and_that_nothing_restores_it_by_itself(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = workspace(tmp_path, {"\n      last_resort:": NAMED})
    drill = root / "drills" / f"{DRILL}.yaml"
    text = drill.read_text()
    for key in ("isolate_within", "restore_within"):
        text = re.sub(rf"{key}: [^,}}\n#]*", f"{key}: 2 min", text)
    drill.write_text(re.sub(r"dead_man: [^,}\n#]*", "dead_man: 10 min", text))
    plan = plan_of(root, DRILL)[1]
    able = plan.points[MODEM].capabilities
    assert (able.asks_person, able.works_s.isolate, able.latest_s) == (True, 60.0, 65.0)
    print_plan(plan, Console(width=400))
    told = (
        "undo tier D: nothing restores this by itself (accepted by M. Keller, plant manager); R. Ortiz (shift lead; radio 4) is asked, and has "
        "60 s for each act"
    )
    assert told in capsys.readouterr().out
    card = render_card(plan, at=TypedAt(root, "islandmode", "plant"))
    assert (
        "NOTHING restores it but you. R. Ortiz (shift lead; radio 4) was asked to isolate it, and is to restore it."
        in card
    )


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        (
            "person: {name: R. Ortiz, position: lead, reached: radio}",
            '"by_hand" must have person and answers_within together',
        ),
        ("answers_within: 60 s", '"by_hand" must have person and answers_within together'),
        (
            "person: {name: R. Ortiz, position: lead, reached: radio}\n      answers_within: 1 s",
            '"answers_within" must be between 5 s and 30 min',
        ),
        ("accept_no_timer: {}", 'The key "accepted_by" is missing here; add it.'),
    ],
)
def test_what_is_wrong_about_a_person_is_said_with_its_place(tmp_path: Path, lines: str, sentence: str) -> None:
    root = workspace(tmp_path, {"\n      last_resort:": f"\n      {lines}\n      last_resort:"})
    assert any(line.startswith(f"{SITE}:") and sentence in line for line in said(root)), said(root)
