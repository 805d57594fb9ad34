"""Bad values in the operators' files, and exactly what is said of each.

A row changes one file of a workspace that is good (see `workspace.py`): what is replaced, by what, and the answer.
"""

from __future__ import annotations

DRILL, SITE, PACK = "drills/weekly.yaml", "inventory/north.yaml", "probes/line.yaml"
DURATION = 'a duration with its unit, such as "8 s"'
NAME = "a name: lower-case letters, digits and inner hyphens, at most 40"
REFERENCE = "a reference, env:NAME, file:PATH, systemd:NAME, command:PROGRAM, vault:PATH#KEY with REFERENCE, or lab:NAME; a secret itself never stands in a file"
MAPPING = 'a mapping, lines such as "name: value"'
ADDRESS = 'an address such as 10.10.0.10 or "fd10:10::10"'
NETWORK = 'a network such as 10.10.0.0/24 or "fd10:10::/64"'
MODBUS_KEYS = (
    "address, by, changes_within, kind, maximum, minimum, port, purpose, stands_for, table, target, timeout, type, unit, vantage, "
    "word_order, zero_based"
)
SERVICE = (
    'inventory/north.yaml:17:18: "service" must be a service such as "tcp/502", "tcp/49152-65535", "udp/53", "icmp" or "esp", '
    "with ports from 1 to 65535; found "
)
KINDS = "canary, http, icmp, modbus, tcp"

Row = tuple[str, str, str, str]

UNKNOWN_KEYS: dict[str, Row] = {
    "in a stage": (DRILL, "hold: 8 s", "hodl: 8 s", 'drills/weekly.yaml:8:5: Unknown key "hodl". Did you mean "hold"?'),
    "at the top": (
        DRILL,
        "site: north",
        "site: north\nsevred: [x]",
        'drills/weekly.yaml:3:1: Unknown key "sevred". Did you mean "severed"?',
    ),
    "far from every known one": (
        SITE,
        "user: drill",
        "user: drill\n      qqq: 1",
        'inventory/north.yaml:28:7: Unknown key "qqq". Known keys: become, enable, key, password, user.',
    ),
    "in a flow": (
        SITE,
        "owner: Planning",
        "ownr: Planning",
        'inventory/north.yaml:18:9: Unknown key "ownr". Did you mean "owner"?',
    ),
    "in a probe, by its kind": (
        PACK,
        "#register: 0",
        "adress: 0",
        'probes/line.yaml:6:5: Unknown key "adress". Did you mean "address"?',
    ),
    "in a probe, called like its kind": (
        PACK,
        "#register: 0",
        "modbus: 0",
        f'probes/line.yaml:6:5: Unknown key "modbus". Known keys: {MODBUS_KEYS}.',
    ),
}

NOT_YET = "is not supported yet: nothing reads it, so it would promise what does not happen; take it out."
NOT_READ: dict[str, Row] = {
    "a schedule": (
        DRILL,
        "severed: [office-plc]",
        "severed: [office-plc]\nschedule: {every: banana}",
        f'drills/weekly.yaml:17:1: "schedule" {NOT_YET}',
    ),
    "approvals": (
        DRILL,
        "severed: [office-plc]",
        "severed: [office-plc]\napprovals: {also_signed_by: [ot-security], live: [plant-manager]}",
        'drills/weekly.yaml:17:44: Unknown key "live". Known keys: also_signed_by.',
    ),
    "an exercise": (
        DRILL,
        "severed: [office-plc]",
        "severed: [office-plc]\nexercise: {roles: 7}",
        f'drills/weekly.yaml:17:1: "exercise" {NOT_YET}',
    ),
    "an exercise of nothing": (
        DRILL,
        "severed: [office-plc]",
        "severed: [office-plc]\nexercise:",
        f'drills/weekly.yaml:17:1: "exercise" {NOT_YET}',
    ),
    "a zone's criticality": (
        SITE,
        "level: 4,",
        "level: 4, criticality: low,",
        f'inventory/north.yaml:3:22: "criticality" {NOT_YET}',
    ),
    "a zone's trust": (SITE, "level: 4,", "trust: low, level: 4,", f'inventory/north.yaml:3:12: "trust" {NOT_YET}'),
}

