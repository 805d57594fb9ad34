"""What preflight reads of a device by its recipe: whether it may be used, and what of Islandmode stands or is saved on it."""

from __future__ import annotations

from collections.abc import Iterator

from islandmode.core.firewall import Unread as NotRead
from islandmode.core.recipe.device_clock import ClockRead
from islandmode.core.recipe.held import HeldBy, held_told, read_held
from islandmode.core.recipe.preflight import VersionShown, asks_of_needs, read_version, unmet_needs
from islandmode.core.recipe.reading import Unread
from islandmode.core.recipe.words import compiled
from islandmode.isolation import incoming
from islandmode.isolation.by_recipe.configured import SAVED, islandmode_lines
from islandmode.isolation.by_recipe.dialogue import Dialogue, Look, Speaks
from islandmode.isolation.by_recipe.run_end import RunEnd
from islandmode.isolation.point import Facts


def read_facts(dialogue: Dialogue, console: Speaks, *, run: str | None, timer_s: float) -> Facts:
    """Read everything, and say everything that keeps the device from being used for a run, so that it is put right at once.

    A restore needs none of what a run needs, so that without a run a device is never called unready. `timer_s` is how long a timer of
    the run may last, from now on.
    """
    version = None if run is None else _version(dialogue, console)
    held = None if run is None else _held(dialogue, console)
    needs = () if version is None else (*_unready(dialogue, console, version), *_locked(dialogue, held))
    look = dialogue.look(console, tuple(conduit.name for conduit in dialogue.at.conduits))
    troubles = (
        needs if run is None else (*needs, *_out_of_place(dialogue, look), *_wrong_clock(dialogue, look, timer_s))
    )
    saved, unsaved = _saved(dialogue, console)
    waits = [state for state in look.seen.values() if state.pending]
    stand = tuple(incoming.word(name) for name, state in look.seen.items() if not state.at_rest)
    return Facts(
        interfaces=None,
        unready=tuple(dict.fromkeys(incoming.sentence(trouble) for trouble in troubles)),
        saved_ours=saved,
        saved_unread=unsaved,
        printed=incoming.quoted(next(iter(console.greeting.strip().splitlines()), "")),
        pending=next((incoming.word(state.owner or "somebody") for state in waits), ""),
        # Only the conduits of this point were read: that nothing stands of them says nothing of others.
        standing=stand or None,
        version=incoming.word(version.version) if isinstance(version, VersionShown) else "",
        serial=_serial(dialogue, console),
        clock_ahead_s=_clock_ahead_s(dialogue, look),
        lock_unread=incoming.sentence(held.why) if isinstance(held, Unread) else "",
    )


def _version(dialogue: Dialogue, console: Speaks) -> VersionShown | Unread:
    ask = dialogue.recipe.versions.ask
    return read_version(dialogue.recipe, dialogue.answers(console, (ask,))[ask])


def _serial(dialogue: Dialogue, console: Speaks) -> str:
    serial = dialogue.recipe.serial
    found = (
        None
        if serial is None
        else compiled(serial.pattern).search(dialogue.answers(console, (serial.ask,))[serial.ask])
    )
    return "" if found is None else incoming.word(found[1] or "")


def _unready(dialogue: Dialogue, console: Speaks, shown: VersionShown | Unread) -> Iterator[str]:
    """Find what is wrong with the version, and what of the recipe's needs is not met."""
    recipe, at = dialogue.recipe, dialogue.at
    if isinstance(shown, Unread):
        yield f"{shown.why}, so it may be another kind of device than the recipe {recipe.recipe} is for; correct the site's file"
    elif shown.refused:
        yield (
            f"it runs version {incoming.word(shown.version)}, which {shown.refused}; install another version, or isolate on another device"
        )
    answers = dialogue.answers(console, asks_of_needs(recipe, at))
    for unmet in unmet_needs(recipe, at, answers):
        yield f"it {unmet.sentence.removeprefix(at.name).strip().rstrip('.')}"


def _held(dialogue: Dialogue, console: Speaks) -> HeldBy | Unread | None:
    held = dialogue.recipe.held
    return None if held is None else read_held(dialogue.recipe, held, dialogue.answers(console, (held.ask,))[held.ask])


def _locked(dialogue: Dialogue, found: HeldBy | Unread | None) -> Iterator[str]:
    if dialogue.recipe.held is not None and isinstance(found, HeldBy):
        yield f"it {held_told(dialogue.recipe.held, incoming.word(found.who))}"


def _out_of_place(dialogue: Dialogue, look: Look) -> Iterator[str]:
    """Find the conduits whose deny was not provisioned, or is not as it was provisioned."""
    if not dialogue.recipe.provision:
        return
    name = dialogue.at.name
    for conduit, state in look.shown.items():
        remedy = f"enter what stands in: islandmode devices provision {name}"
        if isinstance(state, Unread):
            yield f"it does not show the deny for {conduit} ({state.why}); {remedy}"
        elif state.in_place is False:
            yield f"the deny for {conduit} is not in place; {remedy}"


def _wrong_clock(dialogue: Dialogue, look: Look, timer_s: float) -> Iterator[str]:
    """Find what keeps the device's clock from being trusted until a timer would end that is set now."""
    if dialogue.recipe.cycle != "clock":
        return
    if not isinstance(look.read, ClockRead):
        yield "it does not tell its own time, and its clock is what ends an isolation"
        return
    end = RunEnd(dialogue.recipe, dialogue.at)
    trouble = end.trouble(look.read, end.after(look.read, timer_s))
    if trouble:
        yield trouble


def _clock_ahead_s(dialogue: Dialogue, look: Look) -> float | None:
    if dialogue.recipe.cycle != "clock" or look.read is None:
        return None
    return RunEnd(dialogue.recipe, dialogue.at).ahead_s(look.read)


def _saved(dialogue: Dialogue, console: Speaks) -> tuple[tuple[str, ...], tuple[NotRead, ...]]:
    """Say whether an isolation is in what a restart loads, and whether that could be read."""
    for part in dialogue.recipe.configuration:
        if part.part == SAVED:
            text = dialogue.answers(console, (part.ask,))[part.ask]
            if not compiled(part.whole).search(text):
                return (), (NotRead(SAVED, f'the answer to "{part.ask}" is not whole'),)
            return ((SAVED,) if islandmode_lines(dialogue.recipe, dialogue.at, text, None) else ()), ()
    return (), ()
