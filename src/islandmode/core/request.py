"""A request to a running drill: a small file that anybody of the operators' group may put into the run's folder.

`abort` stops the run. `confirm` says of an act by hand that the named person says it is done; `return` is a person's word that the next step
of the return to service may come; `keep-closed` is the word that a conduit is kept closed by the site's own means; `note` is words for the record; `go` answers the question for the go, by a code or by a signature.

Conductor and guardian both read it. What is wrong with a file is told apart, because a person who asked for a restore and
was not heard must learn why: not a request, half-written, of another run, too old, from a newer version, repeated.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from islandmode.core.text import cleaned

FORMAT = 1
SIZE_MAX_BYTES = 4096
UTC_US_MAX = 253_402_300_799_000_000
"""The end of the year 9999."""
TEXT_MAX = 300
FIELDS: dict[str, type] = {"kind": str, "run": str, "id": str, "author": str, "not_after_utc_us": int}
KINDS: dict[str, tuple[str, ...]] = {
    "abort": (),
    "confirm": ("point", "ask", "person"),
    "return": ("step", "person"),
    "keep-closed": ("conduit", "person"),
    "note": ("text",),
    "go": ("answer",),
}
"""What can be asked for, and what more each must say."""
MORE: dict[str, tuple[str, ...]] = {"go": ("code", "signature", "person", "why", "until", "shift_ends", "session")}
"""What more each may say."""
SIGNATURE_MAX = 3000
NOTE_MAX = 500
"""Characters of a note; a longer one is refused where it is typed."""


@dataclass(frozen=True)
class Request:
    """What a person asked of a run. `id` is new for each request; after `not_after_utc_us` it means nothing any more.

    `point`, `ask` and `person` stand in a confirmation: which ask it answers, and who says so. `step` and `person` stand in a word
    for the return to service, `conduit` and `person` in a word that it is kept closed, `text` in a note; the rest in an answer to the question for the go, each empty where it says nothing of it.
    """

    kind: str
    run: str
    id: str
    author: str
    not_after_utc_us: int
    point: str = ""
    ask: str = ""
    person: str = ""
    text: str = ""
    step: str = ""
    conduit: str = ""
    answer: str = ""
    code: str = field(default="", repr=False)
    signature: str = ""
    why: str = ""
    until: str = ""
    shift_ends: str = ""
    session: str = ""


@dataclass(frozen=True)
class NotARequest:
    """Why a file in the folder of requests asks for nothing."""

    why: str


def write_request(request: Request) -> bytes:
    """Write a request as the bytes of its file."""
    must = (*FIELDS, *KINDS[request.kind])
    more = MORE.get(request.kind, ())
    said = {name: value for name, value in vars(request).items() if name in must or (name in more and value)}
    return json.dumps({"v": FORMAT, **said}).encode() + b"\n"


def read_request(data: bytes, *, run: str, now_utc_us: int, known: frozenset[str]) -> Request | NotARequest:
    """Read a request's file; `known` are the ids that were taken already. Never raises."""
    if len(data) > SIZE_MAX_BYTES:
        return NotARequest(f"it is longer than {SIZE_MAX_BYTES} bytes")
    try:
        document: Any = json.loads(data)
    except (ValueError, RecursionError):
        return NotARequest("it is half-written" if data[:1] == b"{" else "it is not a request")
    if not isinstance(document, dict) or type(document.get("v")) is not int:
        return NotARequest("it is not a request")
    if document["v"] > FORMAT:
        return NotARequest(f"it was written by a newer version (format {document['v']}, this one reads {FORMAT})")
    if any(type(document.get(name)) is not kind for name, kind in FIELDS.items()):
        return NotARequest("it lacks a part of a request, or has one of another type")
    if abs(document["not_after_utc_us"]) > UTC_US_MAX:
        return NotARequest("the moment until which it is good is out of range")
    said = _said(document, run)
    if isinstance(said, NotARequest):
        return said
    request = Request(**said, not_after_utc_us=document["not_after_utc_us"])
    if request.not_after_utc_us < now_utc_us:
        return NotARequest(
            f"it is too old: it was good until {(now_utc_us - request.not_after_utc_us) // 1_000_000} s ago"
        )
    if request.id in known:
        return NotARequest("it is repeated")
    return request


def answers_go(data: bytes) -> bool:
    """Tell whether a whole file is an answer to the question for the go: it may say a code, which stays in no file of a run."""
    try:
        document: Any = json.loads(data)
    except (ValueError, RecursionError):
        return False
    return isinstance(document, dict) and (document.get("kind") == "go" or "code" in document)


def may_have_code(data: bytes) -> bool:
    """Tell whether a file may say a code: an answer to the question for the go, or a part of one that was never written to its end."""
    return answers_go(data) or (b'"code"' in data and not _is_json(data))


def _is_json(data: bytes) -> bool:
    try:
        json.loads(data)
    except (ValueError, RecursionError):
        return False
    return True


def _said(document: dict[str, Any], run: str) -> dict[str, str] | NotARequest:
    """Take a request's words; anybody of the group may write it, and it is told to everybody."""
    said = {name: cleaned(document[name][:TEXT_MAX]) for name, kind in FIELDS.items() if kind is str}
    if said["run"] != run:
        return NotARequest(f"it is meant for run {said['run'][:80]}")
    if said["kind"] not in KINDS:
        known = ", ".join(KINDS)
        return NotARequest(f"it asks for {said['kind'][:80]}, which this version does not know; it knows {known}")
    for more in KINDS[said["kind"]]:
        value = document.get(more)
        if not isinstance(value, str) or not value.strip():
            return NotARequest(f"it is a request to {said['kind']} and does not say its {more}")
        said[more] = cleaned(value[: NOTE_MAX if more == "text" else TEXT_MAX])
    for more in MORE.get(said["kind"], ()):
        value = document.get(more, "")
        if not isinstance(value, str):
            return NotARequest(f"it is a request to {said['kind']} and its {more} is no text")
        said[more] = cleaned(value[: SIGNATURE_MAX if more == "signature" else TEXT_MAX])
    return said
