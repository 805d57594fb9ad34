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
    "two documents": (
        "a: 1\n---\nb: 2\n",
        "site.yaml:2:1: A second document begins here, and only one is read; put it into a file of its own.",
    ),
    "too deep": (
        "a: " + "[" * 30,
        "site.yaml:1:27: This is nested more than 24 levels deep; write it with fewer levels.",
    ),
    "very much too deep": (
        "[" * 500_000,
        "site.yaml:1:25: This is nested more than 24 levels deep; write it with fewer levels.",
    ),
    "too many values": (
        "a:\n" + "  - 1\n" * 20_000,
        "site.yaml:19999:5: The file holds more than 20000 values; split it.",
    ),
    "a key that is a number": ("zones:\n  10: x\n", 'site.yaml:2:3: A key must be text here; put it in quotes: "10".'),
    "a key that is a list": ("[a]: x\n", "site.yaml:1:1: A key must be text here, not a list or a mapping."),
    "no key": (": x\n", 'site.yaml:1:1: A key must be text here; put it in quotes: "".'),
    "an unclosed list": (
        "a: [1, 2\n",
        'site.yaml:1:4: The list that opens here with "[" is not closed, or lacks a comma before line 2, column 1; add "]" or ",".',
    ),
    "an unclosed mapping": (
        "a: {b: 1\nc: 2\n",
        'site.yaml:1:4: The mapping that opens here with "{" is not closed, or lacks a comma before line 2, column 2; add "}" or ",".',
    ),
    "an unclosed quote": ("a: 'x\n", "site.yaml:1:4: A quote opens here and is not closed; close it."),
    "text after a quote": (
        "a: 'it's'\n",
        "site.yaml:1:8: More text stands after the end of a value; put the whole value in quotes.",
    ),
    "a stray colon": ("a: b: c\n", 'site.yaml:1:5: A second ": " stands in this line; put the value in quotes.'),
    "a value that begins as none can": (
        "a: @x\n",
        'site.yaml:1:4: A value cannot begin with "@"; put it in quotes.',
    ),
    "no colon": (
        "a:\n  b: 1\n  hold 8 s\n  c: 2\n",
        'site.yaml:3:3: There is no ":" in this line; write "key: value".',
    ),
    "no space after a colon": (
        "a:\n  b: 1\n  hold:8 s\n  c: 2\n",
        'site.yaml:3:3: There is no space after ":" here; write "key: value".',
    ),
    "no space after a dash": (
        "a:\n  -b: 1\n",
        'site.yaml:2:3: There is no space after "-" here; write "- key: value".',
    ),
    "something odd within brackets": (
        "a: ]\n",
        "site.yaml:1:4: This is not YAML: expected the node content, but found ']'.",
    ),
}
WITH_TAB = "This line is indented with a tab; YAML takes plain spaces only, so replace it by spaces."
WITH_NO_BREAK = "This line is indented with a no-break space; YAML takes plain spaces only, so replace it by spaces."
NO_BREAK = "\u00a0"
INDENTS: dict[str, tuple[str | bytes, str]] = {
    "a tab": ("a:\n\tb: 1\n", f"site.yaml:2:1: {WITH_TAB}"),
    "a tab after spaces": ("a:\n  b: 1\n  \tc: 2\n", f"site.yaml:3:3: {WITH_TAB}"),
    "a tab in a list": ("a:\n  - b: 1\n\t  c: 2\n", f"site.yaml:3:1: {WITH_TAB}"),
    "a tab that goes on": ("a: x\n\ty\n", f"site.yaml:2:1: {WITH_TAB}"),
    "a tab after a colon": (
        "a:\t1\n",
        'site.yaml:1:3: A tab stands after ":"; YAML takes plain spaces only, so replace it by a plain space.',
    ),
    "no-break spaces that make a key": (f"a:\n{NO_BREAK * 2}b: 1\n", f"site.yaml:2:1: {WITH_NO_BREAK}"),
    "no-break spaces in a list": (f"a:\n  - b: 1\n{NO_BREAK * 4}c: 2\n", f"site.yaml:3:1: {WITH_NO_BREAK}"),
    "a no-break space after a space": (f"a:\n  b: 1\n {NO_BREAK}c: 2\n", f"site.yaml:3:2: {WITH_NO_BREAK}"),
    "no-break spaces within braces": (f"a: {{b: 1,\n{NO_BREAK * 2}c: 2}}\n", f"site.yaml:2:1: {WITH_NO_BREAK}"),
    "a no-break space after a colon": (
        f"a:\n  b:{NO_BREAK}1\n",
        'site.yaml:2:3: A no-break space stands after ":"; YAML takes plain spaces only, so replace it by a plain space.',
    ),
    "a no-break space after a colon, with more below": (
        f"a:\n  b:{NO_BREAK}1\n  c: 2\n",
        'site.yaml:2:5: A no-break space stands after ":"; YAML takes plain spaces only, so replace it by a plain space.',
    ),
    "a no-break space after a dash": (
        f"a:\n  - x\n  -{NO_BREAK}y\n",
        'site.yaml:3:4: A no-break space stands after "-"; YAML takes plain spaces only, so replace it by a plain space.',
    ),
    "a no-break space at the end": (
        f"a: x{NO_BREAK}\nb: 1\n",
        "site.yaml:1:4: A no-break space stands after this text and belongs to it; take it out.",
    ),
    "a wide space": (
        "a:\n\u3000b: 1\n",
        "site.yaml:2:1: This line is indented with an ideographic space; YAML takes plain spaces only, so replace it by spaces.",
    ),
    "a space without width": (
        "a:\n\u200bb: 1\n",
        "site.yaml:2:1: This line is indented with a zero width space; YAML takes plain spaces only, so replace it by spaces.",
    ),
    "a key between two": (
        "a:\n  b: 1\n c: 2\n",
        (
            "site.yaml:3:2: This line begins in column 2, beside nothing above it; begin it in column 1 (as in line 1) or 3 (as in "
            "line 2)."
        ),
    ),
    "a key below an item, too far left": (
        "# about\nstages:\n  - name: x\n\n   hold: 8 s\n",
        (
            "site.yaml:5:4: This line begins in column 4, beside nothing above it; begin it in column 1 (as in line 2) or 3 (as in "
            "line 3) or 5 (as in line 3)."
        ),
    ),
    "a key below an item, too far right": (
        "stages:\n  - name: x\n     hold: 8 s\n",
        (
            "site.yaml:3:6: This line is indented deeper than line 2, which has a value already and so takes no lines below it; "
            "indent it to column 5 as well, or take the value out of line 2."
        ),
    ),
    "a first key that is indented": (
        "  a: 1\nb: 2\n",
        "site.yaml:2:1: This line begins in column 1, beside nothing above it; begin it in column 3 (as in line 1).",
    ),
    "a key beside items": (
        "a:\n  - x\n  b: 1\n",
        'site.yaml:3:3: A key stands here beside list items; begin the line with "- ", or indent it as the key it stands beside.',
    ),
    "an item beside keys": (
        "a:\n  b: 1\n  - x\n",
        'site.yaml:3:3: A list item ("- ") stands here beside a key; indent it below the key whose list it belongs to.',
    ),
    "an item that is read as text": (
        "a:\n  - x\n    - y\n",
        (
            'site.yaml:3:5: This line begins with "- " and is read as more of the text that begins in line 2; indent it as the item '
            "that it stands beside, or put the text in quotes."
        ),
    ),
}
