"""The isolation points of a run, opened with their secrets, and the keys of its vantages; what is wrong with a secret is told with its place in the site."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from islandmode.core.errors import InputError, NoSecret
from islandmode.core.plan import Plan
from islandmode.isolation.point import IsolationPoint
from islandmode.operate.ground import Ground
from islandmode.operate.transcripts import Transcripts
from islandmode.store.active import PLANT
from islandmode.system.clock import Clock
from islandmode.system.secrets import Secrets


def opened(
    ground: Ground, plan: Plan, clock: Clock, run: str, transcripts: Transcripts | None = None
) -> Mapping[str, IsolationPoint]:
    """Open every point of a plan while nothing is armed; raises all that is wrong with secrets, each with file:line:column."""
    made = ground.open_points(plan, clock, run, transcripts=transcripts)
    missing = [error for error in made.lost.values() if isinstance(error, NoSecret)]
    if len(missing) < len(made.lost):
        raise next(error for error in made.lost.values() if not isinstance(error, NoSecret))
    if missing:
        raise _placed(missing, ground.workspace, plan.drill.site)
    return made.points


def refuse_without_keys(ground: Ground, plan: Plan, clock: Clock) -> None:
    """Raise all that is wrong with the keys of the hosts that a plant is watched from, each with file:line:column."""
    if ground.kind != PLANT:
        return
    logins = {name: planned.ssh for name, planned in plan.vantages.items() if planned.ssh is not None}
    secrets, missing = Secrets(ground.workspace, clock=clock), list[NoSecret]()
    secrets.fetch(key for login in logins.values() for key in login.keys)
    for name, login in logins.items():
        for path, key in zip((("key",), ("jump", "key")), login.keys, strict=False):
            try:
                secrets.resolve(key)
            except InputError as error:
                missing.append(NoSecret(error.message, ("vantages", name, "ssh", *path)))
    if missing:
        raise _placed(missing, ground.workspace, plan.drill.site)


def _placed(missing: list[NoSecret], workspace: Path, site: str) -> InputError:
    """Add where each reference stands; without the site's file the sentences stand for themselves."""
    # Imported only now: the guardian and the proof of a restore come by here, and must not wait for what reads files.
    from islandmode.store.catalog import all_of, sites_named  # noqa: PLC0415 - a restore waits for no reader of files

    trees = sites_named(workspace, site)[0]
    return all_of(InputError(error.message, trees[0].place(error.path) if trees else None) for error in missing)
