"""What is refused of a recipe's meaning when it is loaded: what undoes nothing, a line that saves, a timer that nobody sees. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from islandmode.core.problem import Path, Problem
from islandmode.core.recipe.check_stand_in import stand_in_problems
from islandmode.core.recipe.drivers import by_candidate
from islandmode.core.recipe.known import OF_EACH, TIMED
from islandmode.core.recipe.model import STEPS, Recipe
from islandmode.core.recipe.parts import asked_of, lines_of, reads_of, wrong
from islandmode.core.recipe.words import placeholders

SAVES = re.compile(
    r"\b(?:wr(?:ite)?(?:\s+(?:mem\w*|startup\S*|terminal)|$)|copy\s+run\S*|copy\s+\S+\s+(?:startup|nvram:|flash:|bootflash:)\S*"
    r"|save\b|execute\s+cfg\s+save|/export|commit\s+save)",
    re.IGNORECASE,
)
GOES_BACK = re.compile(
    r"\b(?:rollback|revert\s+now|configure\s+replace|reload|reboot|confirmed-reject)\b", re.IGNORECASE
)
CONFIRMS = re.compile(
    r"\bconfirm(?:ed-accept)?$|\bconfigure\s+confirm\b|\bcommit\b(?!\s+confirmed\s+\S)|^\s*confirm\b", re.IGNORECASE
)
TAKES_AWAY = r"(?:no|delete|del|undo|remove|unset|edit|move|rename|clear)"
BY_NUMBER = re.compile(
    rf"^\s*/?{TAKES_AWAY}\s+\"?(?:\d+|\{{line\}})\"?(?:\s|$)"
    rf"|\b{TAKES_AWAY}\b.*\b(?:rule|entry|seq|sequence|index|line|position|policy|id|term|numbers?)[\s=]+\"?\d+\"?\s*$",
    re.IGNORECASE,
)
SHOWN_BY = {
    "remaining": ("left",),
    "until": ("ends",),
    "started-and-length": ("started", "length"),
    "nothing": (),
}
BY_A_PERSON = ("provision", "keep_closed")
BEFORE_RESTORE = ("arm", "isolate", "renew", "flush")


def meaning_problems(recipe: Recipe) -> Iterator[Problem]:
    """Find what is wrong in what a recipe does."""
    yield from _errors(recipe)
    yield from _saves_and_confirms(recipe)
    yield from _restore(recipe)
    yield from _kept_closed(recipe)
    yield from _proof(recipe)
    yield from _timer(recipe)
    yield from _tier(recipe)
    yield from _lock(recipe)
    yield from _families(recipe)
    yield from _said(recipe)
    yield from _pair(recipe)
    yield from stand_in_problems(recipe)
    yield from {"own-timer": _own_timer, "clock": _clock, "pending": _pending, "none": _untimed}[recipe.cycle](recipe)


def _used(recipe: Recipe, *steps: str) -> set[str]:
    return {found.name for sent in lines_of(recipe, *steps) for found in placeholders(sent.line.send)}


def _given(recipe: Recipe) -> set[str]:
    return {find.gives for read in recipe.reads.state for find in read.finds}


def _errors(recipe: Recipe) -> Iterator[Problem]:
    if not recipe.errors:
        sentence = (
            "There are no error patterns, so that a line that the device refused would pass for done; list under errors what the device says "
            "when it refuses a line."
        )
        yield wrong(("errors",), sentence)


def _saves_and_confirms(recipe: Recipe) -> Iterator[Problem]:
    for sent in lines_of(recipe):
        at: Path = (*sent.path, "send")
        if sent.step not in BY_A_PERSON and SAVES.search(sent.line.send):
            sentence = f"{sent.step} saves here, and with that everybody's changes, so that a restart would isolate again; take the line out."
            yield wrong(at, sentence)
        if sent.step not in BEFORE_RESTORE:
            continue
        if GOES_BACK.search(sent.line.send):
            sentence = f"{sent.step} takes the configuration back here, other people's edits too; only restore may undo, and only what is its own."
            yield wrong(at, sentence)
        if CONFIRMS.search(sent.line.send):
            sentence = f"{sent.step} confirms here, after which no timer takes the isolation back; a change may be confirmed only once it is restored."
            yield wrong(at, sentence)


def _pair(recipe: Recipe) -> Iterator[Problem]:
    if recipe.pair is not None and recipe.pair.shares == "configuration" and recipe.pair.sync is None:
        sentence = "The members have their configuration in common, so say under sync how a member tells that they do: a line may be on one of them only."
        yield wrong(("pair",), sentence)


def _restore(recipe: Recipe) -> Iterator[Problem]:
    for sent in lines_of(recipe, "restore", "by_hand", "take_away"):
        if BY_NUMBER.search(sent.line.send):
            sentence = (
                f'"{sent.line.send}" names what it removes by its number, which may be somebody else\'s line by then; name it by its text or by an '
                "object's name."
            )
            yield wrong((*sent.path, "send"), sentence)


def _kept_closed(recipe: Recipe) -> Iterator[Problem]:
    """Refuse denies without an end that a restore, or a look, would take for a drill's."""
    others = [sent.line.send for step in STEPS if step != "keep_closed" for sent in lines_of(recipe, step)]
    others += [asked.ask for asked in asked_of(recipe)]
    of_drill = {found.name for text in others for found in placeholders(text)} & recipe.names.keys()
    for sent in lines_of(recipe, "keep_closed"):
        at: Path = (*sent.path, "send")
        for found in placeholders(sent.line.send):
            shared = next((name for name in sorted(of_drill) if _holds(recipe, found.name, name)), None)
            if shared is not None:
                sentence = (
                    f"{{{found.name}}} has the name {shared} in it, by which a drill is seen and restored, so that what is kept closed would be "
                    "taken for a drill's; give it a name of its own under names."
                )
                yield wrong(at, sentence)
        taken = next((text for text in _taken_away(recipe) if text in sent.line.send), None)
        if taken is not None:
            sentence = f'restore takes "{taken}" away by its text, and with it what is kept closed; let the two differ.'
            yield wrong(at, sentence)