INDENTED: dict[str, Row] = {
    "keys that are not indented": (
        DRILL,
        "  isolate_within: 5 s\n  restore_within: 10 s\n  dead_man: 3 min\n  longest_ot_gap: 500 ms\n  undo_tier: A\n",
        "isolate_within: 5 s\n",
        'drills/weekly.yaml:10:1: Unknown key "isolate_within". It belongs under "limits": indent it there.',
    ),
    "nothing below a key": (
        DRILL,
        "  isolate_within: 5 s\n  restore_within: 10 s\n  dead_man: 3 min\n  longest_ot_gap: 500 ms\n  undo_tier: A\n",
        "",
        f'drills/weekly.yaml:9:1: "limits" must be {MAPPING}; found nothing. Indent the lines that belong to it.',
    ),
    "a key that is indented with those above": (
        DRILL,
        "  undo_tier: A\n",
        "  undo_tier: A\n  settle: 3 s\n",
        'drills/weekly.yaml:15:3: Unknown key "settle". It belongs at the top of the file: take away its indentation.',
    ),
    "a key of an item, beside its list": (
        DRILL,
        "    hold: 8 s\n",
        "hold: 8 s\n",
        'drills/weekly.yaml:8:1: Unknown key "hold". It belongs under "stages": indent it there.',
    ),
}

WRONG_TYPES: dict[str, Row] = {
    "a hold without unit": (
        DRILL,
        "hold: 8 s",
        "hold: 8",
        f'drills/weekly.yaml:8:11: "hold" must be {DURATION}; found 8.',
    ),
    "a hold as decimal number": (
        DRILL,
        "hold: 8 s",
        "hold: 8.5",
        f'drills/weekly.yaml:8:11: "hold" must be {DURATION}; found 8.5.',
    ),
    "a hold of an unknown unit": (
        DRILL,
        "hold: 8 s",
        "hold: 8 m",
        f'drills/weekly.yaml:8:11: "hold" must be {DURATION}, "500 ms", "3 min", "2 h" or "90 d"; found "8 m".',
    ),
    "a hold of nothing": (
        DRILL,
        "hold: 8 s",
        "hold: 0 s",
        'drills/weekly.yaml:8:11: "hold" must be more than 0; found "0 s".',
    ),
    "a hold of a year": (
        DRILL,
        "hold: 8 s",
        "hold: 365 d",
        'drills/weekly.yaml:8:11: "hold" must be at most 90 d; found "365 d".',
    ),
    "an empty hold": (
        DRILL,
        "hold: 8 s",
        "hold:",
        f'drills/weekly.yaml:8:5: "hold" must be {DURATION}; found nothing.',
    ),
    "a number as text": (
        SITE,
        "level: 4",
        'level: "4"',
        'inventory/north.yaml:3:19: "level" must be a number; found "4".',
    ),
    "a truth as number": (
        SITE,
        "level: 4",
        "level: true",
        'inventory/north.yaml:3:19: "level" must be a number; found true.',
    ),
    "a level beyond Purdue": (
        SITE,
        "level: 4",
        "level: 6",
        'inventory/north.yaml:3:19: "level" must be a Purdue level: 0, 1, 2, 3, 3.5, 4 or 5; found 6.',
    ),
    "a level below it": (
        SITE,
        "level: 4",
        "level: -1",
        'inventory/north.yaml:3:19: "level" must be a Purdue level: 0, 1, 2, 3, 3.5, 4 or 5; found -1.',
    ),
    "a number where text is meant": (
        SITE,
        "owner: Planning",
        "owner: 4711",
        'inventory/north.yaml:18:16: "owner" must be text; put it in quotes; found 4711.',
    ),
    "a list where text is meant": (
        SITE,
        "owner: Planning",
        "owner: [a]",
        'inventory/north.yaml:18:16: "owner" must be text; found a list.',
    ),
    "a mapping where text is meant": (
        SITE,
        "owner: Planning",
        "owner: {a: b}",
        'inventory/north.yaml:18:16: "owner" must be text; found a mapping.',
    ),
    "a port in quotes": (
        PACK,
        "port: 502",
        'port: "502"',
        'probes/line.yaml:5:11: "port" must be a whole number; found "502".',
    ),
    "a port with a fraction": (
        PACK,
        "port: 502",
        "port: 502.0",
        'probes/line.yaml:5:11: "port" must be a whole number; found 502.0.',
    ),
    "a port that is none": (
        PACK,
        "port: 502",
        "port: 70000",
        'probes/line.yaml:5:11: "port" must be at most 65535; found 70000.',
    ),
    "text where a mapping is meant": (
        DRILL,
        "limits:",
        "limits: soon\nlater:",
        f'drills/weekly.yaml:9:9: "limits" must be {MAPPING}; found "soon".',
    ),
    "an item that is no mapping": (
        DRILL,
        "stages:",
        "stages:\n  - 3",
        f'drills/weekly.yaml:6:5: Item 1 of "stages" must be {MAPPING}; found 3.',
    ),
    "an address that is none": (
        PACK,
        "target: 10.0.2.9",
        "target: 10.0.2.900",
        f'probes/line.yaml:4:13: "target" must be {ADDRESS}; found "10.0.2.900".',
    ),
    "an address as number": (
        PACK,
        "target: 10.0.2.9",
        "target: 9",
        f'probes/line.yaml:4:13: "target" must be {ADDRESS}; found 9.',
    ),
    "a network that is none": (
        SITE,
        "networks: 10.0.1.0/24",
        "networks: [10.0.1.0/24, here]",
        f'inventory/north.yaml:3:57: Item 2 of "networks" must be {NETWORK}; found "here".',
    ),
    "a network with a host's address": (
        SITE,
        "networks: 10.0.1.0/24",
        "networks: 10.0.1.7/24",
        f'inventory/north.yaml:3:43: "networks" must be {NETWORK}; found "10.0.1.7/24". Did you mean 10.0.1.0/24?',
    ),
    "a name with blanks": (
        DRILL,
        "drill: weekly",
        "drill: Weekly Drill",
        f'drills/weekly.yaml:1:8: "drill" must be {NAME}; found "Weekly Drill".',
    ),
    "a zone's name with capitals": (
        SITE,
        "  office:",
        "  Office:",
        f'inventory/north.yaml:3:3: "Office" must be {NAME}.',
    ),
    "a service that is none": (
        SITE,
        "service: tcp/502",
        "service: modbus",
        SERVICE + '"modbus".',
    ),
    "a word that is none of those known": (
        DRILL,
        "undo_tier: A",
        "undo_tier: E",
        'drills/weekly.yaml:14:14: "undo_tier" must be "A", "B", "C" or "D"; found "E".',
    ),
    "one zone where two are meant": (
        SITE,
        "between: [office, line]",
        "between: office",
        'inventory/north.yaml:9:14: "between" must have at least 2 items.',
    ),
    "three zones where two are meant": (
        SITE,
        "between: [office, line]",
        "between: [office, line, line]",
        'inventory/north.yaml:9:14: "between" must have at most 2 items, not 3.',
    ),
    "a list with nothing in it": (
        DRILL,
        "severed: [office-plc]",
        "severed: []",
        'drills/weekly.yaml:16:10: "severed" must have at least 1 item.',
    ),
    "a kind of probe that there is not": (
        PACK,
        "kind: modbus",
        "kind: modbux",
        f'probes/line.yaml:3:11: "kind" must be one of {KINDS}; found "modbux". Did you mean "modbus"?',
    ),
    "a probe that does not say its kind": (
        PACK,
        "kind: modbus",
        "timeout: 1 s",
        f'probes/line.yaml:3:5: The key "kind" is missing here; it says which of {KINDS} this is.',
    ),
    "a key that is missing": (
        DRILL,
        "site: north\n",
        "",
        'drills/weekly.yaml:1:1: The key "site" is missing here; add it.',
    ),
}

