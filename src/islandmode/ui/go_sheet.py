"""The go sheet as a page to print: the codes in large type, and what the person who holds it has to know."""

from __future__ import annotations

from islandmode.core.approval import Approval
from islandmode.core.digest_words import words_of
from islandmode.core.go import latest_go
from islandmode.core.moments import utc_text
from islandmode.core.people import People
from islandmode.core.plan import Plan
from islandmode.core.quantities import written
from islandmode.ui.templates import page

DIGEST_WORDS = 4


def render_sheet(plan: Plan, people: People, approval: Approval, codes: tuple[str, ...]) -> str:
    """Write the page as one HTML document."""
    may = dict.fromkeys(person for role in people.policy.go for person in people.in_role(role))
    return page(
        "go.html",
        approval=approval,
        signed_by=people.told(approval.person),
        may=[people.told(person) for person in may],
        latest=utc_text(latest_go(plan, approval.ends)),
        words=" ".join(words_of(plan.plan_digest, DIGEST_WORDS)),
        stages=[(stage.name, ", ".join(stage.conduits), written(stage.hold_s)) for stage in plan.stages],
        codes=[code.split() for code in codes],
    )