def _taken_away(recipe: Recipe) -> Iterator[str]:
    """Give what `restore` takes away by its text."""
    for sent in lines_of(recipe, "restore"):
        found = re.fullmatch(rf"/?{TAKES_AWAY}\s+(\S.*)", sent.line.send, re.IGNORECASE)
        if found is not None:
            yield found[1]


def _holds(recipe: Recipe, name: str, other: str) -> bool:
    return name in recipe.names and recipe.names[other].form in recipe.names[name].form


def _proof(recipe: Recipe) -> Iterator[Problem]:
    given, at = _given(recipe), ("reads", "state")
    proves = {"starts", "ends"} if recipe.cycle == "clock" else {"isolating"}
    if not proves <= given:
        missing = " and ".join(sorted(proves - given))
        sentence = (
            f"No state read gives {missing}, so that nothing would prove that isolate isolates; add what shows it."
        )
        yield wrong(at, sentence)
    if recipe.provision and "in-place" not in given:
        sentence = "A deny is provisioned, and no state read gives in-place: it could be gone, and the drill would isolate nothing; add what shows it."
        yield wrong(at, sentence)
    if recipe.cycle == "pending" and "pending" not in given:
        yield wrong(
            at,
            "No state read gives pending, so that somebody else's pending change could not be seen; add what shows it.",
        )


def _untimed(recipe: Recipe) -> Iterator[Problem]:
    """Find what of a recipe without a timer only a timer gives a meaning to."""
    for step in ("arm", "renew"):
        if getattr(recipe, step):
            yield wrong((step,), f"cycle none has no timer, so that nothing is sent under {step}; take its lines out.")
    for sent in lines_of(recipe, "isolate"):
        timed = TIMED & {found.name for found in placeholders(sent.line.send)}
        if timed:
            yield wrong(
                (*sent.path, "send"), f"{{{min(timed)}}} sets a timer, and cycle none has none; say another cycle."
            )
    if recipe.reverts != "own":
        yield wrong(
            ("reverts",), "Nothing on the device takes anything back, so that nothing of others is lost; say own."
        )
    if recipe.undo_tier != "D":
        sentence = f"Nothing on the device ends what this isolates, which is undo tier D, and not {recipe.undo_tier}."
        yield wrong(("undo_tier",), sentence)


