"""The people of a site: who they are, in which roles, and with which keys they sign. Values and checks, pure.

`inventory/people/people.yaml` names persons; `allowed_signers` and `revoked_keys` beside it are files of OpenSSH, read strictly by
`signers.py`. A key belongs to a principal, and a principal to a person: who signed is always asked by person.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from pydantic import BeforeValidator, Field

from islandmode.core.frozen import Frozen
from islandmode.core.planning.digest import sha256_of
from islandmode.core.policy import Policy, Roles
from islandmode.core.quantities import Name, Words, as_tuple
from islandmode.core.signers import PRINCIPAL_PATTERN, PublicKey, Signer

PrincipalName = Annotated[str, Field(pattern=PRINCIPAL_PATTERN)]
Principals = Annotated[tuple[PrincipalName, ...], BeforeValidator(as_tuple), Field(min_length=1)]


class Person(Frozen):
    """A person who takes part in live drills of a site."""

    name: Words = Field(description="The person's name, as it is printed.", examples=["Shift lead, line 3"])
    position: Words = Field(description="The person's position.", examples=["Shift lead"])
    organisation: Words = Field(description="Where the person is employed.", examples=["Riverside (sample plant)"])
    roles: Roles = Field(
        description="The person's roles, as the policy names them; who signs in two of them counts once.",
        examples=[["plant-operations"]],
    )
    principals: Principals = Field(
        description="The names of the person's keys in allowed_signers.", examples=[["shift-lead@riverside"]]
    )

    @property
    def told(self) -> str:
        """Name the person with position and organisation."""
        return f"{self.name} ({self.position}, {self.organisation})"


class PeopleFile(Frozen):
    """The persons of a site."""

    people: dict[Name, Person] = Field(description="The persons, each under a name of its own.", min_length=1)


PeopleProblem = tuple[tuple[str | int, ...], str]
"""Where in people.yaml something is wrong, and a sentence about it."""


@dataclass(frozen=True)
class People:
    """All that says who may sign what: persons, their keys, those of them that are revoked, and the site's policy."""

    persons: Mapping[str, Person]
    signers: tuple[Signer, ...]
    revoked: tuple[PublicKey, ...]
    policy: Policy

    @property
    def digest(self) -> str:
        """Digest all of it by its meaning: comments, and the order of the lines, say nothing."""
        return sha256_of(
            {
                "format": 1,
                "people": dict(self.persons),
                "signers": sorted(signer.canonical for signer in self.signers),
                "revoked": sorted(key.told for key in self.revoked),
                "policy": self.policy,
            }
        )

    def owner_of(self, principal: str) -> str:
        """Name the person who has a principal; empty where nobody has."""
        owners = (name for name, person in self.persons.items() if principal in person.principals)
        return next(owners, "")

    def signers_with(self, key: PublicKey) -> tuple[Signer, ...]:
        """Give the lines of allowed_signers that have a key."""
        return tuple(signer for signer in self.signers if signer.key == key)

    def signer_for(self, key: PublicKey, namespace: str, at: datetime) -> Signer | None:
        """Find the line by which a key may sign something at a moment."""
        lines = self.signers_with(key)
        return next((line for line in lines if namespace in line.namespaces and line.is_valid(at)), None)

    def in_role(self, role: str) -> tuple[str, ...]:
        """Name the persons who have a role."""
        return tuple(name for name, person in self.persons.items() if role in person.roles)

    def told(self, person: str) -> str:
        """Name a person with position and organisation; a person who is not known, by the name that was given."""
        found = self.persons.get(person)
        return found.told if found is not None else person


def people_problems(persons: Mapping[str, Person], policy: Policy | None) -> Iterator[PeopleProblem]:
    """Say what is wrong among the persons: one person under two names, a principal under two persons, a role that nobody has."""
    names: dict[str, str] = {}
    principals: dict[str, str] = {}
    for key, person in persons.items():
        first = names.setdefault(_same(person.name), key)
        if first != key:
            yield (
                ("people", key, "name"),
                f"{person.name} is already {first}; a person stands here once, with all roles and keys.",
            )
        for number, principal in enumerate(person.principals):
            owner = principals.setdefault(principal.casefold(), key)
            if owner != key:
                path = ("people", key, "principals", number)
                yield path, f"Principal {principal} already belongs to {owner}; a key signs for one person."
    if policy is None:
        return
    for role in dict.fromkeys((*policy.live.signed_by, *policy.go)):
        if not any(role in person.roles for person in persons.values()):
            yield ("people",), f"Nobody here has role {role}, which the policy asks for; give it to a person."


def _same(name: str) -> str:
    return " ".join(name.split()).casefold()


def signer_problems(persons: Mapping[str, Person], signers: tuple[Signer, ...]) -> Iterator[tuple[Signer, str]]:
    """Say of lines of allowed_signers what does not fit the persons: a principal that nobody owns, a key under two of them."""
    owners = {principal: key for key, person in persons.items() for principal in person.principals}
    first: dict[PublicKey, Signer] = {}
    for signer in signers:
        owner = owners.get(signer.principal)
        if owner is None:
            yield (
                signer,
                f"Principal {signer.principal} belongs to nobody; give it to a person in people.yaml, or take the line out.",
            )
            continue
        before = first.setdefault(signer.key, signer)
        if owners.get(before.principal) != owner:
            yield (
                signer,
                f"This key is already {before.principal}'s, in line {before.line}; a key signs for one person.",
            )


def expired(persons: Mapping[str, Person], signers: Iterable[Signer], now: datetime) -> tuple[str, ...]:
    """Name the persons all of whose keys have expired."""
    lines = tuple(signers)
    found = []
    for name, person in persons.items():
        ends = [line.valid_before for line in lines if line.principal in person.principals]
        if ends and max(ends) <= now:
            found.append(name)
    return tuple(found)


def unsigned_principals(persons: Mapping[str, Person], signers: tuple[Signer, ...]) -> Iterator[PeopleProblem]:
    """Say which principals of persons have no key."""
    known = {signer.principal for signer in signers}
    for key, person in persons.items():
        for number, principal in enumerate(person.principals):
            if principal not in known:
                path = ("people", key, "principals", number)
                yield path, f"Principal {principal} has no line in allowed_signers; add its key there."
