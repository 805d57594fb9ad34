"""The ledger of a workspace: numbered, chained lines over all its runs, one before a run arms and one when it has ended. Pure.

A line is a JSON object and a newline; its `prev` is the SHA-256 of the line before it, newline included. So a line that was changed,
taken out or put in shows. The end of the file is held by checkpoints, which stand on every card and report. A checkpoint has the form of
C2SP's tlog-checkpoint (https://c2sp.org/tlog-checkpoint) with the root of RFC 6962, section 2.1, over the lines. Its extension line is
the SHA-256 of the lines as they stand in the file: `head -n SIZE ledger.jsonl | sha256sum` is all that it takes to check it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from islandmode.core.chain import GENESIS, digest
from islandmode.core.text import cleaned, how_many

OPENED, BEGUN, ENDED, ADDED = "opened", "begun", "ended", "added"
LIVE = "live"
REFUSED, WITHOUT_RESULT = "refused", "without result"
NOT_ARMED = "not armed"
"""How a run ended that died between its line and its first dead-man; a person closed it (operate/closing.py)."""
KEPT_CLOSED = "kept closed"
"""The restoration of a run after which somebody keeps a conduit closed, as `core.verdict.Restoration` has it."""
ORIGIN = "islandmode/ledger/"
_NOTE = re.compile(
    rf"(?m:^){ORIGIN}(?P<ledger>[0-9a-f]{{16}})\n(?P<size>[1-9][0-9]{{0,8}})\n(?P<root>[A-Za-z0-9+/]{{43}}=)\nsha256 (?P<sha256>[0-9a-f]{{64}})\n"
)
_TOLD = re.compile(
    r"ledger (?P<ledger>[0-9a-f]{16}), (?P<size>[1-9][0-9]{0,8}) lines?, sha256 (?P<sha256>[0-9a-f]{64})"
)


@dataclass(frozen=True)
class Line:
    """A line of a ledger; `data` is what its kind says. Times are in UTC."""

    number: int
    kind: str
    utc: str
    data: Mapping[str, Any]

    def text(self, key: str) -> str:
        """Give a text of the line, fit to be shown; empty where it has none."""
        value = self.data.get(key, "")
        return cleaned(value) if isinstance(value, str) else ""


@dataclass(frozen=True)
class Ledger:
    """A ledger as it was read: the lines up to the first that is wrong, and what is wrong with that; empty where none is."""

    lines: tuple[Line, ...] = ()
    kept: tuple[bytes, ...] = ()
    """The bytes of those lines, newlines included."""
    why: str = ""
    torn: bool = False
    """Behind the last newline stands a line that was never whole: nothing was armed on it."""

    @property
    def name(self) -> str:
        """Give the name that the ledger was given when it was opened; empty without a line."""
        return self.lines[0].text("ledger") if self.lines else ""


@dataclass(frozen=True)
class Checkpoint:
    """A ledger when it had so many lines. `root` is in Base64, and empty where only the words of `told` are known."""

    ledger: str
    size: int
    root: str
    sha256: str

    def note(self) -> str:
        """Write it in C2SP's form, which a signature can follow."""
        return f"{ORIGIN}{self.ledger}\n{self.size}\n{self.root}\nsha256 {self.sha256}\n"

    def told(self) -> str:
        """Say it in a line that a person can copy, and an outsider can check."""
        return f"ledger {self.ledger}, {how_many(self.size, 'line')}, sha256 {self.sha256}"


@dataclass(frozen=True)
class AddendumLine:
    """An addendum to a run, as the ledger has it: its number, how the run is judged with it, and the SHA-256 of its own SHA256SUMS."""

    number: int
    line: int
    result: str
    sums: str
    restoration: str = ""
    closes: bool = False
    """Whether it is a person's word that the service is back."""


