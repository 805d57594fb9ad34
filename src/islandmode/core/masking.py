"""Secrets that stand in the text of a device: passwords, communities, keys. Found by the words before them. Pure.

A text keeps its lines, so that it can still be compared and read. What follows such a word is hidden up to the end of its
quotes, or of its line: too much is hidden rather than too little. A secret that no word announces is not found.
"""

from __future__ import annotations

import re
from collections.abc import Callable

Mark = Callable[[str], str]
"""Gives what stands in a secret's place: the same for the same secret where a change of it must be visible."""

_WORD = re.compile(
    r"(?:pass(?:word|wd|phrase|code)|pwd|secret|psk|pre[-_ ]?shared[-_ ]?key|private[-_ ]?key|api[-_ ]?key"
    r"|auth(?:entication)?[-_]?key|key[-_]string|phash|community|credential|token|bearer|wpa[-_]?key)[\w-]*"
    r"|\bkey\b(?!\s+chain\b)|message-digest-key\s+\d+\s+md5\b|\bsnmp-server\s+host\s+\S+|(?<=\bv3\s)(?:auth|priv)\b"
    r"|\bstandby\s+\d+\s+authentication\b",
    re.IGNORECASE,
)
_APART = re.compile(r"[\"']?\s*[:=>]?\s*")
_PROSE = re.compile(r"\s+(?:is required|is expired|has expired|must be changed|authentication failed)\b")
"""Words that follow "password" in the output of programs and are no secret."""
_HASH = re.compile(r"\$(?:[0-9]{1,2}[abxy]?|y|gy|apr1|md5|sha1|argon2\w{1,2}|pbkdf2[\w-]{0,20})\$[^\s\"';<]+")
_IN_URL = re.compile(r"(?<=://)([^/\s:@\"]{0,100}):([^/\s@\"]{1,200})@")
_KEY_BEGINS = re.compile(r"-----BEGIN [^-]{0,40}(?:PRIVATE KEY|STATIC KEY)[^-]{0,20}-----", re.IGNORECASE)
_KEY_ENDS = re.compile(r"-----END [^-]{1,60}-----")
_PART = re.compile(r"[^\s;,|]*")
_LEFT = re.compile(r"\s*(?:\{\s*)?;?\s*(?:\{\s*)?(?:## SECRET-DATA\s*)?$")
"""What may stand behind a secret at the end of a line without being part of it."""
_TAIL = 80


def masked(
    text: str, mark: Mark, *, sentence: bool = False, unnumbered: Callable[[str], str] = lambda line: line
) -> str:
    """Give a text with every secret in it replaced by its mark; it has as many lines as before.

    A sentence says *password* and *key* as words; in it only what is set with `=` or `:` is hidden. `unnumbered` takes off a line's
    end what the device puts there by itself, as a platform's `Comparable` does: that is no part of a secret.
    """
    found: list[str] = []
    in_key = False
    for line in text.split("\n"):
        begin = None if in_key else _KEY_BEGINS.search(line)
        if not in_key and begin is None:
            own = unnumbered(line)
            own = own if line.startswith(own) else line
            found.append(_line(own, mark, sentence=sentence) + line[len(own) :])
            continue
        before = "" if begin is None else _line(line[: begin.start()], mark, sentence=sentence) + begin.group()
        rest = line if begin is None else line[begin.end() :]
        end = _KEY_ENDS.search(rest)
        in_key = end is None
        found.append(before + _key(rest, end, mark))
    return "\n".join(found)


def _key(line: str, end: re.Match[str] | None, mark: Mark) -> str:
    """Mask a line of a private key, up to where the key ends."""
    body = line if end is None else line[: end.start()]
    hidden = mark(body) if body.strip() else body
    return hidden if end is None else hidden + end.group() + _line(line[end.end() :], mark, sentence=False)


def _line(line: str, mark: Mark, *, sentence: bool) -> str:
    """Mask one line, from one announcing word to the next."""
    parts: list[str] = []
    at, quoted = 0, False
    while (word := _WORD.search(line, at)) is not None:
        apart = _APART.match(line, word.end())
        begin = apart.end() if apart is not None else word.end()
        quoted ^= line.count('"', at, begin) % 2 == 1
        parts.append(_nameless(line[at:begin], mark))
        at = begin
        between = line[word.end() : begin]
        if not between or _PROSE.match(line, word.end()) or (sentence and not {*":="} & {*between}):
            # Nothing keeps the word apart from what follows: it is a part of some name, or a word of a sentence.
            continue
        element = ">" in between
        end = _end(line, begin, quoted=quoted, element=element, sentence=sentence)
        if line[begin:end].strip():
            opening = line[begin] if line[begin] in "\"'" and end - begin > 1 else ""
            closing = opening if opening and line[end - 1] == opening else ""
            inside = line[begin + len(opening) : end - len(closing)]
            parts.append(opening + (mark(inside) if inside else "") + closing)
            quoted ^= (opening + closing).count('"') % 2 == 1
            at = end
    parts.append(_nameless(line[at:], mark))
    return "".join(parts)


def _end(line: str, begin: int, *, quoted: bool, element: bool, sentence: bool) -> int:
    """Find where a secret ends that begins here."""
    if begin < len(line) and line[begin] in "\"'" and not (quoted and line[begin] == '"'):
        closes = begin + 1
        while closes < len(line) and line[closes] != line[begin]:
            closes += 2 if line[closes] == "\\" else 1
        return min(closes + 1, len(line))
    stop = line.find('"' if quoted else "<", begin) if quoted or element else -1
    if stop >= 0:
        return stop
    if sentence and (part := _PART.match(line, begin)) is not None:
        return part.end()
    left = _LEFT.search(line, max(begin, len(line) - _TAIL))
    return left.start() if left is not None and left.start() >= begin else len(line)


def _nameless(text: str, mark: Mark) -> str:
    """Mask what is known by its own form: hashes of passwords, and passwords in addresses."""
    text = _HASH.sub(lambda found: mark(found.group()), text)
    return _IN_URL.sub(lambda found: f"{found.group(1)}:{mark(found.group(2))}@", text)
