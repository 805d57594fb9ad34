"""What a look proves: the state of a point for a run, and why it is not what was wanted. Pure.

Armed is only what shows a running timer of this run. Isolating is only what shows the deny in effect *and* that timer. What isolates
in part does not count as isolating, and stands all the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from islandmode.core.recipe.due import is_anothers, is_ours
from islandmode.core.recipe.model import Recipe
from islandmode.core.recipe.reading import Shown
from islandmode.isolation import incoming
from islandmode.isolation.point import ConduitState, PointState

NO_RUN = "no run"


@dataclass(frozen=True)
class Viewer:
    """Who looks: a run, or nobody's (which takes everything as its own), and what it knows besides what is shown.

    `is_refused`: the change that waits on the device is another's, because it waited before this run could arm. `doubt` says why the
    device's clock is not trusted, `unflushed` which conduits isolate with connections that may still be open. `logins` are the names by
    which the device is known to call this side.
    """

    recipe: Recipe
    run: str | None
    is_refused: bool = False
    doubt: str = ""
    unflushed: frozenset[str] = frozenset()
    logins: frozenset[str] = frozenset()

    def owns(self, shown: Shown) -> bool:
        """Tell whether what stands is this run's, as far as the device says."""
        if self.run is None:
            return True
        return not self.is_refused and (_is_nobodys(shown) or is_ours(self.recipe, shown, self.run))

    def leaves(self, shown: Shown) -> bool:
        """Tell whether something stands that this run must leave alone."""
        if self.run is None or _is_nobodys(shown):
            return False
        return self.is_refused or is_anothers(self.recipe, shown, self.run)

    def state(self, shown: Mapping[str, Shown]) -> PointState:
        """Give the state of a point."""
        conduits = {name: self._conduit(name, state) for name, state in shown.items()}
        if self.recipe.cycle != "pending":
            return PointState(conduits)
        own = [state for state in shown.values() if self.owns(state)]
        # A change that waits and shows no timer is no dead-man and no rest either: none of it is left, and it is not clear.
        left = [max(0.0, state.left_s or 0.0) for state in own if state.pending or state.left_s is not None]
        return PointState(conduits, min(left) if left else None)

    def another_login(self, shown: Mapping[str, Shown]) -> str:
        """Name who began the change that waits, where that is another login and nothing that a drill isolates stands; else empty.

        Whether such a change is this run's cannot be told: an arm may not have landed, and a device may name a line and no login. It
        isolates nothing. Where a deny stands it was written under a drill's own change, and there is one at a time.
        """
        if self.recipe.cycle != "pending" or any(state.isolating or state.partly for state in shown.values()):
            return ""
        names = {state.owner for state in shown.values() if state.pending and state.owner is not None}
        return ", ".join(sorted(incoming.word(name) for name in names - self.logins))

    def confirmed(self, shown: Mapping[str, Shown]) -> str:
        """Say whose change took the timer off what isolates, where the device names who changed it last; else empty."""
        untimed = [state for state in shown.values() if state.isolating and not state.pending and state.left_s is None]
        who = {incoming.word(state.changer) for state in untimed if state.changer is not None and self.owns(state)}
        if self.recipe.cycle != "pending" or not who:
            return ""
        return f"the newest change on the device is that of {', '.join(sorted(who))}, and it confirmed the isolation"

    def _conduit(self, name: str, shown: Shown) -> ConduitState:
        timed = self._left_s(shown)
        is_held = timed is not None or self.recipe.cycle == "none"
        drops = shown.isolating and is_held and name not in self.unflushed
        is_of_device = self.recipe.cycle == "pending"
        return ConduitState(
            # What waits on the device is no object of any conduit; the denies are.
            present=(shown.isolating or shown.partly) if is_of_device else not shown.at_rest,
            armed_s=None if is_of_device else timed,
            isolating=drops,
            ours=self.owns(shown),
            owner=None if is_of_device else self._owner(shown),
            mark=_mark(shown),
        )

    def _left_s(self, shown: Shown) -> float | None:
        if self.doubt or shown.left_s is None or shown.left_s <= 0:
            return None
        if self.recipe.cycle == "clock" and (shown.window is None or shown.window.says not in {"armed", "isolating"}):
            return None
        return shown.left_s

    def _owner(self, shown: Shown) -> str | None:
        """Name the run, where the device does: a window tells only whether it is this run's."""
        if shown.owner is not None:
            return incoming.word(shown.owner)
        window = shown.window
        is_known = self.run is not None and window is not None and window.owner is not None
        return self.run if is_known and is_ours(self.recipe, shown, self.run or "") else None

    # Why something is not as it must be; empty where it is.

    def standing(self, shown: Mapping[str, Shown], ends: datetime | None) -> str:
        """Say what stands in the way of arming: something of another, or of this run that is not just what would be armed."""
        found = [name for name, state in shown.items() if not state.at_rest and not self._is_armed(state, ends)]
        if not found:
            return ""
        if self.recipe.cycle == "pending" and any(state.pending for state in shown.values()):
            whose = sorted({incoming.word(state.owner) for state in shown.values() if state.owner}) or ["somebody"]
            return f"a change of {', '.join(whose)} waits on the device to be confirmed, or goes back; wait for its end"
        return f"an isolation already stands for {', '.join(found)}; {self._by_whom([shown[name] for name in found])}"

    def _by_whom(self, standing: list[Shown]) -> str:
        if self.recipe.cycle == "pending":
            return "no timer takes it back any more, and the device does not say whose it is"
        if any(self.leaves(state) for state in standing):
            return "another run has it, or somebody else put it there"
        if any(_is_nobodys(state) for state in standing):
            return "its end has come, and the device still isolates"
        return "this run left it behind"

    def _is_armed(self, shown: Shown, ends: datetime | None) -> bool:
        window = shown.window
        is_so = window is not None and window.says == "armed" and window.ends == ends is not None
        return is_so and self.owns(shown) and not shown.isolating and not shown.partly

    def not_armed(self, shown: Mapping[str, Shown], ends: datetime | None = None) -> str:
        """Say what does not show a running timer of this run, and where an end is given, that end."""
        return "; ".join(self._not_armed(shown, ends))

    def _not_armed(self, shown: Mapping[str, Shown], ends: datetime | None) -> Iterator[str]:
        for name, state in shown.items():
            window = state.window
            if state.in_place is False:
                yield f"the deny for {name} is not in place"
            elif not self.owns(state):
                yield f"what stands for {name} is another run's"
            elif self._left_s(state) is None and self.recipe.cycle != "none":
                yield self.doubt or f"{name} has no running timer"
            elif ends is not None and (window is None or window.ends != ends):
                yield f"the timer of {name} does not show the end that was written"

    def open_ones(self, state: PointState, shown: Mapping[str, Shown], ends: datetime | None) -> str:
        """Say which conduits are not isolated, and why; where an end is given, only that end counts."""
        found = [name for name in shown if not state.conduits[name].isolating]
        if found:
            timers = self.not_armed({name: shown[name] for name in found})
            partly = [name for name in found if shown[name].partly]
            more = f" ({', '.join(partly)} in part)" if partly else ""
            return f"{', '.join(found)} was not isolated when read back{more}{f': {timers}' if timers else ''}"
        return self.not_armed(shown, ends)

    def isolating_without(self, shown: Mapping[str, Shown]) -> str:
        """Say which conduits are isolated by arming alone."""
        found = [name for name, state in shown.items() if state.isolating or state.partly]
        return f"{', '.join(found)} is isolated by arming alone" if found else ""


def _mark(shown: Shown) -> str:
    """Give what a window shows in place of a run's name; a window of no run has a mark that stands for none."""
    if shown.window is None or _is_nobodys(shown):
        return ""
    return NO_RUN if shown.window.owner is None else shown.window.owner.isoformat()


def _is_nobodys(shown: Shown) -> bool:
    """Tell whether what stands, if anything, belongs to no run: also where a window is over and the device still drops by it."""
    return shown.at_rest or (shown.window is not None and shown.window.says in {"rest", "over"})


def changed(before: Mapping[str, Shown], after: Mapping[str, Shown]) -> bool:
    """Tell whether what stands differs between two looks; that timers ran down meanwhile is no difference."""
    return any(_still(state) != _still(after[name]) for name, state in before.items() if name in after)


def _still(shown: Shown) -> Shown:
    return replace(shown, left_s=None if shown.left_s is None else 0.0, changer=None)