def _timer(recipe: Recipe) -> Iterator[Problem]:
    if (recipe.timer is None) != (recipe.cycle == "none"):
        needs = (
            f"a recipe with this cycle ({recipe.cycle}) ends by a timer; say which"
            if recipe.timer is None
            else "cycle none has no timer; take it out, or say how it works"
        )
        yield wrong(("timer",), f"{needs[0].upper()}{needs[1:]}.")
        return
    if recipe.timer is None:
        return
    timer, given = recipe.timer, _given(recipe)
    missing = [thing for thing in SHOWN_BY[timer.shown] if thing not in given]
    if missing:
        sentence = f'The timer is shown as "{timer.shown}", and no state read gives {" and ".join(missing)}; add what shows it.'
        yield wrong(("timer", "shown"), sentence)
    if timer.shown == "nothing" and recipe.undo_tier in "AB":
        sentence = (
            f"Nothing shows the timer, so that it cannot be read back before anything is isolated; that is undo tier C at best, not "
            f"{recipe.undo_tier}."
        )
        yield wrong(("undo_tier",), sentence)
    if timer.shown in {"until", "started-and-length"} and recipe.device_time is None:
        yield wrong(
            ("timer", "shown"),
            "The timer is shown as a time of the device's clock; add device_time, to know what is left of it.",
        )
    if timer.least > timer.most:
        yield wrong(("timer", "least"), "The shortest timer is longer than the longest one; correct one of them.")
    if timer.renewable != bool(recipe.renew):
        sentence = "it has no lines under renew" if timer.renewable else "it has lines under renew"
        yield wrong(
            ("timer", "renewable"),
            f"This says that the timer can {'' if timer.renewable else 'not '}be set again, but {sentence}.",
        )
    if "for_min" in _used(recipe) and timer.grain % 60:
        yield wrong(("timer", "grain"), "The timer is set in minutes ({for_min}), so its grain must be whole minutes.")


def _tier(recipe: Recipe) -> Iterator[Problem]:
    if recipe.undo_tier != "A":
        return
    if recipe.cycle != "own-timer":
        sentence = f"Tier A is for a timer that counts from now on an object of its own; that of a {recipe.cycle} recipe is tier B at best."
        yield wrong(("undo_tier",), sentence)
    if recipe.reverts != "own":
        yield wrong(
            ("undo_tier",),
            "Tier A is for a timer that takes back its own object and nothing else; this is tier B at best.",
        )


def _lock(recipe: Recipe) -> Iterator[Problem]:
    fits = {"own-timer": ("atomic", "checked"), "clock": ("checked",), "pending": ("device",), "none": ("checked",)}[
        recipe.cycle
    ]
    if recipe.lock not in fits:
        yield wrong(
            ("lock",),
            f"The lock of a recipe with this cycle ({recipe.cycle}) is {' or '.join(fits)}, and not {recipe.lock}.",
        )
    owners = any(find.gives == "owner" for read in recipe.reads.state for find in read.finds)
    if recipe.cycle == "own-timer" and not owners:
        yield wrong(
            ("reads", "state"),
            "No state read tells whose the object is, so a run would take another run's for its own; write {run} into the object when "
            "arming, and read it back with gives: owner.",
        )


def _families(recipe: Recipe) -> Iterator[Problem]:
    """Find where only one of the families that are promised is isolated."""
    used: dict[str, set[str]] = {}
    for sent in lines_of(recipe):
        used.setdefault(sent.step, set()).update(found.name for found in placeholders(sent.line.send))
    looked = {word for read in recipe.reads.state for word in OF_EACH[read.each]}
    for step, names in [*used.items(), ("reads", looked)]:
        handled = {int(name[-1]) for name in names if name.endswith(("_network4", "_network6"))}
        missing = sorted(set(recipe.families) - handled) if handled else []
        if missing:
            sentence = (
                f"{step} names networks of IPv{min(handled)} only, but the recipe says that it isolates IPv{missing[0]} too; add lines for each "
                f'"network{missing[0]}-pair", or say families: [{min(handled)}].'
            )
            yield wrong((step,), sentence)


def _said(recipe: Recipe) -> Iterator[Problem]:
    if set(recipe.covers) != {"forward", "to_device", "vpn"} and recipe.not_covered is None:
        yield wrong(
            ("covers",), "covers leaves something out; say under not_covered what goes on all the same, for the plan."
        )
    if (recipe.cuts_established == "after-flush") != bool(recipe.flush):
        needs = "add the lines" if not recipe.flush else "say after-flush, or take the lines out"
        yield wrong(
            ("cuts_established",),
            f"Only what is said to end open connections after-flush has lines under flush; {needs}.",
        )
    counts = {find.gives for part, read, _ in reads_of(recipe) if part == "counts" for find in read.finds}
    if (recipe.witness != "none") != ("count" in counts):
        sentence = "no read under counts gives count" if recipe.witness != "none" else "a read under counts gives count"
        yield wrong(("witness",), f"witness says {recipe.witness}, but {sentence}; correct one of them.")
    yield from _late(recipe)


