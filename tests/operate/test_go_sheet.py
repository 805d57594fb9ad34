"""The go sheet: its codes are on the page and nowhere else, and the approval has their hashes."""

from __future__ import annotations

import re
import stat
import subprocess
from functools import partial
from html import unescape
from pathlib import Path

import pytest

from islandmode.core.approval import Approval
from islandmode.core.digest_words import words_of
from islandmode.core.errors import InputError, Refused
from islandmode.core.go_code import code_sha256
from islandmode.operate import signing
from islandmode.operate.go_sheet import GoSheet, refuse_sheet
from islandmode.store.people import load_people
from islandmode.ui.go_sheet import render_sheet
from tests.operate.approvals_given import DRILL, PROJECT, At, Plant, copy_of, make_plant

PAGE = (PROJECT / "docs" / "approvals.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Plant:
    plant = make_plant(tmp_path_factory.mktemp("asked"), "base: two-people\npaper: [plant-operations]\n")
    plant.request()
    return plant


@pytest.fixture
def plant(asked: Plant, tmp_path: Path) -> Plant:
    return copy_of(asked, tmp_path)


def approve(plant: Plant, path: Path, person: str = "shift-lead") -> Approval:
    review = signing.review(plant.workspace, DRILL, At(plant.asked))
    role = signing.role_of(review, person, None)
    refuse_sheet(plant.workspace, path, role, review.before.people, on_paper=False)
    sheet = GoSheet(path, partial(render_sheet, review.plan, review.before.people))
    return signing.approve(plant.order(person), review, person, role, sheet=sheet)[0]


def codes_on(path: Path) -> list[str]:
    """Read the codes as a person does."""
    lists = re.findall(r'<ol class="code">(.*?)</ol>', path.read_text(encoding="utf-8"), re.DOTALL)
    return [" ".join(re.findall(r"<code>(.*?)</code>", found)) for found in lists]


def test_the_sheet_has_two_codes_and_the_approval_only_their_hashes(plant: Plant, tmp_path: Path) -> None:
    path = tmp_path / "go.html"
    approval = approve(plant, path)
    codes = codes_on(path)
    assert len(codes) == 2
    assert all(len(code.split()) == 6 for code in codes)
    assert approval.go_codes == tuple(code_sha256(approval.plan_digest, approval.id, code) for code in codes)
    assert plant.why(approval) == ""
    kept = b"".join(each.read_bytes() for each in plant.workspace.rglob("*") if each.is_file())
    assert not any(code.encode() in kept for code in codes)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_two_sheets_have_no_code_in_common(plant: Plant, tmp_path: Path) -> None:
    approve(plant, tmp_path / "one.html")
    approve(plant, tmp_path / "two.html", "plant-manager")
    assert len({*codes_on(tmp_path / "one.html"), *codes_on(tmp_path / "two.html")}) == 4


def test_the_sheet_says_what_its_reader_has_to_know(plant: Plant, tmp_path: Path) -> None:
    path = tmp_path / "go.html"
    approval = approve(plant, path)
    said = unescape(path.read_text(encoding="utf-8"))
    # Holds of 8 s and 12 s, a dead-man of 3 min, the devices' lag and 30 min before the end of the window at 10:00.
    for part in (
        DRILL,
        "2027-01-09T06:00:00Z to 2027-01-09T10:00:00Z (UTC)",
        "2027-01-09T09:26",
        f"<strong>{' '.join(words_of(approval.plan_digest, 4))}</strong>",
        "vendors: remote-access, held 8 s",
        "The shift lead of Riverside (Shift lead, Riverside (sample plant))<br>The plant manager of Riverside",
        approval.id,
        "In doubt: read out nothing.",
        "say <strong>abort</strong> at any moment",
    ):
        assert part in said, part
    assert "OT security lead" not in said


def test_an_outsider_checks_a_code_with_the_line_of_the_page(plant: Plant, tmp_path: Path) -> None:
    path = tmp_path / "go.html"
    approval = approve(plant, path)
    found = re.search(r"```\n(printf 'islandmode/go/v1.*?)```", PAGE, re.DOTALL)
    assert found is not None
    for code, digest in zip(codes_on(path), approval.go_codes, strict=True):
        line = found[1].replace("PLAN_DIGEST", approval.plan_digest).replace("APPROVAL", approval.id)
        played = ["sh", "-c", line.replace("SIX WORDS", code)]
        ended = subprocess.run(played, check=True, capture_output=True, text=True, cwd=plant.workspace)
        assert ended.stdout.split()[0] == digest
        assert digest in plant.file(approval).read_text()


def test_a_sheet_is_refused_where_others_would_read_it(plant: Plant, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a repository or workspace that others read"):
        approve(plant, plant.workspace / "approvals" / "go.html")
    (tmp_path / "other" / ".git").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "other", target_is_directory=True)
    for folder in ("other", "link"):
        with pytest.raises(InputError, match=r"a repository or workspace that others read"):
            approve(plant, tmp_path / folder / "go.html")
    (tmp_path / "there.html").write_text("mine")
    with pytest.raises(InputError, match=r"is there already; name a new file for the go sheet. Nothing was signed."):
        approve(plant, tmp_path / "there.html")
    with pytest.raises(InputError, match=r"The go sheet .* cannot be written \(No such file"):
        approve(plant, tmp_path / "nowhere" / "go.html")
    assert list(plant.workspace.glob("approvals/approval-*")) == []


def test_a_role_that_says_no_go_and_a_paper_form_have_no_sheet(plant: Plant, tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"Role ot-security may not say go by the policy \(plant-operations may\)"):
        approve(plant, tmp_path / "go.html", "security-lead")
    people = load_people(plant.workspace)
    with pytest.raises(Refused, match=r"A paper form has no go sheet"):
        refuse_sheet(plant.workspace, tmp_path / "go.html", "plant-operations", people, on_paper=True)
    assert not (tmp_path / "go.html").exists()


def test_a_sheet_of_an_approval_that_was_not_signed_is_taken_away(plant: Plant, tmp_path: Path) -> None:
    review = signing.review(plant.workspace, DRILL, At(plant.asked))
    sheet = GoSheet(tmp_path / "go.html", partial(render_sheet, review.plan, review.before.people))
    key = plant.keys.make(f"broken-{tmp_path.name}")
    key.write_text("no key")
    order = signing.Order(plant.workspace, key, clock=At(plant.asked))
    with pytest.raises(Refused, match=r"did not sign"):
        signing.approve(order, review, "shift-lead", "plant-operations", sheet=sheet)
    assert not (tmp_path / "go.html").exists()
