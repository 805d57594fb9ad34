"""Bad recipes of which what is kept closed would be taken for a drill's, or would end; rows as in rows_recipes.py."""

from __future__ import annotations

from tests.store.recipe_texts import CLOCK, PENDING

KEPT_CLOSED: dict[str, tuple[str, str, str, str]] = {
    "by the object of a drill": (
        CLOCK,
        "arm:\n",
        "keep_closed:\n  - lines:\n      - {send: 'deny {object}', confidence: unchecked}\narm:\n",
        "28:16: {object} has the name object in it, by which a drill is seen and restored, so that what is kept closed would be taken",
    ),
    "by a value that only a run knows": (
        CLOCK,
        "arm:\n",
        "keep_closed:\n  - lines:\n      - {send: 'deny until {end(%Y-%m-%d %H:%M)}', confidence: unchecked}\narm:\n",
        "28:16: {end} cannot stand here: it has no value in keep_closed of a clock recipe; known there: ",
    ),
    "by an end": (
        CLOCK,
        "arm:\n",
        "keep_closed:\n  - lines:\n      - {send: 'deny {rest_end(%Y-%m-%d %H:%M)}', confidence: unchecked}\narm:\n",
        "28:16: {rest_end} cannot stand here: it has no value in keep_closed of a clock recipe; known there: ",
    ),
    "by a name that holds a drill's": (
        CLOCK.replace("most: 20}\n", 'most: 20}\n  closed: {form: "im_{conduit}_closed", most: 30}\n'),
        "arm:\n",
        "keep_closed:\n  - lines:\n      - {send: 'deny {closed}', confidence: unchecked}\narm:\n",
        "29:16: {closed} has the name object in it, by which a drill is seen and restored",
    ),
    "by a text that a restore takes away": (
        PENDING,
        "errors:",
        "keep_closed:\n  - each: network4-pair\n    lines:\n      - {send: 'deny {outer_network4} {inner_network4}', confidence: unchecked}\nerrors:",
        '45:16: restore takes "deny {outer_network4} {inner_network4}" away by its text, and with it what is kept closed',
    ),
}
