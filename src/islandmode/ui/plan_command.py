"""Command `plan`: every step of a drill, its undo, and whose flows die."""

from __future__ import annotations

from pathlib import Path

from islandmode.operate.approving import approvals_told, now_of
from islandmode.operate.ledger import checkpoint_told, earlier_told
from islandmode.operate.plan import benched_of, plan_of, refused_beside_points
from islandmode.operate.promoting import rungs_of
from islandmode.operate.telling import warn_of_left_out
from islandmode.system.own_program import program_anywhere
from islandmode.ui.plan_text import print_plan
from islandmode.ui.spoken import Spoken


def show_plan(workspace: Path, drill: str, card: Path | None, *, as_json: bool) -> int:
    """Print a drill's plan, and write its card where that is asked for."""
    loaded, plan = plan_of(workspace, drill)
    warn_of_left_out(Spoken(), loaded.left_out)
    if as_json:
        print(plan.model_dump_json(indent=2, by_alias=True))
    else:
        benched = benched_of(workspace, plan)
        print_plan(
            plan,
            benched=benched,
            earlier=earlier_told(workspace, plan),
            approvals=approvals_told(workspace, plan, now_of()),
            rungs=rungs_of(workspace, plan, benched),
            live=refused_beside_points(workspace, loaded),
        )
    if card is not None:
        # A plan is asked for often, and its card now and then: what lays out pages is slow to import.
        from islandmode.rehearse.lab_place import lab_of_site  # noqa: PLC0415 - only for a card
        from islandmode.ui.card import TypedAt, write_plan_card  # noqa: PLC0415 - only for a card

        lab = lab_of_site(loaded.site.lab, None, None, None).name
        at = TypedAt(workspace.resolve(), program_anywhere(), lab)
        write_plan_card(plan, card, at, checkpoint_told(workspace))
    return 0
