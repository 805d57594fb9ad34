"""What a journal says of the go at T-0: that it was asked for, each answer, and what was read again before arming. Pure.

Of a code only its hash is written down, and only where an approval has it.
"""

from __future__ import annotations

from islandmode.core.entry import Entry, Text


class GoAsked(Entry):
    """The go was asked for: what a key has to sign, from when until when it may be said, and for how long an answer is waited for."""

    record_kind = "go.asked"
    plan_digest: str
    nonce: str
    begins: str
    latest: str
    until: str


class GoAnswered(Entry):
    """What a person answered, by the account that typed it, and what that came to; `wrong` counts the wrong codes of this window."""

    record_kind = "go.answered"
    file: Text
    answer: str
    outcome: str
    why: Text
    person: Text
    author: Text
    approval: str
    code_sha256: str
    shift_ends: str
    wrong: int


class GoEnded(Entry):
    """The waiting ended without a go that holds: `result` is *skipped: no go* or *vetoed*. Nothing was armed."""

    record_kind = "go.ended"
    result: str
    why: Text


class GoReread(Entry):
    """A device was read again after the go, right before arming: which parts of its configuration changed since preflight, and whether that ended the run."""

    record_kind = "go.reread"
    point: str
    outcome: str
    parts: tuple[str, ...]
    changed: tuple[Text, ...]
    ends: bool


class SessionsListed(Entry):
    """What a point lists of sessions across what is about to be isolated; `listed` is false where it does not list them, and `why` says why."""

    record_kind = "sessions.listed"
    point: str
    listed: bool
    why: Text
    count: int
    sessions: tuple[Text, ...]


GO_KINDS = (SessionsListed, GoAsked, GoAnswered, GoEnded, GoReread)
