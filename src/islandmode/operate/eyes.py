"""How this process sees what a person's hand did: the plan's own severed probes, asked from the operations host."""

from __future__ import annotations

from typing import Any

from islandmode.core.episodes import Heard, Sample, Seen, fold
from islandmode.core.hand import seeing
from islandmode.core.judging.passage import Passage, passage_of
from islandmode.core.plan import Plan, PlanProbe
from islandmode.core.rescue import Restorable
from islandmode.isolation.manual.eye import Eye, Sight


class ProbeEye:
    """Asks the probes that cross a conduit from the operations host, and reads the answers as the judge does."""

    def __init__(self, plan: Plan) -> None:
        """Know the plan's probes and zones."""
        self._plan = plan

    async def look(self, conduits: tuple[str, ...]) -> dict[str, Sight]:
        """Ask every probe across these conduits once."""
        mine = {conduit: seeing(self._plan, conduit) for conduit in conduits}
        asked = {name: planned.probe for probes in mine.values() for name, planned in probes.items()}
        # Imported only now: most runs and restores ask nobody, and wait for no probe's code.
        from islandmode.observe.glance import glance  # noqa: PLC0415 - only where it is needed

        samples = await glance(asked)
        return {conduit: self._sight(probes, samples) for conduit, probes in mine.items()}

    def _sight(self, probes: dict[str, PlanProbe], samples: dict[str, dict[str, Any]]) -> Sight:
        found = {name: self._passage(planned, samples[name]) for name, planned in probes.items()}
        of = {kind: tuple(name for name, passage in found.items() if passage is kind) for kind in Passage}
        whys = (str(samples[name]["why"]) for name in of[Passage.UNKNOWN])
        why = ", ".join(dict.fromkeys(whys)) if found else "no probe crosses it from here"
        # A conduit that nothing looks at is never seen: unknown, and not silent.
        unknown = of[Passage.UNKNOWN] if found else ("no probe",)
        return Sight(of[Passage.PASSED], of[Passage.UNTOLD], of[Passage.STOPPED], unknown, why)

    def _passage(self, planned: PlanProbe, said: dict[str, Any]) -> Passage:
        seen, heard, sender = Seen(said["seen"]), Heard(said["heard"]), str(said["sender"])
        (episode,) = fold((Sample("", 1, 0, 0, seen, heard=heard, sender=sender),))
        near = self._plan.vantages[planned.probe.vantage].zone
        return passage_of(
            episode,
            target=planned.probe.target,
            zones=self._plan.zones,
            near=near,
            beyond=planned.zone,
            translated=planned.probe.stands_for is not None,
            saw_nothing=None,
        )


def eye_of(plan: Restorable) -> Eye | None:
    """Give the eye of a plan; None for what has no probes, as a restore by a drill's name."""
    return ProbeEye(plan) if isinstance(plan, Plan) else None
