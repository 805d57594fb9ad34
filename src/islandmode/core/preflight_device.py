"""What a check of one device finds beside what preflight finds: its account's rights, its sessions, and the way on which it is managed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from islandmode.core.planning.paths import HERE, separating
from islandmode.core.preflight import PreflightFinding
from islandmode.core.site import Site


def judge_way(where: str, zone: str, isolates: Sequence[str], site: Site) -> Iterator[PreflightFinding]:
    """Refuse a device that cannot be logged in to any more once a conduit is isolated that it isolates itself."""
    if HERE not in site.vantages:
        return
    for conduit in isolates:
        if separating(site, zone, (conduit,)) is not None:
            sentence = (
                f"{where} is managed in zone {zone}, which {conduit} parts from the operations host in zone {site.vantages[HERE].zone}: once "
                f"{conduit} is isolated, no restore could log in. Manage it from the operations host's side, or take {conduit} out of isolates."
            )
            yield PreflightFinding("point-managed-across", sentence, refuses=True)


def judge_login_beside(where: str, why: str, *, done: bool, late: bool) -> Iterator[PreflightFinding]:
    """Refuse a device that takes no second login beside the first: a restore has a session of its own."""
    if not done:
        sentence = f"{where} took no second login beside the first ({_clause(why)}), and a restore needs its own."
        yield PreflightFinding("point-login-beside", sentence, refuses=True, late=late)


def judge_configuration(where: str, why: str, *, done: bool, late: bool) -> Iterator[PreflightFinding]:
    """Refuse a device of which nothing could be compared after a drill."""
    if not done:
        sentence = (
            f"{where}: its configuration could not be read ({_clause(why)}), and a drill compares it before and after."
        )
        yield PreflightFinding("point-configuration-unread", sentence, refuses=True, late=late)


def judge_left(where: str, name: str, bench: str, running: str) -> Iterator[PreflightFinding]:
    """Name the stand-in of a bench where the running configuration has it; no drill is kept from a device by it."""
    if name and name in running:
        sentence = (
            f"{where} has {name}, the stand-in of a bench that goes on, or that was killed. By itself it isolates nothing; `{bench}` takes it away "
            "before it benches."
        )
        yield PreflightFinding("point-bench-left", sentence, refuses=False)


def judge_objects(where: str, standing: Sequence[str] | None, present: Collection[str]) -> Iterator[PreflightFinding]:
    """Name Islandmode objects of conduits that the site does not isolate on the device: another site's, or one that was renamed."""
    others = len(standing or ()) - len(present)
    if others > 0:
        mine = f", {len(present)} of them for conduits that the site isolates on it" if present else ""
        sentence = (
            f"{where} carries Islandmode objects{mine}: {', '.join(standing or ())}. The others belong to another site, or to a conduit that has "
            "had another name; a restore by a drill of this site does not touch them."
        )
        yield PreflightFinding("point-other-objects", sentence, refuses=False)


def judge_rights(
    where: str, user: str, broader: Sequence[str], elsewhere: str, unread: str
) -> Iterator[PreflightFinding]:
    """Name an account that may do more than isolation needs, and a login that needs another machine."""
    if broader:
        sentence = f"{where}: user {user} may do more than isolation needs: {'; '.join(broader)}."
        yield PreflightFinding("point-rights-broad", sentence, refuses=False)
    if unread:
        sentence = f"{where} did not tell what user {user} may do ({_clause(unread)})."
        yield PreflightFinding("point-rights-unread", sentence, refuses=False)
    if elsewhere:
        sentence = (
            f"{where}: {elsewhere}. If a drill cuts the device off from that machine, no restore could log in; give the drill an account of the "
            "device's own."
        )
        yield PreflightFinding("point-account-elsewhere", sentence, refuses=False)


def judge_rights_unasked(where: str, user: str, recipe: str) -> PreflightFinding:
    """Say of a device that goes by a recipe that the rights of its account are for a person to look at."""
    sentence = (
        f"{where}: what user {user} may do beyond logging in was not read, because the recipe {recipe} has no question for it; look at the "
        "account on the device."
    )
    return PreflightFinding("point-rights-unread", sentence, refuses=False)


def _clause(why: str) -> str:
    return why.strip().rstrip(".") or "no reason was given"
