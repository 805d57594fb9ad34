"""Which placeholders there are, where each may stand, and how it may be written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from islandmode.core.recipe.model import Each, Recipe
from islandmode.core.recipe.words import NETWORK_FORMS, Placeholder, codes_of, form_trouble

OF_POINT = frozenset({"management", "management_port"})
OF_CONDUIT = frozenset({"conduit", "outer_zone", "inner_zone", "outer_interfaces", "inner_interfaces"})
OF_EACH: Mapping[Each, frozenset[str]] = {
    "point": frozenset(),
    "conduit": frozenset(),
    "outer-interface": frozenset({"outer_interface"}),
    "inner-interface": frozenset({"inner_interface"}),
    "interface-pair": frozenset({"outer_interface", "inner_interface"}),
    "outer-network4": frozenset({"outer_network4"}),
    "inner-network4": frozenset({"inner_network4"}),
    "outer-network6": frozenset({"outer_network6"}),
    "inner-network6": frozenset({"inner_network6"}),
    "network4-pair": frozenset({"outer_network4", "inner_network4"}),
    "network6-pair": frozenset({"outer_network6", "inner_network6"}),
    "management4": frozenset({"inner_network4"}),
    "management6": frozenset({"inner_network6"}),
}
ONCE: frozenset[Each] = frozenset({"point"})
"""What is sent once for all conduits."""
TIMED = frozenset({"for_s", "for_min"})
WINDOW = frozenset({"starts", "armed_until", "end"})
AT_REST = frozenset({"rest_starts", "rest_end"})
MOMENTS = WINDOW | AT_REST
TIME_ZONE = "time_zone"
"""The option of every site whose device ends an isolation by its clock."""
NUMBER = "line"
RUN_TIME = TIMED | WINDOW | {"run"}
"""What only a run knows."""
NETWORKS = frozenset({"outer_network4", "inner_network4", "outer_network6", "inner_network6"})
LISTS = frozenset({"outer_interfaces", "inner_interfaces"})
IN_STEP: Mapping[str, frozenset[str]] = {
    "provision": AT_REST | {NUMBER},
    "keep_closed": frozenset({NUMBER}),
    "arm": RUN_TIME,
    "isolate": RUN_TIME | {NUMBER},
    "renew": RUN_TIME,
    "flush": frozenset(),
    "restore": AT_REST,
    "take_away": frozenset(),
    "stand_in": frozenset(),
    "by_hand": AT_REST,
    "difference": frozenset(),
    "reads": frozenset(),
    "needs": AT_REST,
    "card": AT_REST,
}
"""What may stand in a step beside what a site says."""
OWN_WORDS = OF_POINT | OF_CONDUIT | RUN_TIME | AT_REST | NETWORKS | {NUMBER, "outer_interface", "inner_interface"}


def known_in(recipe: Recipe, part: str, each: Each) -> frozenset[str]:
    """Name the placeholders that have a value in a part of a recipe."""
    allowed = IN_STEP.get(part, frozenset()) | OF_POINT | frozenset(recipe.options)
    if recipe.cycle != "clock":
        allowed -= MOMENTS
    else:
        allowed -= TIMED
    if each in ONCE:
        return allowed
    return allowed | OF_CONDUIT | frozenset(recipe.names) | OF_EACH[each]


def placeholder_trouble(recipe: Recipe, part: str, each: Each, found: Placeholder) -> str:
    """Say what keeps a placeholder from having a value; empty where nothing does."""
    allowed = known_in(recipe, part, each)
    if found.name not in allowed:
        return _unknown(recipe, part, each, found.name, allowed)
    if found.name in MOMENTS:
        return _moment(found)
    if found.name in NETWORKS:
        return "" if found.form in (None, *NETWORK_FORMS) else f"write it as one of {', '.join(NETWORK_FORMS)}"
    if found.name in LISTS:
        return "" if found.form in (None, "quoted") else 'write it alone, or with "(quoted)"'
    return "" if found.form is None else "it takes no form in parentheses"


def _moment(found: Placeholder) -> str:
    if found.form is None:
        return f"say how the device writes a moment, such as {{{found.name}(%H:%M %Y/%m/%d)}}"
    if "S" in codes_of(found.form):
        return "a window is told in whole minutes, so leave %S out"
    return form_trouble(found.form)


def _unknown(recipe: Recipe, part: str, each: Each, name: str, allowed: Iterable[str]) -> str:
    known = f"known there: {', '.join(sorted(allowed))}"
    if name in RUN_TIME and part == "restore":
        return "only a run knows it, and restore is printed on the card before there is a run; write what stands there at rest"
    if name == NUMBER and part == "restore":
        return "it is a number among others, which may be somebody else's line by then; name the line by its text"
    if name in RUN_TIME | AT_REST | {NUMBER}:
        article = "an" if recipe.cycle == "own-timer" else "a"
        return f"it has no value in {part} of {article} {'cycle-none' if recipe.cycle == 'none' else recipe.cycle} recipe; {known}"
    if name in OWN_WORDS or name in recipe.names:
        return f'it has no value in lines for each "{each}"; {known}'
    return f"there is no such placeholder; {known}"