@dataclass(frozen=True)
class Attempt:
    """A run that was about to arm, as the ledger has it; `result` is `WITHOUT_RESULT` where no line says how it ended."""

    run: str
    line: int
    mode: str
    utc: str
    drill_digest: str
    result: str
    restoration: str
    sums: str
    """The SHA-256 of the run's SHA256SUMS when it had ended; empty where that is not known."""
    addenda: tuple[AddendumLine, ...] = ()
    """What was added to it since, in order."""
    broke_glass: bool = False
    """Whether it was run live without approvals and a go."""
    site: str = ""
    drill: str = ""

    @property
    def is_open(self) -> bool:
        """Tell whether it was live, isolated something, and nobody has confirmed that the service is back."""
        closed = any(added.closes for added in self.addenda)
        return self.mode == LIVE and self.result not in (REFUSED, NOT_ARMED) and not closed

    @property
    def restoration_now(self) -> str:
        """Give the last word of the ledger on its restoration."""
        return self.addenda[-1].restoration if self.addenda else self.restoration


def read_ledger(data: bytes) -> Ledger:
    """Read a ledger's bytes; never raises."""
    *whole, torn = data.split(b"\n")
    lines: list[Line] = []
    kept: list[bytes] = []
    for body in whole:
        line = _line(body)
        why = _wrong(line, len(lines) + 1, digest(kept[-1]) if kept else GENESIS)
        if line is None or why:
            return Ledger(tuple(lines), tuple(kept), f"line {len(lines) + 1} {why}")
        lines.append(line)
        kept.append(body + b"\n")
    return Ledger(tuple(lines), tuple(kept), torn=bool(torn))


def _line(body: bytes) -> Line | None:
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict):
        return None
    number, kind, utc = said.get("line"), said.get("kind"), said.get("utc")
    if type(number) is not int or not isinstance(kind, str) or not isinstance(utc, str):
        return None
    return Line(number, cleaned(kind), cleaned(utc), said)


def _wrong(line: Line | None, number: int, previous: str) -> str:
    """Say what is wrong with the line that has a place in a ledger; empty where nothing is."""
    if line is None:
        return "cannot be read"
    if line.number != number:
        return f"has number {line.number}: a line was taken out, put in or moved"
    if line.data.get("prev") != previous:
        return "does not follow from the line before it: one of the two was changed"
    if (line.kind == OPENED) != (number == 1):
        return "opens a ledger" if number != 1 else "does not open a ledger"
    return ""


def next_line(ledger: Ledger, kind: str, utc: str, data: Mapping[str, Any]) -> bytes:
    """Write the line that comes next in a ledger of which nothing is wrong."""
    previous = digest(ledger.kept[-1]) if ledger.kept else GENESIS
    said = {"line": len(ledger.lines) + 1, "kind": kind, "utc": utc, **data, "prev": previous}
    return json.dumps(said, separators=(",", ":")).encode("ascii") + b"\n"


def with_line(ledger: Ledger, line: bytes) -> Ledger:
    """Give a ledger with a line that `next_line` wrote for it."""
    read = _line(line.rstrip(b"\n"))
    return ledger if read is None else Ledger((*ledger.lines, read), (*ledger.kept, line))


def checkpoint_of(ledger: Ledger, size: int | None = None) -> Checkpoint | None:
    """Give the checkpoint of a ledger, or of its first lines; None where it has not so many, or none at all."""
    kept = ledger.kept if size is None else ledger.kept[:size]
    if not kept or (size is not None and len(kept) < size):
        return None
    root = base64.b64encode(_root(kept)).decode("ascii")
    return Checkpoint(ledger.name, len(kept), root, hashlib.sha256(b"".join(kept)).hexdigest())


def _root(leaves: Sequence[bytes]) -> bytes:
    """Give the Merkle tree hash of RFC 6962, section 2.1, of at least one leaf."""
    if len(leaves) == 1:
        return hashlib.sha256(b"\0" + leaves[0]).digest()
    left = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\1" + _root(leaves[:left]) + _root(leaves[left:])).digest()


def read_checkpoint(text: str) -> Checkpoint | None:
    """Find a checkpoint in a text, in C2SP's form or as a card or report says it; None for a text without any."""
    found = _NOTE.search(text) or _TOLD.search(" ".join(text.split()))
    if found is None:
        return None
    said = found.groupdict()
    return Checkpoint(said["ledger"], int(said["size"]), said.get("root", ""), said["sha256"])


