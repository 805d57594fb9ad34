"""Bad recipes, and exactly what is said of each: the recipe that is spoilt, what is replaced, by what, and how the answer begins."""

from __future__ import annotations

from tests.store.recipe_texts import CLOCK, OWN_TIMER, PENDING
from tests.store.rows_kept_closed import KEPT_CLOSED

Row = tuple[str, str, str, str]
RESTORE = "no deny {outer_network4} {inner_network4}"
ISOLATE = "link {object}"
FILE = "inventory/recipes/bad.yaml"

RESTORES: dict[str, Row] = {
    "by position": (
        PENDING,
        RESTORE,
        "no 7",
        '38:16: "no 7" names what it removes by its number, which may be somebody else',
    ),
    "by a rule's number": (
        PENDING,
        RESTORE,
        "delete filter rule 12",
        '38:16: "delete filter rule 12" names what it removes by its number',
    ),
    "by a number among others": (
        PENDING,
        RESTORE,
        "no {line}",
        "38:16: {line} cannot stand here: it is a number among others, which may be somebody else's line by then",
    ),
    "by the run's name": (
        OWN_TIMER,
        "remove {object}",
        "remove {run}",
        "32:16: {run} cannot stand here: only a run knows it, and restore is printed on the card",
    ),
    "by an end": (
        CLOCK,
        "{rest_end(%Y-%m-%d %H:%M)}",
        "{end(%Y-%m-%d %H:%M)}",
        "37:16: {end} cannot stand here: only a run knows it, and restore is printed on the card",
    ),
    "to no rest": (
        CLOCK,
        "{rest_starts(%Y-%m-%d %H:%M)} {rest_end(%Y-%m-%d %H:%M)}",
        "gone",
        "36:3: restore of a clock recipe must have {rest_end(...)} and {rest_starts(...)}, the window that stands there at rest.",
    ),
}
PLACEHOLDERS: dict[str, Row] = {
    "unknown": (
        OWN_TIMER,
        "link {object}",
        "link {objekt}",
        "26:16: {objekt} cannot stand here: there is no such placeholder; known there: conduit, for_min, for_s, inner_interfaces, ",
    ),
    "of something else": (
        OWN_TIMER,
        "link {object}",
        "link {outer_network4}",
        '26:16: {outer_network4} cannot stand here: it has no value in lines for each "conduit"; known there: ',
    ),
    "of another cycle": (
        OWN_TIMER,
        "link {object}",
        "link {end(%H:%M)}",
        "26:16: {end} cannot stand here: it has no value in isolate of an own-timer recipe; known there: ",
    ),
    "a moment without a form": (
        CLOCK,
        "{end(%Y-%m-%d %H:%M)}",
        "{end}",
        "31:16: {end} cannot stand here: say how the device writes a moment, such as {end(%H:%M %Y/%m/%d)}.",
    ),
    "a moment without its day": (
        CLOCK,
        "{end(%Y-%m-%d %H:%M)}",
        "{end(%Y-%m %H:%M)}",
        "31:16: {end} cannot stand here: %d is missing, without which a form tells no moment.",
    ),
    "a moment in seconds": (
        CLOCK,
        "{end(%Y-%m-%d %H:%M)}",
        "{end(%Y-%m-%d %H:%M:%S)}",
        "31:16: {end} cannot stand here: a window is told in whole minutes, so leave %S out.",
    ),
    "a code that is not known": (
        CLOCK,
        "{end(%Y-%m-%d %H:%M)}",
        "{end(%Y-%m-%d %H:%M %p)}",
        "31:16: {end} cannot stand here: %p is not known; known: %Y, %m, ",
    ),
    "a network's form": (
        PENDING,
        "{line} deny {outer_network4} ",
        "{line} deny {outer_network4(cidr)} ",
        "30:16: {outer_network4} cannot stand here: write it as one of prefix, netmask, wildcard.",
    ),
    "a brace of no placeholder": (
        OWN_TIMER,
        "link {object}",
        "link { object }",
        '26:16: "{ object }" begins with a brace that is no placeholder\'s; write {name} for a placeholder, or {{ and }} for braces.',
    ),
    "in a pattern for all sites": (
        OWN_TIMER,
        "errors: [^error]",
        "errors: ['^error {object}']",
        "33:10: {object} cannot stand here: this pattern is the same for all sites.",
    ),
}
STEPS: dict[str, Row] = {
    "without error patterns": (
        OWN_TIMER,
        "errors: [^error]\n",
        "",
        "1:1: There are no error patterns, so that a line that the device refused would pass for done; ",
    ),
    "with an empty list of them": (
        OWN_TIMER,
        "errors: [^error]",
        "errors: []",
        "33:9: There are no error patterns, so that a line that the device refused would pass for done; ",
    ),
    "that saves": (OWN_TIMER, ISOLATE, "write memory", "26:16: isolate saves here, and with that everybody's changes"),
    "that saves in short": (OWN_TIMER, ISOLATE, "do wr mem", "26:16: isolate saves here"),
    "that copies": (OWN_TIMER, ISOLATE, "copy running-config startup-config", "26:16: isolate saves here"),
    "that saves in its renewal": (
        OWN_TIMER,
        'renew:\n  - lines:\n      - {send: "list {object} timeout {for_s}"',
        'renew:\n  - lines:\n      - {send: execute cfg save, confidence: unchecked}\n      - {send: "list {object} timeout {for_s}"',
        "29:16: renew saves here",
    ),
    "that saves in its restore": (OWN_TIMER, "remove {object}", "save config", "32:16: restore saves here"),
    "that rolls back": (OWN_TIMER, ISOLATE, "rollback 1", "26:16: isolate takes the configuration back here"),
    "that reverts now": (
        PENDING,
        "again {for_min}",
        "configure revert now {for_min}",
        "34:16: renew takes the configuration back here",
    ),
    "that confirms": (
        PENDING,
        "again {for_min}",
        "configure confirm",
        "34:16: renew confirms here, after which no timer takes the isolation back",
    ),
    "that commits for good": (
        PENDING,
        "{line} deny {outer_network4} {inner_network4}",
        "commit",
        "30:16: isolate confirms here, after which no timer takes the isolation back",
    ),
    "of two lines in one": (
        OWN_TIMER,
        '"link {object}"',
        '"link {object}\\nexit"',
        "26:16: This must be one line, with no space before or after it",
    ),
    "with a secret": (
        OWN_TIMER,
        ISOLATE,
        "set password hunter2",
        "26:16: A secret seems to stand here; a recipe is printed, kept and shared, so no secret may stand in it.",
    ),
    "with a hashed secret": (OWN_TIMER, ISOLATE, "user x $1$abcd$efghijkl", "26:16: A secret seems to stand here"),
    "with a secret in an address": (
        OWN_TIMER,
        "{what: The manual}",
        '{what: The manual, url: "https://me:hunter2@books.example/"}',
        "17:33: A secret seems to stand in this address; write it without.",
    ),
}
PROOF: dict[str, Row] = {
    "nothing shows that it isolates": (
        OWN_TIMER,
        "        - {gives: isolating, pattern: linked}\n",
        "",
        "36:5: No state read gives isolating, so that nothing would prove that isolate isolates; add what shows it.",
    ),
    "nothing shows a window's end": (
        CLOCK,
        "gives: ends,",
        "gives: started,",
        "41:5: No state read gives ends, so that nothing would prove that isolate isolates; add what shows it.",
    ),
    "nothing shows what was provisioned": (
        CLOCK,
        "        - {gives: in-place, pattern: 'denies {object}'}\n",
        "",
        "41:5: A deny is provisioned, and no state read gives in-place",
    ),
    "nothing shows a pending change": (
        PENDING,
        "        - {gives: pending, pattern: waits}\n",
        "",
        "45:5: No state read gives pending, so that somebody else's pending change could not be seen; add what shows it.",
    ),
    "nothing shows the timer": (
        OWN_TIMER,
        "        - {gives: left, pattern: 'left (\\d+)'}\n",
        "",
        '15:16: The timer is shown as "remaining", and no state read gives left; add what shows it.',
    ),
    "tier A with a timer that nothing shows": (
        OWN_TIMER,
        "shown: remaining",
        "shown: nothing",
        "6:12: Nothing shows the timer, so that it cannot be read back before anything is isolated; that is undo tier C at best, not A.",
    ),
    "tier B with a timer that nothing shows": (
        PENDING,
        "shown: started-and-length",
        "shown: nothing",
        "6:12: Nothing shows the timer, so that it cannot be read back before anything is isolated; that is undo tier C at best, not B.",
    ),
    "a pattern that finds everything": (
        OWN_TIMER,
        "pattern: linked",
        "pattern: '.*'",
        '41:39: The pattern ".*" is found in an answer that says nothing, so that it tells nothing.',
    ),
    "no pattern": (
        OWN_TIMER,
        "pattern: linked",
        "pattern: '(linked'",
        '41:39: The pattern "(linked" is no regular expression (',
    ),
    "a pattern that may take for ever": (
        OWN_TIMER,
        "pattern: linked",
        "pattern: '(a+)+b'",
        '41:39: The pattern "(a+)+b" repeats a part without end that can itself be long or short, which may take for ever',
    ),
    "a value without its group": (
        OWN_TIMER,
        "'left (\\d+)'",
        "'left \\d+'",
        "42:34: This gives left, so put what is its value in parentheses.",
    ),
    "a moment without its form": (
        CLOCK,
        "pattern: 'until (\\S+ \\S+)', format: \"%Y-%m-%d %H:%M\"",
        "pattern: 'until (\\S+ \\S+)'",
        "47:11: This gives ends; add its format.",
    ),
    "a value that is absent": (
        OWN_TIMER,
        "{gives: left, pattern: 'left (\\d+)'}",
        "{gives: left, pattern: 'left (\\d+)', absent: true}",
        "42:56: left is a value, which what is absent does not have.",
    ),
    "a look that changes something": (
        OWN_TIMER,
        "ask: show list {object}",
        "ask: set list {object}",
        '36:12: "set list {object}" looks like a command that changes something; what is asked must only look.',
    ),
    "a look that writes a file": (
        OWN_TIMER,
        "ask: show list {object}",
        "ask: show list {object} | redirect flash:x",
        '36:12: "show list {object} | redirect flash:x" looks like a command that changes something',
    ),
    "a look with a change inside": (
        OWN_TIMER,
        "ask: show list {object}",
        "ask: ':put [/ip firewall address-list remove 0]'",
        '36:12: ":put [/ip firewall address-list remove 0]" looks like a command that changes something',
    ),
    "a look that clears": (
        OWN_TIMER,
        "ask: show list {object}",
        "ask: diagnose sys session clear",
        '36:12: "diagnose sys session clear" looks like a command that changes something',
    ),
}
TIMERS: dict[str, Row] = {
    "tier A by a clock": (
        CLOCK,
        "undo_tier: B",
        "undo_tier: A",
        "6:12: Tier A is for a timer that counts from now on an object of its own; that of a clock recipe is tier B at best.",
    ),
    "tier A of everything": (
        PENDING,
        "undo_tier: B",
        "undo_tier: A",
        "6:12: Tier A is for a timer that counts from now on an object of its own; that of a pending recipe is tier B at best.",
    ),
    "an isolate without its end": (
        CLOCK,
        '{end(%Y-%m-%d %H:%M)}", source: book, confidence: documented}\nrenew',
        'now", source: book, confidence: documented}\nrenew',
        "30:3: isolate of a clock recipe must have {end(...)}, the end that was computed at arm: a line that comes late must bring it.",
    ),
    "an arm that isolates": (
        CLOCK,
        "{armed_until(%Y-%m-%d %H:%M)}",
        "{armed_until(%Y-%m-%d %H:%M)} {end(%Y-%m-%d %H:%M)}",
        "28:16: arm must not bring the end of an isolation: traffic still passes; use {armed_until(...)}.",
    ),
    "an arm that names no run": (
        CLOCK,
        "{starts(%Y-%m-%d %H:%M)} {armed",
        "{armed",
        "27:3: arm of a clock recipe must have {starts(...)}, the window that is over and names the run",
    ),
    "a clock without the device's time": (
        CLOCK,
        "device_time: {ask: show clock, pattern: '(.+)', format: \"%Y-%m-%d %H:%M:%S\", source: book, confidence: documented}\n",
        "",
        "16:16: The timer is shown as a time of the device's clock; add device_time, to know what is left of it.",
    ),
    "a clock in seconds": (
        CLOCK,
        "grain: 1 min",
        "grain: 1 s",
        "16:55: A window is told in whole minutes, so the grain must be whole minutes.",
    ),
    "a clock that takes back more": (
        CLOCK,
        "reverts: own",
        "reverts: commit",
        "7:10: A deny that ends at a time of day takes back itself and nothing else; say own.",
    ),
    "an isolate with a timer of its own": (
        OWN_TIMER,
        "link {object}",
        "link {object} {for_s}",
        "25:3: isolate starts a timer of its own ({for_s}): a line that comes late would isolate for the whole of it.",
    ),
    "an arm without a timer": (
        OWN_TIMER,
        'arm:\n  - lines:\n      - {send: "list {object} timeout {for_s}"',
        'arm:\n  - lines:\n      - {send: "list {object}"',
        "22:3: arm starts no timer: none of its lines has {for_s} or {for_min}.",
    ),
    "a renewal without a timer": (
        PENDING,
        "again {for_min}",
        "again",
        "32:3: renew sets no timer: none of its lines has {for_s} or {for_min}.",
    ),
    "a renewal without lines": (
        OWN_TIMER,
        'renew:\n  - lines:\n      - {send: "list {object} timeout {for_s}", source: book, confidence: documented}\n',
        "",
        "15:73: This says that the timer can be set again, but it has no lines under renew.",
    ),
    "minutes of a timer in seconds": (
        PENDING,
        "grain: 1 min",
        "grain: 30 s",
        "15:68: The timer is set in minutes ({for_min}), so its grain must be whole minutes.",
    ),
    "a shortest that is longer": (
        OWN_TIMER,
        "least: 5 s",
        "least: 5 h",
        "15:34: The shortest timer is longer than the longest one; correct one of them.",
    ),
    "a pending change that takes back its own": (
        PENDING,
        "reverts: everything",
        "reverts: own",
        "7:10: A pending change takes back more than an object of its own: say commit, or everything.",
    ),
    "a lock of another cycle": (
        CLOCK,
        "lock: checked",
        "lock: atomic",
        "49:7: The lock of a recipe with this cycle (clock) is checked, and not atomic.",
    ),
    "a late line of which nothing is said": (
        PENDING,
        "late: {at_most: 30 s, source: book, confidence: documented}\n",
        "",
        "1:1: Nothing in these lines ends what a late one does",
    ),
    "a late line that ends by itself": (
        OWN_TIMER,
        "sources:\n",
        "late: {at_most: 30 s, confidence: unchecked}\nsources:\n",
        "16:7: What a late line of this recipe does ends by itself, so that there is nothing to say under late; take it out.",
    ),
}
SAID: dict[str, Row] = {
    "no families": (OWN_TIMER, "families: [4]\n", "", '1:1: The key "families" is missing here; add it.'),
    "no witness": (OWN_TIMER, "witness: none\n", "", '1:1: The key "witness" is missing here; add it.'),
    "IPv6 promised and not isolated": (
        PENDING,
        "families: [4]",
        "families: [4, 6]",
        (
            "28:3: isolate names networks of IPv4 only, but the recipe says that it isolates IPv6 too; add lines for each "
            '"network6-pair", or say families: [4].'
        ),
    ),
    "a witness that nothing reads": (
        OWN_TIMER,
        "witness: none",
        "witness: denies",
        "10:10: witness says denies, but no read under counts gives count; correct one of them.",
    ),
    "cover that leaves something out": (
        OWN_TIMER,
        "covers: [forward, to_device, vpn]",
        "covers: [forward]",
        "9:9: covers leaves something out; say under not_covered what goes on all the same, for the plan.",
    ),
    "a flush that is not sent": (
        OWN_TIMER,
        "cuts_established: itself",
        "cuts_established: after-flush",
        "11:19: Only what is said to end open connections after-flush has lines under flush; add the lines.",
    ),
    "a name too long for the device": (
        OWN_TIMER,
        'form: "im_{conduit}", most: 20',
        'form: "islandmode_of_this_plant_{conduit}", most: 20',
        '19:18: "islandmode_of_this_plant_{conduit}" is too long for the device, which takes 20 characters: 25 of them are fixed',
    ),
    "a name for all conduits": (
        OWN_TIMER,
        "im_{conduit}",
        "islandmode",
        "19:18: A name must have {conduit} in it once",
    ),
    "no name of the object": (
        OWN_TIMER,
        '  object: {form: "im_{conduit}"',
        '  thing: {form: "im_{conduit}"',
        "19:3: There is no name called object; it is the one that stands for a conduit on the device.",
    ),
    "a name that means something else": (
        OWN_TIMER,
        "versions:",
        '  run: {form: "x_{conduit}", most: 20}\nversions:',
        '20:8: "run" already has a meaning of its own in every recipe; choose another word.',
    ),
    "a source that is not there": (
        OWN_TIMER,
        'send: "link {object}", source: book',
        'send: "link {object}", source: boko',
        '26:41: There is no source "boko" under sources; known: book.',
    ),
    "a line without its source": (
        OWN_TIMER,
        'send: "link {object}", source: book',
        'send: "link {object}"',
        "26:45: This is said to be documented, but not where; add its source, one of book.",
    ),
    "a line without confidence": (
        OWN_TIMER,
        'send: "link {object}", source: book, confidence: documented',
        'send: "link {object}", source: book',
        '26:9: The key "confidence" is missing here; add it.',
    ),
    "a source that nothing rests on": (
        OWN_TIMER,
        "  book: {what: The manual}",
        "  book: {what: The manual}\n  other: {what: Another}",
        "18:10: Nothing here rests on the source other; take it out, or name it where it is used.",
    ),
    "a driver of another form": (
        OWN_TIMER,
        "driver: netmiko:plain",
        "driver: plain",
        '4:9: "driver" must be netmiko:KIND, napalm:KIND or https:KIND; found "plain".',
    ),
    "a key that no recipe has": (
        OWN_TIMER,
        "witness: none",
        "witness: none\nwittness: none",
        '11:1: Unknown key "wittness". Did you mean "witness"?',
    ),
}
CARDS: dict[str, Row] = {
    "a look that expects nothing": (
        OWN_TIMER,
        ", must_not_show: linked",
        "",
        "47:11: This look expects nothing, so that nobody could see whether a restore worked; say must_show or must_not_show.",
    ),
    "a look with what only a run knows": (
        OWN_TIMER,
        "must_not_show: linked",
        "must_not_show: '{run}'",
        "47:49: {run} cannot stand here: it has no value in card of an own-timer recipe; known there: ",
    ),
    "a look that changes something": (
        OWN_TIMER,
        'ask: "show {object}", must_not_show',
        'ask: "delete {object}", must_not_show',
        '47:17: "delete {object}" looks like a command that changes something',
    ),
    "a command for all sites with a conduit's name": (
        OWN_TIMER,
        "last_resort: Restart it.",
        "last_resort: Restart it.\n  mend_saved: save {object}",
        "49:15: {object} cannot stand here: this command is the same for all sites.",
    ),
    "two lines to mend what was saved": (
        OWN_TIMER,
        "last_resort: Restart it.",
        'last_resort: Restart it.\n  mend_saved: "save\\nquit"',
        "49:15: This must be one line",
    ),
    "a secret in what mends": (
        OWN_TIMER,
        "last_resort: Restart it.",
        "last_resort: Restart it.\n  mend_saved: save password hunter2abc",
        "49:15: A secret seems to stand here",
    ),
    "nothing for the card": (
        OWN_TIMER,
        "  last_resort: Restart it.\n",
        "",
        '46:3: The key "last_resort" is missing here; add it.',
    ),
}
MORE: dict[str, Row] = {
    "an answer with a placeholder": (
        OWN_TIMER,
        'send: "link {object}", source',
        'send: "link {object}", answers: [{on: sure, send: "{run}"}], source',
        "26:60: An answer must be one line without placeholders.",
    ),
    "a time without its group": (
        CLOCK,
        "pattern: '(.+)'",
        "pattern: '.+'",
        "22:41: Put what tells the time in parentheses.",
    ),
    "a version without its group": (
        OWN_TIMER,
        "pattern: 'v(\\d+)'",
        "pattern: 'v\\d+'",
        "20:40: Put what tells the version in parentheses, once.",
    ),
    "a form that tells no moment": (
        CLOCK,
        'format: "%Y-%m-%d %H:%M:%S"',
        'format: "%H:%M:%S"',
        "22:57: This form of a moment cannot be read: %Y is missing, without which a form tells no moment.",
    ),
    "an own timer that takes back more": (
        OWN_TIMER,
        "undo_tier: A\nreverts: own",
        "undo_tier: B\nreverts: commit",
        "7:10: A timer of an object of its own takes back that object and nothing else; say own.",
    ),
    "an own timer that nothing starts": (
        OWN_TIMER,
        'arm:\n  - lines:\n      - {send: "list {object} timeout {for_s}", source: book, confidence: documented}\n',
        "late: {at_most: 30 s, confidence: unchecked}\n",
        "23:3: Nothing is armed, and isolate starts no timer ({for_s} or {for_min}), so that nothing would take the isolation back.",
    ),
    "a pending change that nothing starts": (
        PENDING,
        'arm:\n  - each: point\n    lines:\n      - {send: "begin {for_min}", source: book, confidence: documented}\n',
        "",
        "24:3: Nothing is armed, and isolate starts no timer ({for_s} or {for_min}).",
    ),
    "a clock that shows what is left": (
        CLOCK,
        "shown: until",
        "shown: remaining",
        '16:16: What ends a clock recipe is a moment, so its timer is shown as "until".',
    ),
    "interfaces in another form": (
        OWN_TIMER,
        "link {object}",
        "link {outer_interfaces(comma)}",
        '26:16: {outer_interfaces} cannot stand here: write it alone, or with "(quoted)".',
    ),
    "a placeholder with a form that it does not take": (
        OWN_TIMER,
        "link {object}",
        "link {object(quoted)}",
        "26:16: {object} cannot stand here: it takes no form in parentheses.",
    ),
}
ROWS: dict[str, Row] = {
    f"{group}: {name}": row
    for group, rows in (
        ("restore", RESTORES),
        ("placeholder", PLACEHOLDERS),
        ("step", STEPS),
        ("proof", PROOF),
        ("timer", TIMERS),
        ("said", SAID),
        ("card", CARDS),
        ("more", MORE),
        ("kept closed", KEPT_CLOSED),
    )
    for name, row in rows.items()
}