def _late(recipe: Recipe) -> Iterator[Problem]:
    """Find whether it is said how late a line may act exactly where nothing in the lines says so."""
    bounded = recipe.cycle == "clock" or (recipe.cycle == "own-timer" and bool(recipe.arm))
    # Of a play the processes here are ended with it, so that it may say how long what has arrived on the device acts.
    if bounded and recipe.late is not None and recipe.plays is None:
        yield wrong(
            ("late",),
            "What a late line of this recipe does ends by itself, so that there is nothing to say under late; take it out.",
        )
    if not bounded and recipe.late is None:
        sentence = (
            "Nothing in these lines ends what a late one does: they bring no end, and refer to nothing that was armed with one. Say under late for "
            "how long a line that was given up may still act."
        )
        yield wrong(("late",), sentence)


def _own_timer(recipe: Recipe) -> Iterator[Problem]:
    if recipe.reverts != "own":
        yield wrong(("reverts",), "A timer of an object of its own takes back that object and nothing else; say own.")
    if not recipe.arm:
        if not TIMED & _used(recipe, "isolate"):
            sentence = "Nothing is armed, and isolate starts no timer ({for_s} or {for_min}), so that nothing would take the isolation back."
            yield wrong(("isolate",), sentence)
        return
    yield from _arm_is_timed(recipe)
    timed = TIMED & _used(recipe, "isolate")
    if timed:
        sentence = (
            f"isolate starts a timer of its own ({{{min(timed)}}}): a line that comes late would isolate for the whole of it. Put a second, untimed "
            "object inside the armed one, or leave arm out; the recipe is then refused for live."
        )
        yield wrong(("isolate",), sentence)


def _arm_is_timed(recipe: Recipe) -> Iterator[Problem]:
    if not TIMED & _used(recipe, "arm"):
        yield wrong(("arm",), "arm starts no timer: none of its lines has {for_s} or {for_min}.")
    if recipe.renew and not TIMED & _used(recipe, "renew"):
        yield wrong(("renew",), "renew sets no timer: none of its lines has {for_s} or {for_min}.")


def _clock(recipe: Recipe) -> Iterator[Problem]:
    if recipe.reverts != "own":
        yield wrong(("reverts",), "A deny that ends at a time of day takes back itself and nothing else; say own.")
    if recipe.ends_by.shown != "until":
        yield wrong(("timer", "shown"), 'What ends a clock recipe is a moment, so its timer is shown as "until".')
    if recipe.ends_by.grain % 60:
        yield wrong(("timer", "grain"), "A window is told in whole minutes, so the grain must be whole minutes.")
    needed: Iterable[tuple[str, set[str], str]] = (
        (
            "arm",
            {"starts", "armed_until"},
            "the window that is over and names the run, so that the device locks the conduit",
        ),
        ("isolate", {"starts", "end"}, "the end that was computed at arm: a line that comes late must bring it"),
        ("renew", {"starts", "end"}, "the new end"),
        ("restore", {"rest_starts", "rest_end"}, "the window that stands there at rest"),
    )
    for step, names, why in needed:
        missing = sorted(names - _used(recipe, step)) if getattr(recipe, step) or step != "renew" else []
        if missing:
            placeholder = " and ".join(f"{{{name}(...)}}" for name in missing)
            yield wrong((step,), f"{step} of a clock recipe must have {placeholder}, {why}.")
    for sent in lines_of(recipe, "arm"):
        if {"end"} & {found.name for found in placeholders(sent.line.send)}:
            yield wrong(
                (*sent.path, "send"),
                "arm must not bring the end of an isolation: traffic still passes; use {armed_until(...)}.",
            )


def _pending(recipe: Recipe) -> Iterator[Problem]:
    if recipe.reverts == "own":
        yield wrong(
            ("reverts",), "A pending change takes back more than an object of its own: say commit, or everything."
        )
    if recipe.arm:
        yield from _arm_is_timed(recipe)
    elif not by_candidate(recipe.driver) and not TIMED & _used(recipe, "isolate"):
        yield wrong(("isolate",), "Nothing is armed, and isolate starts no timer ({for_s} or {for_min}).")