def unlike_checkpoint(ledger: Ledger, checkpoint: Checkpoint) -> str:
    """Say what speaks against a ledger being the one of which a checkpoint was made, or a later state of it; empty where nothing does."""
    if ledger.name != checkpoint.ledger:
        return f"The checkpoint is of ledger {checkpoint.ledger}, and this is ledger {ledger.name or 'without a line'}."
    now = checkpoint_of(ledger, checkpoint.size)
    if now is None:
        return f"It has {len(ledger.lines)} lines that can be believed, and had {checkpoint.size} when the checkpoint was made."
    if now.sha256 != checkpoint.sha256 or checkpoint.root not in ("", now.root):
        return f"Its first {checkpoint.size} lines are not those of which the checkpoint was made."
    return ""


def clock_set_back(ledger: Ledger) -> tuple[int, ...]:
    """Name the lines that say an earlier time than a line before them."""
    found, latest = [], ""
    for line in ledger.lines:
        if line.utc < latest:
            found.append(line.number)
        latest = max(latest, line.utc)
    return tuple(found)


def attempts_of(ledger: Ledger, site: str = "", drill: str = "") -> tuple[Attempt, ...]:
    """List the runs of a ledger that were about to arm, in its order: all, or those of a site's drill."""
    ends: dict[int, Line] = {}
    for line in ledger.lines:
        begun = line.data.get("begun")
        if line.kind == ENDED and isinstance(begun, int):
            # The first word on how a run ended stands, whatever was put behind it.
            ends.setdefault(begun, line)
    return tuple(
        _attempt(line, ends.get(line.number), _addenda(ledger, line.number))
        for line in ledger.lines
        if line.kind == BEGUN and (not drill or (line.text("site"), line.text("drill")) == (site, drill))
    )


def attempt_of(ledger: Ledger, run: str) -> Attempt | None:
    """Give the newest attempt of a ledger by a run's name; None where it has none."""
    return next((attempt for attempt in reversed(attempts_of(ledger)) if attempt.run == run), None)


def _addenda(ledger: Ledger, begun: int) -> tuple[AddendumLine, ...]:
    """List what was added to the run of a line; of each number the first word stands."""
    found: dict[int, AddendumLine] = {}
    for line in ledger.lines:
        number = line.data.get("addendum")
        if line.kind == ADDED and line.data.get("begun") == begun and isinstance(number, int):
            found.setdefault(
                number,
                AddendumLine(
                    number,
                    line.number,
                    line.text("result"),
                    line.text("sums"),
                    line.text("restoration"),
                    line.data.get("closes") is True,
                ),
            )
    return tuple(found[number] for number in sorted(found))


def _attempt(begun: Line, ended: Line | None, addenda: tuple[AddendumLine, ...]) -> Attempt:
    return Attempt(
        run=begun.text("run"),
        line=begun.number,
        mode=begun.text("mode"),
        utc=begun.utc,
        drill_digest=begun.text("drill_digest"),
        result=WITHOUT_RESULT if ended is None else ended.text("result") or WITHOUT_RESULT,
        restoration="" if ended is None else ended.text("restoration"),
        sums="" if ended is None else ended.text("sums"),
        addenda=addenda,
        broke_glass="break_glass" in begun.data,
        site=begun.text("site"),
        drill=begun.text("drill"),
    )


def spent_in(ledger: Ledger) -> dict[str, int]:
    """Give the approvals that runs of a ledger spent, by name, each with the first line that did."""
    spent: dict[str, int] = {}
    for line in ledger.lines:
        approvals = line.data.get("approvals") if line.kind == BEGUN else None
        for approval in approvals if isinstance(approvals, list) else ():
            if isinstance(approval, dict) and isinstance(approval.get("id"), str):
                spent.setdefault(approval["id"], line.number)
    return spent


def attempts_told(attempts: Sequence[Attempt], drill_digest: str) -> str:
    """Say how attempts at a drill ended, and how many were of the drill as it is now."""
    if not attempts:
        return "none on the ledger"
    results = Counter(f"{attempt.result}{' (break glass)' if attempt.broke_glass else ''}" for attempt in attempts)
    told = ", ".join(f"{count} {result}" for result, count in results.items())
    same = sum(attempt.drill_digest == drill_digest for attempt in attempts)
    unlike = "" if same == len(attempts) else f"; {same or 'none'} of them of the drill as it is now"
    still_open = [attempt.run for attempt in attempts if attempt.is_open]
    not_closed = f"; not closed: {', '.join(still_open)}" if still_open else ""
    return f"{len(attempts)} on the ledger: {told}{unlike}{not_closed}"
