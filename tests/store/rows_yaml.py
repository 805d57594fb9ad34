"""Bad YAML, and exactly what is said of it. The file is always called site.yaml."""

from __future__ import annotations

BOMB = "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nd: [*c, *c]\n"

ROWS: dict[str, tuple[str | bytes, str]] = {
    "empty": ("", "site.yaml:1:1: The file is empty."),
    "comments only": ("# soon\n", "site.yaml:1:1: The file is empty."),
    "an empty document": ("---\n...\n", "site.yaml:1:1: The file is empty."),
    "nothing, written out": (
        "null\n",
        'site.yaml:1:1: Expected a mapping at the top of the file, lines such as "name: value".',
    ),
    "a list at the top": (
        "- site: riverside\n",
        'site.yaml:1:1: Expected a mapping at the top of the file, lines such as "name: value".',
    ),
    "binary": (b"\x7fELF\x02\0\0\0", "site.yaml: This is a binary file, not YAML text."),
    "UTF-16": ("site: x\n".encode("utf-16"), "site.yaml: This is UTF-16 text; save the file as UTF-8."),
    "Latin-1": (
        "site: x\nowner: Müller\n".encode("latin-1"),
        "site.yaml:2:1: This is not UTF-8 text; save the file as UTF-8.",
    ),
    "a control character": ("site: x\nowner: \x07\n", "site.yaml:2:1: There is a control character here; remove it."),
    "an escaped control character": (
        'owner: "\\e[2J"\n',
        "site.yaml:1:8: There is a control character in this text; remove it.",
    ),
    "half a surrogate pair": (
        'owner: "\\ud800"\n',
        "site.yaml:1:8: There is a control character in this text; remove it.",
    ),
    "duplicate key": (
        "site: a\nzones: {}\nsite: b\n",
        'site.yaml:3:1: The key "site" is already in line 1; keep one of them.',
    ),
    "duplicate key in one line": (
        "zones: {a: 1, b: 2, a: 3}\n",
        'site.yaml:1:21: The key "a" is already in line 1; keep one of them.',
    ),
    "duplicate key, quoted differently": (
        "\"a\": 1\n'a': 2\n",
        'site.yaml:2:1: The key "a" is already in line 1; keep one of them.',
    ),
    "bomb": (BOMB, "site.yaml:1:4: YAML anchors and aliases (& and *) are not read here; write the value out."),
    "an alias of nothing": (
        "a: *b\n",
        "site.yaml:1:4: YAML anchors and aliases (& and *) are not read here; write the value out.",
    ),
    "a merge key": ("a:\n  <<: {b: 1}\n", 'site.yaml:2:3: Merge keys ("<<") are not read here; write the values out.'),
    "a tag that makes an object": (
        "a: !!python/object/apply:os.system [true]\n",
        "site.yaml:1:4: YAML tags (!) are not read here; write the value alone.",
    ),
    "a vault tag": ("a: !vault x\n", "site.yaml:1:4: YAML tags (!) are not read here; write the value alone."),
    "a directive": (
        "%YAML 1.1\n---\na: NO\n",
        "site.yaml:2:1: YAML directives (%) are not read here; remove this line.",
    ),
    "two documents": ("a: 1\n---\nb: 2\n", "site.yaml:2:1: A second document begins here; a file holds one."),
    "too deep": ("a: " + "[" * 30, "site.yaml:1:27: This is nested more than 24 levels deep."),
    "very much too deep": ("[" * 500_000, "site.yaml:1:25: This is nested more than 24 levels deep."),
    "too many values": (
        "a:\n" + "  - 1\n" * 20_000,
        "site.yaml:19999:5: The file holds more than 20000 values; split it.",
    ),
    "a key that is a number": ("zones:\n  10: x\n", 'site.yaml:2:3: A key must be text here; put it in quotes: "10".'),
    "a key that is a list": ("[a]: x\n", "site.yaml:1:1: A key must be text here, not a list or a mapping."),
    "no key": (": x\n", 'site.yaml:1:1: A key must be text here; put it in quotes: "".'),
    "an unclosed list": ("a: [1, 2\n", "site.yaml:2:1: This is not YAML: expected ',' or ']', but got '<stream end>'."),
    "an unclosed quote": ("a: 'x\n", "site.yaml:2:1: This is not YAML: found unexpected end of stream."),
    "a stray colon": ("a: b: c\n", "site.yaml:1:5: This is not YAML: mapping values are not allowed here."),
    "a tab": ("a:\n\tb: 1\n", "site.yaml:2:1: This is not YAML: a tab stands where spaces must."),
    "a wrong indent": (
        "a:\n  b: 1\n c: 2\n",
        "site.yaml:3:2: This is not YAML: expected <block end>, but found '<block mapping start>'.",
    ),
}
