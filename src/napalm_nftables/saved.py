"""The saved configuration of a Linux firewall with all that it includes, found as nft finds it.

An include is one file or, with `*`, `?` or `[`, every file that matches, in order and without those that begin with a dot;
none is no error there. A relative path lies beside the saved file, where nft looks by default for /etc/nftables.conf.
"""

from __future__ import annotations

import posixpath
import re
import secrets
import shlex
from collections.abc import Callable
from dataclasses import dataclass

from napalm_nftables.errors import CommandFailed

DEPTH = 16
"""How deep nft itself follows includes."""

_TOKENS = re.compile(r""""(?:\\.|[^"\\\n])*"|'[^'\n]*'|\#[^\n]*|\binclude\b""")
_PLAIN = re.compile(r"[\w./*?\[\]^!,+=@%:-]")
_WILD = re.compile(r"[*?\[]")


@dataclass(frozen=True)
class SavedFile:
    """One file of the saved configuration; `text` is None where it could not be read, and `why` says so.

    An `absent` file is not there, although an include names it: nft would load nothing at all.
    """

    path: str
    text: str | None
    why: str = ""
    absent: bool = False


def read(run: Callable[[str], str], main: str) -> tuple[SavedFile, ...]:
    """Read the saved configuration and every file that it includes; `run` runs a command on the device."""
    path = shlex.quote(main)
    try:
        # A device without a saved file is no error; a saved file that cannot be read is.
        found = [SavedFile(main, run(f"[ ! -e {path} ] || cat {path}"))]
    except CommandFailed as error:
        return (SavedFile(main, None, str(error).rpartition("failed: ")[2]),)
    seen, new = {main}, tuple(found)
    for _ in range(DEPTH):
        patterns = tuple(pattern for file in new for pattern in includes(file.text or "", main))
        if not patterns:
            break
        mark = f"saved{secrets.token_hex(8)}"
        listed = files(run(command(patterns, mark)), mark)
        new = tuple({file.path: file for file in listed if file.path not in seen}.values())
        seen |= {file.path for file in new}
        found += new
    return tuple(found)


def includes(text: str, main: str) -> tuple[str, ...]:
    """List the paths that a file includes, absolute; what comments and quoted texts speak of is not included."""
    found = []
    expected = False
    for word in (match.group() for match in _TOKENS.finditer(text)):
        if expected and word[0] in "\"'":
            found.append(posixpath.join(posixpath.dirname(main), word[1:-1]))
        expected = word == "include"
    return tuple(dict.fromkeys(found))


def command(patterns: tuple[str, ...], mark: str) -> str:
    """Write the shell line that prints every file of some patterns after a line with the mark, what it is, and its path."""
    each = " ".join(
        f"look {_quoted(posixpath.dirname(pattern))} {_quoted(pattern, wild=True)};" for pattern in patterns
    )
    return (
        "LC_ALL=C; export LC_ALL; "
        'look() { d=$1; shift; if [ -d "$d" ] && { [ ! -r "$d" ] || [ ! -x "$d" ]; }; then '
        f'echo "{mark} shut $d"; return; fi; for f in "$@"; do '
        f'if [ -d "$f" ]; then :; elif [ ! -e "$f" ]; then echo "{mark} absent $f"; '
        f'elif [ ! -r "$f" ]; then echo "{mark} shut $f"; '
        f'else echo "{mark} file $f"; cat "$f"; echo; fi; done; }}; {each} echo "{mark} end -"'
    )


def files(answer: str, mark: str) -> tuple[SavedFile, ...]:
    """Read what `command` printed; ValueError when it did not come to its end."""
    parts = re.split(rf"^{re.escape(mark)} (\w+) (.*)\n", answer, flags=re.MULTILINE)
    told = list(zip(parts[1::3], parts[2::3], parts[3::3], strict=True))
    if not told or told[-1][0] != "end":
        raise ValueError("the saved files were not listed to their end")
    found = []
    for what, path, text in told[:-1]:
        if what == "file":
            # One line feed was added by `command`.
            found.append(SavedFile(path, text.removesuffix("\n")))
        elif what == "shut":
            found.append(SavedFile(path, None, "the login user may not read it"))
        elif not _WILD.search(path):
            found.append(SavedFile(path, None, "there is no such file", absent=True))
    return tuple(found)


def whole(saved: tuple[SavedFile, ...]) -> str:
    """Write files one after the other as one text: the main file as it is, every other behind a line with its path."""
    first, *others = saved
    return (first.text or "") + "".join(
        f"\n# included: {file.path}\n{file.text}" for file in others if file.text is not None
    )


def _quoted(path: str, *, wild: bool = False) -> str:
    """Quote a path for the shell, but leave a wildcard unquoted."""
    letters = (letter if _PLAIN.match(letter) else f"\\{letter}" for letter in path)
    return "".join(letters) if wild else "'" + path.replace("'", "'\\''") + "'"
