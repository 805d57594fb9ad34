"""A workspace with people in which windows are asked for and approved, at a moment that a test sets."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from islandmode.core.approval import Approval, Document, Kept, WindowRequest, document_bytes, namespace_of
from islandmode.core.approving import Standing
from islandmode.core.plan import Plan
from islandmode.operate import signing
from islandmode.operate.approving import refused_by_approvals, standing
from islandmode.operate.plan import plan_of
from islandmode.operate.signing import Order
from islandmode.store.approvals import keep
from islandmode.system.ssh_signature import sign
from tests.signing import Keys, make_people

PROJECT = Path(__file__).parents[2]
DRILL = "quarterly-isolation"
ASKED, BEGIN, WITHIN, END = (
    datetime(2027, 1, 4, 9, 0, tzinfo=UTC),
    "2027-01-09T06:00:00Z",
    datetime(2027, 1, 9, 7, 30, tzinfo=UTC),
    "2027-01-09T10:00:00Z",
)


@dataclass(frozen=True)
class At:
    """A clock that stands at a moment."""

    now: datetime
    boot_id: str = ""

    def monotonic_us(self) -> int:
        """Give nothing: it stands."""
        return 0

    def utc_us(self) -> int:
        """Give the moment."""
        return round(self.now.timestamp() * 1_000_000)

    async def sleep(self, seconds: float) -> None:
        """Refuse to wait."""
        raise AssertionError(seconds)


@dataclass(frozen=True)
class Plant:
    """The workspace, its keys, and what people do in it."""

    workspace: Path
    keys: Keys
    asked: datetime = ASKED

    def order(self, person: str, comment: str = "") -> Order:
        """Let a person sign."""
        return Order(self.workspace, self.keys.of(person), comment, At(self.asked))

    def request(self, person: str = "engineer", begin: str = BEGIN, end: str = END) -> WindowRequest:
        """Ask for a window."""
        return signing.ask_window(self.order(person), DRILL, begin, end)[0]

    def approve(self, person: str, role: str | None = None, named: str = DRILL, by: str = "") -> Approval:
        """Approve the window that was asked for."""
        review = signing.review(self.workspace, named, At(self.asked))
        order = self.order(by or person)
        return signing.approve(order, review, person, signing.role_of(review, person, role))[0]

    def plan(self) -> Plan:
        """Plan the drill as it is now."""
        folders = ("drills", "inventory", "probes")
        texts = (path.read_bytes() for folder in folders for path in sorted((self.workspace / folder).glob("*.yaml")))
        return _plan(hashlib.sha256(b"".join(texts)).digest(), self.workspace)

    def standing(self, now: datetime = WITHIN) -> Standing:
        """Judge the documents."""
        return standing(self.workspace, self.plan(), now)[0]

    def against(self, now: datetime = WITHIN, *, ahead: bool = False) -> list[str]:
        """Say what speaks against a live run."""
        return list(refused_by_approvals(self.workspace, self.plan(), now, ahead=ahead))

    def why(self, document: Document, now: datetime = WITHIN) -> str:
        """Say why a document does not count."""
        stands = self.standing(now)
        (found,) = (each for each in (*stands.requests, *stands.approvals) if _id(each.kept) == document.id)
        return found.why

    def forge(self, document: Document, person: str, namespace: str = "") -> None:
        """Keep a document that a person signed past what the program would let them sign."""
        signature = sign(document_bytes(document), self.keys.of(person), namespace or namespace_of(document))
        keep(self.workspace, document, signature)

    def file(self, document: Document, ending: str = ".json") -> Path:
        """Give the file of a document, or that of its signature."""
        return self.workspace / "approvals" / f"{document.id}{ending}"

    def edit(self, name: str, old: str, new: str) -> None:
        """Change one of the operators' files."""
        path = self.workspace / name
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")


_PLANS: dict[bytes, Plan] = {}


def _plan(texts: bytes, workspace: Path) -> Plan:
    """Plan the same files once: tests ask often."""
    if texts not in _PLANS:
        _PLANS[texts] = plan_of(workspace, DRILL)[1]
    return _PLANS[texts]


def _id(kept: Kept) -> str:
    return "" if kept.document is None else kept.document.id


def make_plant(root: Path, policy: str = "base: two-people\n") -> Plant:
    """Make the workspace of the sample plant, with people."""
    workspace, keys = root / "plant", Keys(root / "keys")
    for folder in ("drills", "inventory", "probes"):
        shutil.copytree(PROJECT / folder, workspace / folder)
    make_people(workspace, keys, policy)
    return Plant(workspace, keys)


def copy_of(plant: Plant, root: Path) -> Plant:
    """Copy a workspace that was made; its keys stay where they are."""
    shutil.copytree(plant.workspace, root / "plant")
    return replace(plant, workspace=root / "plant")


def approve_now(workspace: Path, keys: Keys, drill: str = DRILL) -> None:
    """Give a workspace people, and have them approve a drill as it is now, for the next hours."""
    make_people(workspace, keys)
    now = datetime.now(UTC)
    plant = Plant(workspace, keys, now)
    window = (f"{moment:%Y-%m-%dT%H:%M:%SZ}" for moment in (now, now + timedelta(hours=4)))
    request, _ = signing.ask_window(plant.order("engineer"), drill, *window)
    for person in ("shift-lead", "security-lead"):
        plant.approve(person, named=request.id)
