"""What a site declares is held against this machine: its calendar, and the backups that can be reached from it; every complaint has its place."""

from __future__ import annotations

import hashlib
import os
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from islandmode.core.errors import InputError
from islandmode.operate.check import check_workspace
from islandmode.operate.declared import latest_day, today
from islandmode.operate.plan import plan_of, refused_beside_points, refused_for_live
from islandmode.store.rescue import read_needed
from islandmode.ui.plan_command import show_plan
from tests.core.given import PROJECT

SITE, DRILL = "inventory/riverside.yaml", "quarterly-isolation"
LOCKS = "\ninterlocks: [{probe: filler-running, tells: it runs, running: 1, idle: 0, bad_for: 2 s}]\n"


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """The shipped workspace with an interlock, and backups of today."""
    for name in ("drills", "inventory", "probes"):
        shutil.copytree(PROJECT / name, tmp_path / name)
    drill = tmp_path / "drills" / f"{DRILL}.yaml"
    drill.write_text(drill.read_text() + LOCKS)
    (tmp_path / "fw.conf").write_text("rules")
    kept = tmp_path / "plc.zip"
    kept.write_text("program")
    text = (tmp_path / SITE).read_text().replace("taken_on: 2026-11-02", f"taken_on: {today()}")
    for path, file in (("lab/fw/nftables.conf", "fw.conf"), ("lab/plant/plc.py", str(kept))):
        digest = hashlib.sha256((PROJECT / path).read_bytes()).hexdigest()
        ours = hashlib.sha256((tmp_path / file).read_bytes()).hexdigest()
        assert digest in text
        text = text.replace(digest, ours).replace(f"file: {path}", f"file: {file}")
    (tmp_path / SITE).write_text(text)
    return tmp_path


def live(workspace: Path) -> tuple[str, ...]:
    loaded, plan = plan_of(workspace, DRILL)
    found = refused_beside_points(workspace, loaded)
    assert set(found) <= set(refused_for_live(workspace, loaded, plan))
    return found


def line_of(workspace: Path, text: str) -> int:
    return (workspace / SITE).read_text().partition(text)[0].count("\n") + 1


def change(workspace: Path, old: str, new: str) -> None:
    text = (workspace / SITE).read_text()
    assert old in text
    (workspace / SITE).write_text(text.replace(old, new, 1))


def test_a_site_that_declares_everything_refuses_nothing(workspace: Path) -> None:
    assert live(workspace) == ()


def test_a_refusal_names_file_line_and_column(workspace: Path) -> None:
    change(
        workspace,
        "        if_cut: nuisance\n        reviewed_by: Line 3 maintenance\n        reviewed_on: 2026-11-02\n",
        "",
    )
    line = line_of(workspace, "- name: vendor-to-hmi")
    sentence = (
        f"{SITE}:{line}:9: Flow vendor-to-hmi on remote-access dies in this drill, and nobody reviewed what its loss does; add if_cut, "
        "reviewed_by and reviewed_on."
    )
    assert live(workspace) == (sentence,)