PATH = 'probes/line.yaml:12:11: "path" must be a path that begins with "/", with everything but plain letters, digits and marks written with %; found '
PROBES: dict[str, Row] = {
    "a path that is none": (PACK, "path: /state", "path: state", PATH + '"state". Did you mean "/state"?'),
    "a path with a space": (
        PACK,
        "path: /state",
        "path: /api/state of line?x=1",
        PATH + '"/api/state of line?x=1". Did you mean "/api/state%20of%20line?x=1"?',
    ),
    "a path with an umlaut": (
        PACK,
        "path: /state",
        "path: /füllung",
        PATH + '"/füllung". Did you mean "/f%C3%BCllung"?',
    ),
    "a path that posts": (
        PACK,
        "path: /state",
        r'path: "/a HTTP/1.1\nHost: a\n\nPOST /api/setpoint HTTP/1.1\nContent-Length: 1\n\n9GET /a"',
        PATH + '"/a HTTP/1.1?Host: a??POST /api/setpoint HTTP/1.1?Content-Len...".',
    ),
    "a path with half an escape": (PACK, "path: /state", "path: /100%", PATH + '"/100%".'),
    "a path with a fragment": (
        PACK,
        "path: /state",
        "path: /state#top",
        PATH + '"/state#top". Did you mean "/state%23top"?',
    ),
    "a path that is too long": (PACK, "path: /state", f"path: /{'a' * 1000}", PATH + f'"/{"a" * 59}...".'),
    "a signed limit": (
        PACK,
        "port: 502",
        "minimum: -100",
        (
            'probes/line.yaml:5:14: "minimum" must be a whole number from 0 to 65535, the reach of type uint16; a number with a '
            'sign has "type: int16", or "type: int32" where it takes two registers; found -100.'
        ),
    ),
    "a limit that no register reaches": (
        PACK,
        "port: 502",
        "maximum: 70000",
        (
            'probes/line.yaml:5:14: "maximum" must be a whole number from 0 to 65535, the reach of type uint16; found 70000.'
        ),
    ),
    "a limit that no bit reaches": (
        PACK,
        "port: 502",
        "table: coil\n    maximum: 2",
        'probes/line.yaml:6:14: "maximum" must be a whole number from 0 to 1; found 2.',
    ),
    "a limit below a register with a sign": (
        PACK,
        "port: 502",
        "type: int16\n    minimum: -32769",
        'probes/line.yaml:6:14: "minimum" must be a whole number from -32768 to 32767, the reach of type int16; found -32769.',
    ),
    "a limit above two registers": (
        PACK,
        "port: 502",
        "type: uint32\n    maximum: 4294967296",
        'probes/line.yaml:6:14: "maximum" must be a whole number from 0 to 4294967295, the reach of type uint32; found 4294967296.',
    ),
    "a type that there is not": (
        PACK,
        "port: 502",
        "type: float",
        'probes/line.yaml:5:11: "type" must be "uint16", "int16", "uint32" or "int32"; found "float".',
    ),
    "a type of a bit": (
        PACK,
        "port: 502",
        "table: coil\n    type: int16",
        (
            'probes/line.yaml:6:11: "type" must stand beside table: holding or input only; a coil and a discrete input are one '
            'bit; found "int16".'
        ),
    ),
    "two registers where there is one": (
        PACK,
        "port: 502",
        "type: int32\n    address: 65535",
        'probes/line.yaml:6:14: "address" must be at most 65534, because a number of 32 bits takes two registers; found 65535.',
    ),
    "limits that nothing keeps": (
        PACK,
        "port: 502",
        "minimum: 9\n    maximum: 3",
        'probes/line.yaml:6:14: "maximum" must be at least the minimum, 9; found 3.',
    ),
    "a bit that is to be fresh": (
        PACK,
        "port: 502",
        "table: discrete\n    changes_within: 2 s",
        (
            'probes/line.yaml:6:21: "changes_within" must stand beside table: holding or input only, at a register that '
            'counts; a bit that goes to and fro cannot be told from two frozen devices; found "2 s".'
        ),
    ),
    "nothing that changes": (
        PACK,
        "path: /state",
        "changes_within: 2 s",
        (
            'probes/line.yaml:12:21: "changes_within" must stand beside fresh or value, which says what in the answer must '
            'change; found "2 s".'
        ),
    ),
    "no time within which it changes": (
        PACK,
        "path: /state",
        "fresh: time",
        'probes/line.yaml:9:5: "changes_within" must be given beside fresh, such as "2 s": how soon it must change.',
    ),
    "good words without a quality": (
        PACK,
        "path: /state",
        "good_quality: [0, Good]",
        (
            'probes/line.yaml:12:19: "good_quality" must stand beside quality, which says where in the answer the quality is; '
            "found a list."
        ),
    ),
    "a good word that is none": (
        PACK,
        "path: /state",
        "quality: q\n    good_quality: [0, [1]]",
        'probes/line.yaml:13:23: Item 2 of "good_quality" must be a word, a whole number, true or false; found a list.',
    ),
    "an address of one interface": (
        PACK,
        "target: 10.0.2.8",
        'target: "fe80::1%eth0"',
        'probes/line.yaml:10:13: "target" must be an address without "%" and an interface; found "fe80::1%eth0".',
    ),
    "a service of no port": (
        SITE,
        "service: tcp/502",
        "service: tcp/0",
        SERVICE + '"tcp/0".',
    ),
    "a service of a port too high": (SITE, "service: tcp/502", "service: tcp/99999", SERVICE + '"tcp/99999".'),
    "a range of ports that ends too high": (
        SITE,
        "service: tcp/502",
        "service: tcp/502-65536",
        SERVICE + '"tcp/502-65536".',
    ),
    "a range of ports the other way round": (
        SITE,
        "service: tcp/502",
        "service: tcp/503-502",
        'inventory/north.yaml:17:18: "service" must be a range of ports from the lower to the higher one; found "tcp/503-502".',
    ),
    "a port without its protocol": (
        SITE,
        "service: tcp/502",
        "service: [tcp/53, 88]",
        SERVICE.replace("17:18: ", "17:27: Item 2 of ") + "88.",
    ),
}

