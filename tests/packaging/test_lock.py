from __future__ import annotations

import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.packaging.installed import PROJECT


def pinned(lock: str = "requirements.lock") -> dict[str, Version]:
    """Read name and version of every package of a lock."""
    text = (PROJECT / lock).read_text(encoding="utf-8")
    found = re.findall(r"^([a-z0-9][\w.-]*)==([\w.]+)", text, flags=re.MULTILINE)
    return {canonicalize_name(name): Version(version) for name, version in found}


def wanted() -> list[str]:
    document = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    return [*document["project"]["dependencies"], *document["dependency-groups"]["dev"]]


@pytest.mark.parametrize("text", wanted())
def test_the_lock_holds_what_the_project_asks_for(text: str) -> None:
    requirement = Requirement(text)
    assert pinned()[canonicalize_name(requirement.name)] in requirement.specifier


def test_the_labs_image_has_what_the_program_needs_and_nothing_else_in_the_same_versions() -> None:
    document = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    image, here = pinned("lab/requirements.lock"), pinned()
    assert {canonicalize_name(Requirement(text).name) for text in document["project"]["dependencies"]} <= image.keys()
    assert image.items() <= here.items()
    assert not {"pytest", "mypy", "uv"} & image.keys()