def test_the_plan_shows_what_a_live_run_would_be_refused_for(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change(workspace, "  radio: ", "  # radio: ")
    assert show_plan(workspace, DRILL, None, as_json=False) == 0
    said = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert "a live run would be refused" in said
    assert f"{SITE}:{line_of(workspace, '  # radio') + 1}:3: Nobody said what carries radio;" in said


def test_a_backup_that_was_changed_or_is_gone_refuses_live_with_the_reason(workspace: Path) -> None:
    (workspace / "fw.conf").write_text("other rules")
    found = live(workspace)
    line = line_of(workspace, "file: fw.conf")
    assert found[0].startswith(
        f"{SITE}:{line}:13: The backup of conduit-firewall is not seen to be what was declared: fw.conf has the digest "
    )
    (workspace / "fw.conf").unlink()
    assert "fw.conf cannot be read (No such file or directory); find out why" in live(workspace)[0]
    (workspace / "fw.conf").mkdir()
    assert "fw.conf cannot be read (" in live(workspace)[0]


def test_a_pipe_in_the_place_of_a_backup_is_not_waited_for(workspace: Path) -> None:
    (workspace / "fw.conf").unlink()
    os.mkfifo(workspace / "fw.conf")
    assert "fw.conf cannot be read (it is no file)" in live(workspace)[0]


def test_a_day_to_come_is_told_by_validate_and_stops_no_rescue(workspace: Path) -> None:
    ahead = latest_day() + timedelta(days=1)
    change(workspace, "reviewed_on: 2026-11-02", f"reviewed_on: {ahead}")
    sentence = (
        f'{SITE}:{line_of(workspace, f"reviewed_on: {ahead}")}:22: "reviewed_on" of flow vendor-to-hmi is {ahead}, a day that is still to '
        "come; write the day on which it was done."
    )
    assert sentence in [str(error) for error in check_workspace(workspace).errors]
    # The clock of this machine may be wrong: the drill can be planned, and so restored by its name.
    assert live(workspace) == (sentence,)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "reviewed_on: 2026-11-02",
            "reviewed_on: 2026-02-30",
            '"reviewed_on" must be a day that exists, written as year-month-day, such as 2026-10-01; found "2026-02-30".',
        ),
        ("reviewed_on: 2026-11-02", "reviewed_on: 2.11.2026", '"reviewed_on" must be a day that exists'),
        ("reviewed_on: 2026-11-02", "reviewed_on: 2026-11-02T08:00:00Z", '"reviewed_on" must be a day that exists'),
        (
            "if_cut: nuisance",
            "if_cut: harmless",
            '"if_cut" must be "nothing", "nuisance", "quality", "legal" or "safety"; found "harmless".',
        ),
        (
            "        reviewed_on: 2026-11-02\n",
            "",
            'Item 1 of "flows" must have if_cut, reviewed_by and reviewed_on together: what its loss does, who says so, and since when',
        ),
        (
            "reviewed_on: 2026-11-02",
            "reviewed_on: 2026-11-02\n        cut_accepted_by: Plant manager",
            'Item 1 of "flows" must have cut_accepted_by with if_cut: legal only; take it out',
        ),
        (
            "carried_by: historian-to-plcs",
            "carried_by: historian-to-plc",
            'There is no flow or conduit "historian-to-plc"; known: ',
        ),
        (
            "carried_by: historian-to-plcs",
            "carried_by: nowhere at all",
            'must be the name of a flow or of a conduit, or "not across the boundary"; found "nowhere at all".',
        ),
        (
            "carried_by: historian-to-plcs",
            "carried_by: [not across the boundary, dmz-line3]",
            '"carried_by" must be names, or "not across the boundary" alone; found a list.',
        ),
        (
            "  radio: ",
            "  walkie_talkie: ",
            'Unknown key "walkie_talkie". Known keys: access_control, emissions, fire_alarm, radio, telephones.',
        ),
        ("max_age_days: 90", "max_age_days: 90 d", '"max_age_days" must be a whole number; found "90 d".'),
        ("max_age_days: 90", "max_age_days: 0", '"max_age_days" must be at least 1; found 0.'),
        ("      checked_by: OT security\n", "", 'The key "checked_by" is missing here; add it.'),
        (
            "    conduit-firewall:\n      what: Whole",
            "    conduit-firewal:\n      what: Whole",
            'There is no isolation point "conduit-firewal"; known: conduit-firewall. Did you mean "conduit-firewall"?',
        ),
        ("      by: cable", "      by: hand", '"by" must be "deny" or "cable"; found "hand".'),
        (
            "      what: Pull the cable labelled VENDORS out of eth2 of the conduit firewall.",
            "      what: []",
            '"what" must have at least 1 item.',
        ),
    ],
)
def test_a_wrong_value_is_refused_at_its_place(workspace: Path, old: str, new: str, said: str) -> None:
    change(workspace, old, new)
    with pytest.raises(InputError) as refused:
        plan_of(workspace, DRILL)
    found = str(refused.value)
    assert said in found
    assert found.startswith(f"{SITE}:")
    assert found.split(":")[1].isdigit()


def test_a_digest_that_is_none_is_refused(workspace: Path) -> None:
    change(workspace, "sha256: ", "sha256: X")
    with pytest.raises(
        InputError, match='"sha256" must be 64 digits and letters from a to f, as sha256sum prints them; found "X'
    ):
        plan_of(workspace, DRILL)


def test_what_is_wrong_with_what_keeps_it_closed_keeps_no_point_from_being_restored(workspace: Path) -> None:
    change(workspace, "      by: deny", "      by: nobody-knows")
    needed = read_needed(workspace, DRILL)
    assert (list(needed.points), needed.lost) == (["conduit-firewall"], {})
    assert any('"by" must be "deny" or "cable"' in str(error) for error in needed.left_out)
