"""What the pages give as examples of the operators' files is read as it stands there."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from islandmode.core.errors import InputError
from islandmode.store.catalog import load_sites
from islandmode.store.people import folder_of, people_read

DOCS = Path(__file__).parents[2] / "docs"


def blocks(page: str, key: str) -> list[str]:
    found = re.findall(r"```yaml\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL)
    return [block for block in found if re.search(rf"^{key}:", block, re.MULTILINE)]


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    shutil.copytree(DOCS / "minimal", tmp_path / "north")
    return tmp_path / "north"


@pytest.mark.parametrize("block", blocks("ledger.md", "ledger_receiver"))
def test_a_receiver_of_the_page_is_read(workspace: Path, block: str) -> None:
    site = workspace / "inventory" / "north.yaml"
    site.write_text(f"{site.read_text(encoding='utf-8')}\n{block}", encoding="utf-8")
    receiver = load_sites(workspace)["north"].ledger_receiver
    assert receiver is not None


def test_the_policy_of_the_page_is_read(workspace: Path) -> None:
    (block,) = blocks("approvals.md", "base")
    (folder_of(workspace) / "policy.yaml").write_text(block, encoding="utf-8")
    assert people_read(workspace).errors == ()


def test_bounds_and_parts_of_a_receiver_are_told_as_they_are_written(workspace: Path) -> None:
    site = workspace / "inventory" / "north.yaml"
    wrong = "ledger_receiver: {mail: {address: 10.30.0.25, from: a@b.example, to: [c@d.example]}, within: 61 s}"
    whole = site.read_text(encoding="utf-8")
    site.write_text(f"{whole}\n{wrong}\n", encoding="utf-8")
    with pytest.raises(InputError, match=r'"within" must be at most 1 min; found "61 s"\.'):
        load_sites(workspace)["north"]
    site.write_text(f"{whole}\nledger_receiver: {{within: 6 s}}\n", encoding="utf-8")
    with pytest.raises(InputError, match=r'"ledger_receiver" must be either ssh or mail\.$'):
        load_sites(workspace)["north"]