END = 'inventory/north.yaml:15:17: "source" must be an address or a network, such as 10.10.0.10, 10.10.0.0/24 or "fd10:10::/64"'
FLOWS: dict[str, Row] = {
    "an end that is a name": (SITE, "source: 10.0.1.9", "source: erp.example", f'{END}; found "erp.example".'),
    "an end that is a number": (SITE, "source: 10.0.1.9", "source: 9", f"{END}; found 9."),
    "an end that is nothing": (SITE, "source: 10.0.1.9", "source:", END.replace("15:17", "15:9") + "; found nothing."),
    "an end of one interface": (SITE, "source: 10.0.1.9", 'source: "fe80::1%eth0"', f'{END}; found "fe80::1%eth0".'),
    "an end that is a host in its network": (
        SITE,
        "source: 10.0.1.9",
        "source: 10.0.1.9/24",
        f'{END}; found "10.0.1.9/24". Did you mean 10.0.1.0/24?',
    ),
    "an end in a list": (
        SITE,
        "source: 10.0.1.9",
        "source: [10.0.1.9, 10.0.1.300]",
        END.replace("15:17: ", "15:28: Item 2 of ") + '; found "10.0.1.300".',
    ),
    "an owner of nothing": (
        SITE,
        "owner: Planning",
        'owner: " "',
        'inventory/north.yaml:18:16: "owner" must be words, from 1 to 200 characters; found " ".',
    ),
    "an owner of a page": (
        SITE,
        "owner: Planning",
        f"owner: {'x' * 201}",
        f'inventory/north.yaml:18:16: "owner" must be words, from 1 to 200 characters; found "{"x" * 60}...".',
    ),
    "a level between two": (
        SITE,
        "level: 4",
        "level: 2.7",
        'inventory/north.yaml:3:19: "level" must be a Purdue level: 0, 1, 2, 3, 3.5, 4 or 5; found 2.7.',
    ),
}

