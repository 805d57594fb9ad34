"""The pages that a run leaves for people, as one value for the use case that runs it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from pathlib import Path

from islandmode.core.episodes import Episode
from islandmode.core.plan import Plan
from islandmode.core.record import Record
from islandmode.core.refusal import Refusal
from islandmode.core.verdict import Verdict
from islandmode.operate.audience import OnCard
from islandmode.operate.ground import Ground, LabGround
from islandmode.operate.ledger import checkpoint_told
from islandmode.system.own_program import program_anywhere
from islandmode.ui.card import TypedAt, render_card
from islandmode.ui.report.judged import render_report
from islandmode.ui.report.refused import render_refusal


class HtmlPages:
    """The pages of a run, as this program makes them."""

    def card(self, plan: Plan, run: str, workspace: Path, ground: Ground, said: OnCard) -> str:
        """Make the page by which a person restores every device by hand."""
        at = TypedAt(workspace, program_anywhere(), ground.lab_name)
        lab = isinstance(ground, LabGround)
        return render_card(plan, run, at=at, lab=lab, ledger=checkpoint_told(workspace), said=said)

    def report(
        self,
        plan: Plan,
        verdict: Verdict,
        records: Sequence[Record],
        episodes: Mapping[str, tuple[Episode, ...]],
        *,
        others: Sequence[Record],
        configuration_diffs: Mapping[str, str],
        zone: tzinfo,
    ) -> str:
        """Make the report of a run that was judged."""
        return render_report(
            plan, verdict, records, episodes, others=others, configuration_diffs=configuration_diffs, zone=zone
        )

    def refusal(
        self, plan: Plan, run: str, refusal: Refusal, records: Sequence[Record], *, lab: bool, zone: tzinfo
    ) -> str:
        """Make the report of a run that was refused."""
        return render_refusal(plan, run, refusal, records, lab=lab, zone=zone)
