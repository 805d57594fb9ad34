"""The people of a workspace, `inventory/people/`: read strictly, and every complaint placed in the file that caused it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from islandmode.core.errors import InputError, Place
from islandmode.core.people import People, PeopleFile, people_problems, signer_problems, unsigned_principals
from islandmode.core.policy import Policy, PolicyFile, loosened
from islandmode.core.signers import BadLine, Signer, read_revoked, read_signers
from islandmode.core.text import how_many
from islandmode.store import folders
from islandmode.store.catalog import all_of, each_of, validate
from islandmode.store.yaml_tree import SIZE_MAX_BYTES, YamlTree, read_yaml
from islandmode.system.machine_state import read_plain

PEOPLE, POLICY, SIGNERS, REVOKED = "people.yaml", "policy.yaml", "allowed_signers", "revoked_keys"
FILES = (PEOPLE, POLICY, SIGNERS, REVOKED)
DESCRIBED = "docs/approvals.md"
M = TypeVar("M", bound=BaseModel)
K = TypeVar("K")


@dataclass(frozen=True)
class PeopleRead:
    """What was read of a workspace's people: the value where all of it is good, and everything that is wrong."""

    people: People | None = None
    errors: tuple[InputError, ...] = ()

    @property
    def told(self) -> dict[str, str]:
        """Say of each file what was found in it; nothing where anything is wrong, because they stand or fall together."""
        people = self.people
        if people is None:
            return {}
        policy = people.policy
        return {
            shown(PEOPLE): how_many(len(people.persons), "person"),
            shown(SIGNERS): how_many(len(people.signers), "line"),
            shown(REVOKED): how_many(len(people.revoked), "revoked key"),
            shown(
                POLICY
            ): f"Base {policy.base}, {how_many(len(policy.live.signed_by), 'signing role')}, people digest {people.digest}",
        }


def folder_of(workspace: Path) -> Path:
    """Give the folder of a workspace's people."""
    return workspace / folders.PEOPLE


def shown(name: str) -> str:
    """Name a file of the people as an operator would."""
    return f"{folders.PEOPLE}/{name}"


def has_people(workspace: Path) -> bool:
    """Tell whether a workspace says who its people are."""
    return folder_of(workspace).is_dir()


def load_people(workspace: Path) -> People:
    """Read the people of a workspace; raises `InputError` with everything that is wrong."""
    read = people_read(workspace)
    if read.people is not None:
        return read.people
    if read.errors:
        raise all_of(read.errors)
    raise InputError(
        f"There is no {folders.PEOPLE}, which says who may sign and approve; {DESCRIBED} says how to begin it."
    )


def people_read(workspace: Path) -> PeopleRead:
    """Read the people of a workspace, if it has any, and say everything that is wrong; nothing of it is taken where anything is."""
    if not has_people(workspace):
        return PeopleRead()
    errors: list[InputError] = []
    people = _model(workspace, PEOPLE, PeopleFile, errors)
    policy = _policy(workspace, errors)
    signers = _lines(workspace, SIGNERS, read_signers, errors)
    revoked = _lines(workspace, REVOKED, read_revoked, errors)
    if people is not None:
        tree, file = people
        problems = [*people_problems(file.people, policy)]
        problems += unsigned_principals(file.people, signers) if signers is not None else []
        errors += [InputError(sentence, tree.place(path)) for path, sentence in problems]
        errors += _signer_errors(file, signers or ())
    if errors or people is None or policy is None or signers is None or revoked is None:
        return PeopleRead(None, tuple(errors))
    return PeopleRead(People(people[1].people, signers, revoked, policy))


def _signer_errors(file: PeopleFile, signers: tuple[Signer, ...]) -> Iterator[InputError]:
    for signer, sentence in signer_problems(file.people, signers):
        yield InputError(sentence, Place(shown(SIGNERS), signer.line, 1))


def _policy(workspace: Path, errors: list[InputError]) -> Policy | None:
    read = _model(workspace, POLICY, PolicyFile, errors)
    if read is None:
        return None
    tree, file = read
    problems = [InputError(sentence, tree.place(path)) for path, sentence in loosened(file)]
    errors += problems
    return None if problems else file.whole()


def _model(workspace: Path, name: str, model: type[M], errors: list[InputError]) -> tuple[YamlTree, M] | None:
    try:
        tree = read_yaml(folder_of(workspace) / name, shown(name))
        return tree, validate(model, tree)
    except InputError as error:
        errors += each_of(error)
        return None


def _lines(
    workspace: Path,
    name: str,
    read: Callable[[str], tuple[tuple[K, ...], tuple[BadLine, ...]]],
    errors: list[InputError],
) -> tuple[K, ...] | None:
    try:
        good, bad = read(_text(workspace, name))
    except InputError as error:
        errors.append(error)
        return None
    errors += [InputError(line.sentence, Place(shown(name), line.line, line.column)) for line in bad]
    return None if bad else good


def _text(workspace: Path, name: str) -> str:
    place = Place(shown(name))
    try:
        data = read_plain(folder_of(workspace) / name, SIZE_MAX_BYTES + 1)
    except FileNotFoundError:
        empty = "; without any revoked key it is an empty file" if name == REVOKED else ""
        raise InputError(f"There is no such file, and signatures are checked by it{empty}.", place) from None
    except OSError as error:
        raise InputError(f"The file cannot be read ({error.strerror}).", place) from None
    if len(data) > SIZE_MAX_BYTES:
        raise InputError(f"The file has more than {SIZE_MAX_BYTES} bytes, and no more are read.", place)
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InputError("This is UTF-16 text; save the file as UTF-8.", place)
    if data.startswith(b"\xef\xbb\xbf"):
        raise InputError(
            "The file begins with a byte order mark, which ssh-keygen does not read; save it as UTF-8 without one.",
            place,
        )
    if b"\r" in data:
        raise InputError("The lines end as on Windows (CRLF); save the file with the line ends of Unix (LF).", place)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise InputError("This is no text; write one public key a line, as its .pub file has it.", place) from None
