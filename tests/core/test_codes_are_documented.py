"""Every code of a finding that this source can produce stands in a table of docs/, and no table names another."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from islandmode.core.judging.run import STOPS

ROOT = Path(__file__).resolve().parents[2]
CORE = ROOT / "src" / "islandmode" / "core"
MAKERS = {"Finding", "PreflightFinding", "finding_of", "_finding", "_refusal", "_advice"}
CODE = re.compile(r"[a-z]+(-[a-z]+)*")
TWO_WORDS = re.compile(r"[a-z]+(-[a-z]+)+")


def sources() -> tuple[Path, ...]:
    return tuple(sorted([*CORE.glob("judging/*.py"), *CORE.glob("preflight*.py")]))


def _name(call: ast.Call) -> str:
    return getattr(call.func, "id", getattr(call.func, "attr", ""))


def _texts(part: ast.expr) -> Iterator[str]:
    """Give the texts that an argument may be."""
    if isinstance(part, ast.IfExp):
        yield from (*_texts(part.body), *_texts(part.orelse))
    elif isinstance(part, ast.Constant) and isinstance(part.value, str):
        yield part.value


def codes_in(source: str) -> Iterator[str]:
    """Give every code that a text of Python makes findings with, and every other text in it of the form of a code."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and _name(node) in MAKERS:
            given = [*node.args, *(one.value for one in node.keywords if one.arg == "code")]
            yield from (text for part in given for text in _texts(part) if CODE.fullmatch(text))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and TWO_WORDS.fullmatch(node.value):
            yield node.value


def produced() -> set[str]:
    found = {code for path in sources() for code in codes_in(path.read_text(encoding="utf-8"))}
    return found | {code for _, code in STOPS.values()}


def documented(page: str) -> set[str]:
    """Give the codes in the first column of the tables of a page."""
    rows = (
        line.split("|")[1] for line in (ROOT / "docs" / page).read_text(encoding="utf-8").splitlines() if "|" in line
    )
    return {code for cell in rows for code in re.findall(r"`([a-z-]+)`", cell)}


def test_codes_are_found_in_whatever_way_a_finding_is_made() -> None:
    source = (
        "a = Finding(code='leak', sentence='well-known')\n"
        "b = _refusal('silent' if one else 'gone', f'{where} did not answer')\n"
        "c = _finding(one, 'egress-leak', two)\n"
        "CODES = {'x': 'never-made'}\n"
        "d = print('other')\n"
    )
    assert set(codes_in(source)) == {"leak", "silent", "gone", "egress-leak", "never-made", "well-known"}


def test_every_code_is_documented_and_no_other() -> None:
    assert len(sources()) >= 7
    written = documented("preflight.md") | documented("verdict.md")
    assert sorted(produced() - written) == []
    assert sorted(written - produced()) == []
