"""What the real HMI and the third-party PLC are made from; nothing needs to be installed or built for this."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.packaging.installed import PROJECT
from tests.patience import PATIENCE_S

LAB = PROJECT / "lab"
SOURCES = LAB / "third-party"
PLAYED_BY_OTHERS = {"hmi": "hmi node-red", "plc-filler": "plc-filler libmodbus"}
EXACT = re.compile(r"\d+\.\d+\.\d+")
BASICS = ("sh", "cat", "cmp", "dirname", "rm", "mkdir", "cp", "mv")


def topology(name: str) -> dict[str, Any]:
    document: dict[str, Any] = YAML(typ="safe").load((LAB / name).read_text(encoding="utf-8"))
    return document


def lock() -> dict[str, dict[str, Any]]:
    packages: dict[str, dict[str, Any]] = json.loads((SOURCES / "package-lock.json").read_text())["packages"]
    return {name: package for name, package in packages.items() if name}


def wanted() -> dict[str, Any]:
    document: dict[str, Any] = json.loads((SOURCES / "package.json").read_text())
    return document


def test_the_two_topologies_differ_in_the_nodes_that_others_play_only() -> None:
    original, other = topology("plant.clab.yml"), topology("third-party.clab.yml")
    for node, played_by in PLAYED_BY_OTHERS.items():
        changed = other["topology"]["nodes"][node]
        assert changed.pop("image") == "islandmode-hmi:dev"
        assert changed["exec"] == [f"sh /run/plant/start.sh {played_by}"]
        changed["exec"] = [f"sh /run/plant/start.sh {node}"]
    assert other == original


def test_every_package_is_held_by_its_hash_and_no_address_is_written_down() -> None:
    packages = lock()
    assert len(packages) > 100
    # A package that came inside another package is held by the hash of that package.
    loose = [name for name, one in packages.items() if not one.get("inBundle") and not one.get("integrity")]
    assert loose == []
    weak = [name for name, one in packages.items() if not one.get("integrity", "sha512-").startswith("sha512-")]
    assert weak == []
    assert [name for name, one in packages.items() if "resolved" in one] == []


def test_versions_are_exact_and_the_lock_was_made_from_them() -> None:
    package = wanted()
    packages = lock()
    assert all(EXACT.fullmatch(version) for version in package["dependencies"].values())
    for name, version in package["dependencies"].items():
        assert packages[f"node_modules/{name}"]["version"] == version
    root = json.loads((SOURCES / "package-lock.json").read_text())["packages"][""]
    assert root["dependencies"] == package["dependencies"]


def test_what_a_package_wants_from_outside_the_registry_comes_from_inside_it() -> None:
    """The Modbus nodes depend on an archive at an address of its own; an offline machine could not install them.

    A lock that is made anew names that address again, although the override wins: write the override in its place.
    """
    packages = lock()
    asked = {(name, version) for one in packages.values() for name, version in one.get("dependencies", {}).items()}
    assert [one for one in asked if "://" in one[1] or one[1].startswith(("git", "file"))] == []
    for name, version in wanted()["overrides"].items():
        assert (name, version) in asked
        found = packages[f"node_modules/{name}"]
        assert f"npm:{found['name']}@{found['version']}" == version


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A copy of the sources, and beside it a PATH with nothing to build them with."""
    shutil.copytree(SOURCES, tmp_path / "third-party", ignore=shutil.ignore_patterns(".built"))
    (tmp_path / "bin").mkdir()
    for name in BASICS:
        (tmp_path / "bin" / name).symlink_to(shutil.which(name) or name)
    return tmp_path


def build(bare: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", bare / "third-party" / "build"],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "PATH": str(bare / "bin")},
        timeout=PATIENCE_S,
    )


def test_a_build_without_its_tools_says_in_one_sentence_what_is_missing(bare: Path) -> None:
    ended = build(bare)
    assert ended.returncode == 1
    (sentence,) = ended.stderr.splitlines()
    assert "these are missing: npm gcc libmodbus-dev" in sentence
    assert not (bare / "third-party" / ".built").exists()


def test_a_build_that_is_current_needs_no_tools_and_does_nothing(bare: Path) -> None:
    built = bare / "third-party" / ".built"
    (built / "node_modules").mkdir(parents=True)
    (built / "plc").touch()
    for name in ("package.json", "package-lock.json", "plc.c"):
        shutil.copy(bare / "third-party" / name, built)
    assert (build(bare).returncode, build(bare).stderr) == (0, "")
    (bare / "third-party" / "plc.c").write_text("another one\n", encoding="utf-8")
    assert "these are missing: gcc libmodbus-dev" in build(bare).stderr
