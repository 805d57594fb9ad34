"""Breaking the glass skips what people and the past say, never what restores the plant; and it is loud wherever the run is seen."""

from __future__ import annotations

import json
from pathlib import Path

import anyio
import pytest

from islandmode.core.break_glass import BreakGlass, read_break_glass
from islandmode.core.errors import InputError
from islandmode.core.ledger import attempts_of, attempts_told
from islandmode.core.plan import Plan
from islandmode.operate.audience import OnCard
from islandmode.operate.entering import enter_begun
from islandmode.operate.ground import PlantGround
from islandmode.operate.plan import plan_of, refused_for_live
from islandmode.store import people
from islandmode.store.catalog import Loaded
from islandmode.store.ledger import ledger_of
from islandmode.store.run_request import RunRequest, read_request
from islandmode.ui.pages import HtmlPages
from islandmode.ui.program import command
from tests.operate.approvals_given import DRILL, WITHIN, At, Plant, copy_of, make_plant
from tests.operate.test_promoting import Rehearsed, rehearsed

__all__ = ["rehearsed"]
BROKEN = BreakGlass("The plant manager", "A vendor is in the network")
PERSONAL = ("rehears", "tabletop", "window", "dry run")


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Plant:
    return make_plant(tmp_path_factory.mktemp("made"))


def asked(plant: Plant, broken: BreakGlass | None = BROKEN) -> RunRequest:
    ground = PlantGround(plant.workspace, "riverside").words()
    return RunRequest("a-run", plant.workspace, DRILL, "live", "nobody", ground, break_glass=broken)


def test_neither_approvals_nor_the_past_are_asked_for_and_what_restores_is(plant: Plant) -> None:
    loaded, plan = plan_of(plant.workspace, DRILL)
    with_people = " ".join(refused_for_live(plant.workspace, loaded, plan))
    without = " ".join(refused_for_live(plant.workspace, loaded, plan, broken=BROKEN))
    assert all(word in with_people for word in PERSONAL)
    assert not any(word in without for word in PERSONAL)
    assert "No record of a bench counts for conduit-firewall" in without


def test_the_ledger_has_who_and_why_and_spends_nothing(plant: Plant) -> None:
    _, plan = plan_of(plant.workspace, DRILL)
    anyio.run(enter_begun, asked(plant), plan, At(WITHIN))
    (line,) = [line for line in ledger_of(plant.workspace).lines if line.kind == "begun"]
    assert line.data["break_glass"] == BROKEN.words()
    assert "approvals" not in line.data
    attempts = attempts_of(ledger_of(plant.workspace))
    assert attempts[0].broke_glass
    assert "1 without result (break glass)" in attempts_told(attempts, plan.drill_digest)


def test_a_request_keeps_it_and_an_odd_word_of_it_counts_as_none(plant: Plant, tmp_path: Path) -> None:
    path = tmp_path / "request.json"
    path.write_text(asked(plant).text(), encoding="utf-8")
    assert read_request(path).break_glass == BROKEN
    document = json.loads(asked(plant, None).text())
    assert "break_glass" not in document
    for odd in ("yes", {"by": "X"}, {"by": "X", "why": " \n"}, {"by": 1, "why": "Y"}, None):
        assert read_break_glass(odd) is None


def test_its_card_says_it_before_anything_else(plant: Plant) -> None:
    _, plan = plan_of(plant.workspace, DRILL)
    ground = PlantGround(plant.workspace, "riverside")
    loud = HtmlPages().card(plan, "a-run", plant.workspace, ground, OnCard("live", (BROKEN.loud,)))
    quiet = HtmlPages().card(plan, "a-run", plant.workspace, ground, OnCard("live"))
    told = "BREAK GLASS by The plant manager: A vendor is in the network. Nobody approved this run, and nobody said go."
    assert loud.index("LIVE: this run isolates the plant itself.") < loud.index(told) < loud.index("<h1>")
    assert "BREAK GLASS" not in quiet


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--mode", "live", "--break-glass", "X"), "--break-glass NAME and --why TEXT belong together"),
        (("--mode", "live", "--why", "Y"), "--break-glass NAME and --why TEXT belong together"),
        (("--mode", "rehearsal", "--break-glass", "X", "--why", "Y"), "--break-glass belongs to --mode live"),
        (("--mode", "dry-run", "--break-glass", "X", "--why", "Y"), "--break-glass belongs to --mode live"),
    ],
)
def test_bad_words_of_it_are_refused(plant: Plant, words: tuple[str, ...], why: str) -> None:
    with pytest.raises(InputError, match=why):
        command(["run", DRILL, *words, "--workspace", str(plant.workspace)])


def test_a_run_by_it_that_held_closes_no_breach(rehearsed: Rehearsed) -> None:
    rehearsed.attempt("breached-live", "breached", mode="live")
    begun = rehearsed.enter(
        "begun",
        run="by-glass",
        mode="live",
        site=rehearsed.plan.drill.site,
        drill=rehearsed.plan.drill.drill,
        drill_digest=rehearsed.plan.drill_digest,
        break_glass=BROKEN.words(),
    )
    rehearsed.end("by-glass", begun)
    assert not rehearsed.rungs()["breaches"].stands


WEAK = "may not go below tier A"


def strict(plant: Plant, folder: Path) -> tuple[Path, Plan, Loaded]:
    """A copy of a workspace whose site demands tier A, and its plan on a device that can do tier B only."""
    workspace = copy_of(plant, folder).workspace
    loaded, plan = plan_of(workspace, DRILL)
    points = {
        name: point.model_copy(update={"capabilities": point.capabilities.model_copy(update={"undo_tier": "B"})})
        for name, point in plan.points.items()
    }
    policy = people.folder_of(workspace) / "policy.yaml"
    policy.write_text(f"{policy.read_text(encoding='utf-8')}undo_tier: A\n", encoding="utf-8")
    return workspace, plan.model_copy(update={"points": points}), loaded


def test_the_undo_tier_of_the_site_holds_behind_broken_glass_too(plant: Plant, tmp_path: Path) -> None:
    workspace, plan, loaded = strict(plant, tmp_path)
    assert WEAK in " ".join(refused_for_live(workspace, loaded, plan, broken=BROKEN))
    revoked = people.folder_of(workspace) / "revoked_keys"
    revoked.write_text("this is no key\n", encoding="utf-8")
    told = " ".join(refused_for_live(workspace, loaded, plan, broken=BROKEN))
    assert "so the glass cannot be broken past them." in told
    assert WEAK in told


def test_without_people_the_glass_asks_for_the_strongest_undo_tier(plant: Plant, tmp_path: Path) -> None:
    workspace, plan, loaded = strict(plant, tmp_path)
    people.folder_of(workspace).rename(tmp_path / "away")
    assert WEAK in " ".join(refused_for_live(workspace, loaded, plan, broken=BROKEN))
