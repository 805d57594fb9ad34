"""Bad recipes by which a bench would touch more than one object that nothing names; rows as in rows_recipes.py."""

from __future__ import annotations

from tests.store.recipe_texts import CLOCK, OWN_TIMER

SEEN = "configuration:\n  - {part: running, ask: show all, whole: ^done$, confidence: unchecked}\n"
ITSELF = "stand_in: '^window {object}'\n"
REMOVES = "take_away:\n  - lines:\n      - {send: 'forget {object}', confidence: unchecked}\n"
BENCHED = CLOCK.replace("errors:", f"{SEEN}{ITSELF}{REMOVES}errors:")
"""A clock recipe with a stand-in, which is good."""

STAND_IN: dict[str, tuple[str, str, str, str]] = {
    "that nothing removes": (
        BENCHED,
        REMOVES,
        "",
        "40:11: stand_in needs take_away beside it: a stand-in must be known by a line and be removed.",
    ),
    "that no line is": (BENCHED, ITSELF, "", "41:3: take_away needs stand_in beside it"),
    "of another cycle": (
        OWN_TIMER,
        "errors:",
        f"{SEEN}{ITSELF}{REMOVES}errors:",
        "35:11: Only a clock recipe has an object that isolates nothing by itself; take stand_in and take_away out of this own-timer recipe.",
    ),
    "that is seen nowhere": (
        BENCHED,
        SEEN,
        "",
        "38:11: That nothing names the stand-in is seen in the configuration, so say under it how that is read.",
    ),
    "known by no name": (
        BENCHED,
        "'^window {object}'",
        "^window",
        "40:11: The line that is the stand-in itself must have {object} in it.",
    ),
    "whose line knows a run": (
        BENCHED,
        "'^window {object}'",
        "'^window {object} {run}'",
        "40:11: {run} cannot stand here: ",
    ),
    "too long for the device": (
        BENCHED,
        'form: "im_{conduit}", most: 20',
        'form: "im_{conduit}", most: 10',
        '20:18: The stand-in would be named "im_STAND_IN", and the device takes 10 characters; shorten the form.',
    ),
    "removed with more than itself": (
        BENCHED,
        "forget {object}",
        "forget {object} {outer_zone}",
        "43:16: A bench sends this line for its stand-in, which is one object alone, and the line names {outer_zone}",
    ),
    "removed with something else": (
        BENCHED,
        "forget {object}",
        "no access-list plant",
        '43:16: "no access-list plant" removes something and does not name {object}',
    ),
    "removed by a number": (BENCHED, "forget {object}", "no 7", '43:16: "no 7" names what it removes by its number'),
    "removed with a value of a run": (
        BENCHED,
        "forget {object}",
        "forget {object} {end(%Y-%m-%d %H:%M)}",
        "43:16: {end} cannot stand here: it has no value in take_away of a clock recipe",
    ),
    "removed and saved": (BENCHED, "forget {object}", "write memory", "43:16: take_away saves here"),
    "made by a line about interfaces": (
        BENCHED,
        '"window {object} {starts(%Y-%m-%d %H:%M)} {armed_until(%Y-%m-%d %H:%M)}"',
        '"window {object} {outer_interfaces} {starts(%Y-%m-%d %H:%M)} {armed_until(%Y-%m-%d %H:%M)}"',
        "28:16: A bench sends this line for its stand-in, which is one object alone, and the line names {outer_interfaces}",
    ),
    "restored for each network": (
        BENCHED,
        "restore:\n  - lines:",
        "restore:\n  - each: network4-pair\n    lines:",
        '38:16: A bench sends this line for its stand-in, which is one object alone, and the line is sent for each "network4-pair"',
    ),
    "with two serial numbers": (
        BENCHED,
        "device_time:",
        "serial: {ask: show version, pattern: '(a)(b)', confidence: unchecked}\ndevice_time:",
        "22:38: Put what tells the serial number in parentheses, once.",
    ),
    "with a serial number that nothing shows": (
        BENCHED,
        "device_time:",
        "serial: {ask: reset all, pattern: '(a)', confidence: unchecked}\ndevice_time:",
        '22:15: "reset all" looks like a command that changes something',
    ),
}