SECRETS: dict[str, Row] = {
    "a password written out": (
        SITE,
        "password: env:FW",
        "password: hunter2-canary",
        f'inventory/north.yaml:28:17: "password" must be {REFERENCE}.',
    ),
    "a password of digits": (
        SITE,
        "password: env:FW",
        "password: 48151623",
        'inventory/north.yaml:28:17: "password" must be text; put it in quotes.',
    ),
    "a password in a list": (
        SITE,
        "password: env:FW",
        "password: [hunter2-canary]",
        'inventory/north.yaml:28:17: "password" must be text.',
    ),
    "a variable of another form": (
        SITE,
        "password: env:FW",
        "password: env:hunter2-canary",
        'inventory/north.yaml:28:17: "password" must be env: and the name of a variable, of letters, digits and _.',
    ),
    "a credential by its path": (
        SITE,
        "password: env:FW",
        "password: systemd:/run/credentials/hunter2-canary",
        (
            'inventory/north.yaml:28:17: "password" must be systemd: and the name of a credential, of letters, digits and . _ - @, as in '
            "LoadCredential=NAME:PATH."
        ),
    ),
    "a program by its name": (
        SITE,
        "password: env:FW",
        "password: command:pass show hunter2-canary",
        (
            'inventory/north.yaml:28:17: "password" must be command: and the absolute path of a program with its arguments, such as '
            "command:/usr/bin/pass show plant/firewall."
        ),
    ),
    "a program with an open quote": (
        SITE,
        "password: env:FW",
        "password: command:/usr/bin/pass 'hunter2-canary",
        'inventory/north.yaml:28:17: "password" must be command: and words in which every quote is closed.',
    ),
    "a program on two lines": (
        SITE,
        "password: env:FW",
        'password: "command:/usr/bin/pass\\nhunter2-canary"',
        f'inventory/north.yaml:28:17: "password" must be {REFERENCE}.',
    ),
    "a password under another key": (
        SITE,
        "password: env:FW",
        "pasword: hunter2-canary",
        'inventory/north.yaml:28:7: Unknown key "pasword". Did you mean "password"?',
    ),
}

ROWS = {**UNKNOWN_KEYS, **NOT_READ, **INDENTED, **WRONG_TYPES, **FLOWS, **PROBES, **SECRETS}
