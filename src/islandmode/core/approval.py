"""What people sign for a live run: requests, approvals, revocations and notes of tabletops, each a small file of canonical JSON. Values, pure.

A file has one form only: keys sorted, no spaces, ASCII, a newline at its end. A signature over it is over those bytes, so ssh-keygen
checks it with no knowledge of Islandmode. Each kind has a namespace of its own: what was signed for one purpose never counts for another.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError

from islandmode.core.frozen import Frozen
from islandmode.core.ledger import Checkpoint
from islandmode.core.moments import moment_of, utc_text
from islandmode.core.plan import Plan
from islandmode.core.quantities import Name
from islandmode.core.sshsig import SshSignature
from islandmode.core.text import cleaned

SIZE_MAX_BYTES = 4096
WORDS_MAX = 200
GO_CODES_MAX = 8
ID_PATTERN = r"^[a-z0-9](?:[a-z0-9-]{0,98}[a-z0-9])?$"
REQUEST, APPROVAL, REVOCATION, PAPER, TABLETOP = "request", "approval", "revocation", "paper", "tabletop"
TOOK_PART_MAX = 20
NAMESPACES = {
    REQUEST: "request@islandmode",
    APPROVAL: "approval@islandmode",
    REVOCATION: "revoke@islandmode",
    PAPER: "paper@islandmode",
    TABLETOP: "tabletop@islandmode",
}
"""The purpose of a signature, by what is signed; a paper form is signed by the person who enters it."""


def _utc(text: str) -> str:
    found = moment_of(text)
    if found is None or utc_text(found) != text:
        raise ValueError("expected a time in UTC, to the second")
    return text


def _plain(text: str) -> str:
    if text != cleaned(text) or len(text) > WORDS_MAX:
        raise ValueError("expected a line of plain text")
    return text


def _day(text: str) -> str:
    if date.fromisoformat(text).isoformat() != text:
        raise ValueError("expected a day, as YYYY-MM-DD")
    return text


Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Id = Annotated[str, Field(pattern=ID_PATTERN)]
Utc = Annotated[str, AfterValidator(_utc)]
Line = Annotated[str, AfterValidator(_plain)]
Day = Annotated[str, AfterValidator(_day)]


class SeenCheckpoint(Frozen):
    """The checkpoint of the ledger that a person had before them when they signed."""

    ledger: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
    size: Annotated[int, Field(ge=1, le=999_999_999)]
    root: Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]{43}=$")]
    sha256: Sha256

    @classmethod
    def of(cls, checkpoint: Checkpoint | None) -> SeenCheckpoint | None:
        """Take over a ledger's checkpoint."""
        if checkpoint is None:
            return None
        return cls(ledger=checkpoint.ledger, size=checkpoint.size, root=checkpoint.root, sha256=checkpoint.sha256)

    @property
    def checkpoint(self) -> Checkpoint:
        """Give it as the ledger knows it."""
        return Checkpoint(self.ledger, self.size, self.root, self.sha256)


class Document(Frozen):
    """What every document says."""

    format: Literal[1] = 1
    id: Id
    person: Name
    """Who asks, approves or revokes, by the name in people.yaml."""
    made: Utc


class Bound(Document):
    """A document that is bound to a drill as it stands: any other drill, plan, recipe or people file voids it."""

    site: Name
    drill: Name
    drill_digest: Sha256
    plan_digest: Sha256
    people_digest: Sha256
    recipes: dict[Name, Sha256]
    """The digests of the recipes that wrote the plan's lines, by name."""
    not_before: Utc
    not_after: Utc
    ledger: SeenCheckpoint | None
    """None where no run was entered yet."""

    @property
    def begins(self) -> datetime:
        """Give the first moment of the window."""
        return datetime.fromisoformat(self.not_before)

    @property
    def ends(self) -> datetime:
        """Give the end of the window."""
        return datetime.fromisoformat(self.not_after)

    @property
    def window(self) -> str:
        """Say the window."""
        return f"{self.not_before} to {self.not_after}"


class WindowRequest(Bound):
    """A person asks for a window in which a drill may be run live."""

    kind: Literal["request"] = "request"
    comment: Line = ""


class Paper(Frozen):
    """A form that a person signed on paper: its photograph, and who entered it."""

    photograph: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,110}\.[a-z0-9]{1,8}$")]
    sha256: Sha256
    entered_by: Name


class Approval(Bound):
    """A person approves a request, for one run."""

    kind: Literal["approval"] = "approval"
    request: Id
    request_sha256: Sha256
    role: Name
    runs: Literal[1] = 1
    paper: Paper | None = None
    go_codes: Annotated[tuple[Sha256, ...], Field(max_length=GO_CODES_MAX)] = ()
    """The hashes of the codes on the go sheet of the person who signs; none where there is no sheet."""
    comment: Line = ""

    @property
    def told(self) -> str:
        """Name it, with the mark of what a person signed on paper only."""
        return f"{self.id} (paper)" if self.paper is not None else self.id


