"""Every code that a finding can have has an action, and stands in the pages that explain codes."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from islandmode.core.judging.run import OTHER_STOP, STOPS
from islandmode.core.what_to_do import OTHER, URGENT, WHAT_TO_DO, is_urgent, what_to_do
from tests.core.given import PROJECT

CORE = PROJECT / "src" / "islandmode" / "core"
MAKERS = {"PreflightFinding", "Finding", "finding_of", "_finding", "_refusal", "_advice"}
CODE = re.compile(r"[a-z]+(?:-[a-z0-9]+)*")
OF_REFUSALS = {
    "worker-not-started",
    "not-ready",
    "not-armed",
    "nobody-there",
    "no-go",
    "vetoed",
    "changed-since-preflight",
    "stopped-early",
    "refused",
}
"""Codes that `core/refusal.py` gives where no finding refused."""


def made_in(path: Path) -> Iterator[str]:
    """Yield the codes of the findings that a file makes."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.func.id not in MAKERS:
            continue
        given = [one.value for one in node.keywords if one.arg == "code"] or node.args[:2]
        said = [one.value for one in given if isinstance(one, ast.Constant)]
        yield from (one for one in said if isinstance(one, str) and CODE.fullmatch(one))


def made() -> set[str]:
    files = [*CORE.glob("judging/*.py"), *CORE.glob("preflight*.py")]
    return {code for path in files for code in made_in(path)} | {code for _, code in (*STOPS.values(), OTHER_STOP)}


def explained(page: str) -> set[str]:
    """Give the codes in the first column of a page's tables."""
    lines = (PROJECT / "docs" / page).read_text(encoding="utf-8").splitlines()
    firsts = [line.split("|")[1] for line in lines if line.startswith("| `")]
    return {code for first in firsts for code in re.findall(r"`([a-z0-9-]+)`", first)}


def test_every_finding_has_an_action_and_every_action_a_finding() -> None:
    assert len(made()) > 60
    assert made() | OF_REFUSALS == set(WHAT_TO_DO)


def test_every_code_is_explained_in_the_pages() -> None:
    assert made() - explained("verdict.md") - explained("preflight.md") == set()


def test_an_action_is_whole_sentences_and_names_its_run() -> None:
    assert [action for action in WHAT_TO_DO.values() if not action[0].isupper() or action[-1] != "."] == []
    assert "`islandmode restore 2026-01-a`" in what_to_do("stranded", "2026-01-a")
    assert what_to_do("of-a-later-version") == OTHER


def test_what_may_mean_that_the_plant_is_not_back_is_to_be_done_now() -> None:
    assert {code for code, action in WHAT_TO_DO.items() if action.startswith("NOW: ")} == set(URGENT)
    assert is_urgent("stranded")
    assert not is_urgent("leak")
