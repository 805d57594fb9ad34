"""One look at one isolation point: a login, what it says of itself, and every reason not to drill on it. Nothing is changed.

Preflight takes it for every point of a plan, and `devices check` for a device of a site, so that both say the same of it.
"""

from __future__ import annotations

from dataclasses import dataclass

from islandmode.core.outcome import Outcome
from islandmode.core.plan import PlanPoint
from islandmode.core.preflight import FoundObject, PreflightFinding, judge_point
from islandmode.core.preflight_firewall import Zones, judge_firewall
from islandmode.isolation.point import Facts, IsolationPoint
from islandmode.isolation.table import mend_saved


@dataclass(frozen=True)
class PointLook:
    """What was found at a point. `facts` is None where the login did not work, or the device cannot be used."""

    findings: tuple[PreflightFinding, ...]
    facts: Facts | None = None
    present: frozenset[str] = frozenset()
    """The conduits of the point for which an Islandmode object stands on it."""
    at_rest: tuple[str, ...] = ()
    """The conduits of the point that were read, and for which none stands."""


async def look_at_point(name: str, planned: PlanPoint, point: IsolationPoint, zones: Zones, restore: str) -> PointLook:
    """Log in once, read facts and state, and judge them; `restore` is the command that restores, without its arguments."""
    facts = await point.facts(planned.capabilities.facts_s)
    if not facts.done or facts.value is None:
        # One login attempt only: a second question on a device that refused the first could lock the account.
        return PointLook(judge_point(name, planned, outcome=facts.outcome, why=facts.why))
    if facts.value.trouble:
        return PointLook(judge_point(name, planned, outcome=facts.outcome, trouble=facts.value.trouble))
    if planned.capabilities.asks_person:
        # Nothing stands there that could be read; the baseline sees by every probe whether traffic passes.
        return PointLook((), facts.value, at_rest=planned.conduits)
    state = await point.state(planned.conduits, planned.capabilities.check_s)
    present = None
    if state.done and state.value is not None:
        there = {conduit: seen for conduit, seen in state.value.conduits.items() if seen.present}
        present = {conduit: FoundObject(seen.owner, seen.armed_s, seen.isolating) for conduit, seen in there.items()}
    firewall = facts.value.firewall
    others = () if firewall is None else tuple(name for link in firewall.links for name in link.altnames)
    found = judge_point(
        name,
        planned,
        outcome=facts.outcome,
        why=facts.why or state.why,
        unready=facts.value.unready,
        interfaces=None if facts.value.interfaces is None else (*facts.value.interfaces, *others),
        saved_has_ours=facts.value.saved_has_ours,
        mend=mend_saved(planned, facts.value.saved_ours),
        saved_unread=tuple((unread.what, unread.why) for unread in facts.value.saved_unread),
        saved_absent=facts.value.saved_absent,
        printed=facts.value.printed,
        lock_unread=facts.value.lock_unread,
        pending=facts.value.pending,
        present=present,
        state_late=state.outcome is Outcome.UNKNOWN,
        restore=restore,
    )
    if firewall is not None:
        found += judge_firewall(name, planned, zones, firewall)
    at_rest = () if present is None else tuple(name for name in planned.conduits if name not in present)
    return PointLook(found, facts.value, frozenset(present or ()), at_rest)