class Revocation(Document):
    """A person takes back another document, anybody's."""

    kind: Literal["revocation"] = "revocation"
    of: Id
    of_sha256: Sha256
    why: Line


class TabletopNote(Document):
    """A person says that a drill was talked through, when and by whom; there is no record of the exercise itself."""

    kind: Literal["tabletop"] = "tabletop"
    site: Name
    drill: Name
    drill_digest: Sha256
    held_on: Day
    """The day, as it was where the people were."""
    took_part: Annotated[tuple[Name, ...], Field(min_length=2, max_length=TOOK_PART_MAX)]
    """Who took part, by the names in people.yaml."""
    role: Name
    comment: Line = ""

    @property
    def at(self) -> datetime:
        """Give the moment from which its age counts."""
        return datetime.combine(date.fromisoformat(self.held_on), time(tzinfo=UTC))


AnyDocument = Annotated[WindowRequest | Approval | Revocation | TabletopNote, Field(discriminator="kind")]
_READER: TypeAdapter[WindowRequest | Approval | Revocation | TabletopNote] = TypeAdapter(AnyDocument)


class BadDocument(Exception):
    """Why a file is no document that is taken here, as a clause."""


def document_bytes(document: Document) -> bytes:
    """Write a document in its only form."""
    said = document.model_dump(mode="json")
    return json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode("ascii") + b"\n"


def read_document(data: bytes) -> WindowRequest | Approval | Revocation | TabletopNote:
    """Read a document; raises `BadDocument`, also for the same words in another form."""
    if len(data) > SIZE_MAX_BYTES:
        raise BadDocument(f"it has more than {SIZE_MAX_BYTES} bytes")
    try:
        document = _READER.validate_json(data, strict=True)
    except (ValidationError, ValueError):
        raise BadDocument("it is no request, approval, revocation or note of this version") from None
    if document_bytes(document) != data:
        raise BadDocument(
            "it is not in the one form that a document has (keys sorted, no spaces, a newline at its end)"
        )
    if isinstance(document, Bound) and document.ends <= document.begins:
        raise BadDocument("its window ends before it begins")
    return document


def namespace_of(document: Document) -> str:
    """Give the purpose for which a document has to be signed."""
    if isinstance(document, Approval):
        return NAMESPACES[PAPER if document.paper is not None else APPROVAL]
    if isinstance(document, TabletopNote):
        return NAMESPACES[TABLETOP]
    return NAMESPACES[REQUEST if isinstance(document, WindowRequest) else REVOCATION]


def signs(document: Document) -> str:
    """Name the person who has to sign a document: whose it is, or who entered a paper form."""
    if isinstance(document, Approval) and document.paper is not None:
        return document.paper.entered_by
    return document.person


@dataclass(frozen=True)
class Kept:
    """A document as it was found in `approvals/`; `trouble` says as a clause why it is not believed, empty where it is."""

    name: str
    """The file as an operator would name it."""
    document: WindowRequest | Approval | Revocation | TabletopNote | None
    sha256: str
    signature: SshSignature | None = None
    trouble: str = ""


@dataclass(frozen=True)
class Subject:
    """What a document has to be bound to: a drill as its site's files have it now."""

    site: str
    drill: str
    drill_digest: str
    plan_digest: str
    recipes: Mapping[str, str]
    also_signed_by: tuple[str, ...] = ()
    runs_on: bool = True
    """Whether the plant runs while it is isolated; so it is taken where the drill does not say."""

    @classmethod
    def of(cls, plan: Plan) -> Subject:
        """Take from a plan what documents are bound to."""
        recipes = {
            used.name: used.sha256 for point in plan.points.values() if (used := point.rendering.recipe) is not None
        }
        asked = plan.drill.approvals
        return cls(
            plan.drill.site,
            plan.drill.drill,
            plan.drill_digest,
            plan.plan_digest,
            dict(sorted(recipes.items())),
            asked.also_signed_by if asked is not None else (),
            getattr(plan.drill, "plant_state", "running") != "idle",
        )

    def unlike(self, document: Bound) -> str:
        """Say what of a document's digests is not this drill's, as a clause; empty where all are."""
        if document.drill_digest != self.drill_digest:
            return "it is for another drill digest: the drill, its probes or the site's zones and conduits were changed since"
        changed = [name for name, digest in document.recipes.items() if self.recipes.get(name) != digest]
        if changed or document.recipes.keys() != self.recipes.keys():
            return f"it is for other recipes: {', '.join(changed) or 'another set of them'} changed since"
        if document.plan_digest != self.plan_digest:
            return "it is for another plan digest: a device, an address, a line that would be sent, or what the site says of a flow was changed since"
        return ""
