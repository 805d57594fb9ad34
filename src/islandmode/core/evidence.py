"""What a bundle says of the people behind a run: who asked, who approved, and how an outsider checks that with sha256sum and ssh-keygen. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from islandmode.core.judging.timeline import of_kind
from islandmode.core.record import Record
from islandmode.core.text import cleaned

VERIFY, SCRIPT = "VERIFY.md", "verify.sh"
PEOPLE, APPROVALS = "people", "approvals"
PRINCIPALS = "principals"
"""In the folder of the people: a line for each principal, with the person who has it, as a shell can read it."""


@dataclass(frozen=True)
class Signed:
    """One document that was signed: its file, the principal of the key, and the purpose; `said` is who did what by it."""

    name: str
    principal: str
    namespace: str
    said: str


def people_of(records: Sequence[Record]) -> Iterator[tuple[str, str]]:
    """Name who requested, approved, said go and operated, for the first page of a report; nothing of a run that nobody had to approve."""
    started = next(of_kind(records, "run.started"), None)
    approved = started.data.get("approved") if started is not None else None
    if started is None or not isinstance(approved, dict):
        return
    yield "Requested by", cleaned(str(approved.get("requested_by", "")))
    yield "Approved by", "; ".join(cleaned(str(each)) for each in approved.get("approved_by", ()))
    for answer in of_kind(records, "go.answered", outcome="go"):
        by = "by a code of the go sheet" if answer.data.get("code_sha256") else "by a key"
        yield (
            "Go by",
            f"{cleaned(str(answer.data.get('person'))) or 'the plant floor'}, {by}, typed by account {cleaned(str(answer.data.get('author')))}",
        )
    yield "Operated by", cleaned(str(started.data.get("operator", "")))


def verify_page(run: str, signed: Sequence[Signed], at: datetime) -> str:
    """Write the page that says how an outsider checks a bundle; its commands are typed in the folder of the run."""
    moment = f"{at:%Y%m%d%H%M%SZ}"
    lines = [
        f"# How to check {run}",
        "",
        "Everything here is checked with `sha256sum` and `ssh-keygen`, in the folder of the run. The files in `people/` are those of the site when the run began:",
        "take `allowed_signers`, `revoked_keys` and `people.yaml` from the plant manager and compare them, since who has the operations host could replace these.",
        "`people/principals` says the same of keys and persons as `people.yaml`, a line each.",
        "",
        "## All at once",
        "",
        "The first word is the folder with the people files, the second the ledger of the workspace. It prints who signed what, names what does not fit, and ends with 1 if there is anything.",
        "",
        "```",
        f"sh {SCRIPT} {PEOPLE} ../ledger.jsonl",
        "```",
        "",
        "## By hand",
        "",
        "Every file is as it was when the run was sealed; the ledger's line about its end has the sum of `SHA256SUMS` itself:",
        "",
        "```",
        "sha256sum -c --quiet SHA256SUMS",
        "```",
        "",
    ]
    for each in signed:
        lines += [
            f"{each.said}:",
            "",
            "```",
            f"ssh-keygen -Y verify -f {PEOPLE}/allowed_signers -r {PEOPLE}/revoked_keys -I {each.principal} -n {each.namespace} \\",
            f"    -s {APPROVALS}/{each.name}.sig -Overify-time={moment} < {APPROVALS}/{each.name}",
            "```",
            "",
        ]
    lines += [
        "`-Overify-time` is the moment at which the run began, in UTC. `-vvv` prints the flags of a FIDO key: touch (0x01) and PIN (0x04) must both be there.",
        "",
        "## What this does not show",
        "",
        "Who had root on the operations host from the start could lie in everything that this host saw. Lines of the ledger behind the last approval, notice or print could be cut off with their runs.",
        "Two people who agree to deceive are two people. A key without hardware can be copied.",
    ]
    return "\n".join(lines) + "\n"
