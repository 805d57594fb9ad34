"""What people see of requests and approvals, and type."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from islandmode.core.digest_words import WORDS, is_same, words_of
from islandmode.core.errors import InputError, Refused
from islandmode.ui.approving import Wish, approve_request
from islandmode.ui.program import command
from tests.operate.approvals_given import DRILL, Plant, copy_of, make_plant


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Plant:
    """Give a plant in which a window was asked for on the command line: it begins tomorrow."""
    plant = make_plant(tmp_path_factory.mktemp("made"))
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    window = (
        "--from",
        f"{tomorrow:%Y-%m-%dT%H:%M:%SZ}",
        "--to",
        f"{tomorrow + timedelta(hours=4):%Y-%m-%dT%H:%M:%S+00:00}",
    )
    key = ("--key", str(plant.keys.of("engineer")), "-w", str(plant.workspace))
    assert command(["request", DRILL, *window, *key, "--comment", "The Saturday window"]) == 0
    return plant


@pytest.fixture
def plant(made: Plant, tmp_path: Path) -> Plant:
    return copy_of(made, tmp_path)


def approve(plant: Plant, person: str, typed: str | None = None, sheet: Path | None = None) -> int:
    words = " ".join(words_of(plant.plan().plan_digest))
    return approve_request(
        plant.workspace, DRILL, Wish(plant.keys.of(person), go_sheet=sheet), lambda _: typed or words
    )


def test_the_approver_reads_what_dies_what_stays_open_and_who_restores_before_the_digest(
    plant: Plant, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(["approve", DRILL, "-w", str(plant.workspace)]) == 0
    said = capsys.readouterr().out
    in_order = (
        f"{DRILL} at riverside, live, once, in the window",
        "asked for by The ot engineer of Riverside (OT engineer, Riverside (sample plant)) at ",
        ": The Saturday window",
        "What dies, and whose it is:",
        ": vendor-to-hmi on remote-access, owner Line 3 maintenance: The filler's maker looks at the HMI when called",
        "What stays open:",
        "Who restores, and how fast:",
        "within 10 s as the probes see it",
        "conduit-firewall (nftables): undo tier A, its own timer undoes the isolation and nothing else, at most 180 s after it was last set",
        "If it turns real, what keeps each conduit closed, and who may order that:",
        "  remote-access: by cable; may be ordered by Plant manager",
        "    Pull the cable labelled VENDORS out of eth2 of the conduit firewall.",
        "ledger: no run was entered yet",
        f"plan digest   {plant.plan().plan_digest}",
        f"its first words: {' '.join(words_of(plant.plan().plan_digest))}",
        "Nothing was signed.",
    )
    places = [said.find(part) for part in in_order]
    assert -1 not in places, in_order[places.index(-1)]
    assert places == sorted(places)
    assert list(plant.workspace.glob("approvals/approval-*")) == []


def test_who_types_the_words_signs(plant: Plant, capsys: pytest.CaptureFixture[str]) -> None:
    assert approve(plant, "shift-lead") == 0
    assert approve(plant, "plant-manager") == 0
    capsys.readouterr()
    assert command(["approvals", DRILL, "-w", str(plant.workspace)]) == 0
    said = capsys.readouterr().out
    assert "shift-lead as plant-operations" in said
    assert "approved: nothing speaks against a live run by its approvals. The window that was asked for is" in said
    assert command(["approvals", "--json", "-w", str(plant.workspace)]) == 0
    (drill,) = json.loads(capsys.readouterr().out)["drills"]
    assert [(document["kind"], document["counts"]) for document in drill["documents"]] == [
        ("request", True),
        ("approval", True),
        ("approval", True),
    ]
    assert command(["plan", DRILL, "-w", str(plant.workspace)]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert drill["window_to_come"]
    assert drill["against"] == []
    assert "approvals approved for one live run from " in told
    assert "shift-lead as plant-operations" in told


def test_who_may_say_go_gets_a_go_sheet_or_is_told_that_there_is_none(
    plant: Plant, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sheet = tmp_path / "go.html"
    with pytest.raises(Refused, match="Nothing was signed"):
        approve(plant, "shift-lead", "other words", sheet)
    assert not sheet.exists()
    assert approve(plant, "shift-lead", sheet=sheet) == 0
    said = capsys.readouterr().out
    assert f"The go sheet is {sheet}. Print it, seal it, give it to who says go, and delete the file" in said
    words = re.findall(r"<li><code>(.*?)</code>", sheet.read_text(encoding="utf-8"))
    assert len(words) == 12
    assert " ".join(words[:6]) not in said
    assert approve(plant, "plant-manager") == 0
    assert "No go sheet was made (--go-sheet FILE): by this approval the go can be given only with a key." in (
        capsys.readouterr().out
    )
    assert approve(plant, "security-lead") == 0
    assert "go sheet" not in capsys.readouterr().out


@pytest.mark.parametrize("typed", ["abandon ability", "\n", "yes"])
def test_other_words_sign_nothing(plant: Plant, typed: str) -> None:
    with pytest.raises(Refused, match=r"Those are not the first two words of the plan's digest. Nothing was signed."):
        approve(plant, "shift-lead", typed)
    assert list(plant.workspace.glob("approvals/approval-*")) == []


def test_nothing_is_signed_without_a_person_at_a_terminal(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    with Path("/dev/null").open(encoding="utf-8") as nobody:
        monkeypatch.setattr("sys.stdin", nobody)
        with pytest.raises(
            Refused, match=r"Nobody is at a terminal to type the words of the digest. Nothing was signed."
        ):
            command(["approve", DRILL, "--key", str(plant.keys.of("shift-lead")), "-w", str(plant.workspace)])


def test_the_words_are_typed_at_a_terminal_below_all_that_is_shown(plant: Plant) -> None:
    """Also where what is shown goes through another program, as by `| tee form.txt`."""
    here, there = os.openpty()
    words = ("approve", DRILL, "--key", str(plant.keys.of("shift-lead")), "-w", str(plant.workspace))
    argv = (sys.executable, "-m", "islandmode", *words)
    os.write(here, f"{' '.join(words_of(plant.plan().plan_digest)).upper()}\n".encode())
    try:
        ended = subprocess.run(
            argv, stdin=there, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
    finally:
        os.close(here)
        os.close(there)
    assert ended.returncode == 0, ended.stdout
    assert (
        "its first words: "
        + " ".join(words_of(plant.plan().plan_digest))
        + "\nYou approve it as plant-operations: The shift lead of Riverside (Shift lead, Riverside (sample plant)).\n"
        "Type the two words that stand above, to sign: Approved: "
    ) in ended.stdout
    assert len(list(plant.workspace.glob("approvals/approval-*.json"))) == 1


def test_files_that_differ_from_the_requests_are_refused_before_anything_is_shown(
    plant: Plant, capsys: pytest.CaptureFixture[str]
) -> None:
    plant.edit(f"drills/{DRILL}.yaml", "longest_ot_gap: 1 s", "longest_ot_gap: 2 s")
    with pytest.raises(Refused, match=r"cannot be approved: it is for another drill digest"):
        approve(plant, "shift-lead")
    assert capsys.readouterr().out == ""


def test_keys_that_cannot_sign_are_refused_before_the_words_are_asked(plant: Plant) -> None:
    stranger = plant.keys.make(f"stranger-{plant.workspace.parent.name}")
    with pytest.raises(Refused, match=r"is nobody's in inventory/people/allowed_signers"):
        approve(plant, stranger.name)
    with pytest.raises(InputError, match=r"The public key .* cannot be read .*it has to lie beside the key"):
        approve(plant, "nobody")
    with pytest.raises(InputError, match=r"--paper FORM.jpg and --person NAME belong together"):
        approve_request(plant.workspace, DRILL, Wish(person="shift-lead"))
    with pytest.raises(
        InputError, match=r"There is no request 2027; known requests in approvals/: request-quarterly-isolation"
    ):
        approve_request(plant.workspace, "2027", Wish())


def test_what_is_taken_back_no_longer_counts(plant: Plant, capsys: pytest.CaptureFixture[str]) -> None:
    approve(plant, "shift-lead")
    (path,) = plant.workspace.glob("approvals/approval-*.json")
    key = ("--key", str(plant.keys.of("security-lead")), "-w", str(plant.workspace))
    assert command(["revoke", path.stem[:60], "--why", "The boiler is open", *key]) == 0
    capsys.readouterr()
    assert command(["approvals", "-w", str(plant.workspace)]) == 4
    assert "The boiler is open" in capsys.readouterr().out
    with pytest.raises(InputError, match=r"There is no request, approval or note nothing; known: "):
        command(["revoke", "nothing", "--why", "x", *key])
    with pytest.raises(InputError, match=r"why does not fit into a document; give a line of plain text"):
        command(["revoke", path.stem, "--why", "two\nlines", *key])


def test_words_of_digests_are_plain_and_told_apart_by_four_letters() -> None:
    assert len(WORDS) == 2048 == len({word[:4] for word in WORDS})
    assert sorted(WORDS) == WORDS
    assert all(word.isascii() and word.isalpha() and word.islower() and 3 <= len(word) <= 8 for word in WORDS)
    assert words_of("0" * 64) == ("abandon", "abandon")
    assert words_of("f" * 64, 6) == ("zoo",) * 6
    # 0x001 and 0x002: the eleven bits of each word, the first bits first.
    assert words_of("00200400" + "0" * 56) == ("ability", "ability")
    assert is_same("  Ability   ABLE\n", ("ability", "able"))
    assert not is_same("ability", ("ability", "able"))


def test_a_key_that_others_can_read_is_said_to_be_one(plant: Plant, tmp_path: Path) -> None:
    for ending in ("", ".pub"):
        copied = tmp_path / f"key{ending}"
        copied.write_bytes(plant.keys.of("shift-lead").with_name(f"shift-lead{ending}").read_bytes())
        copied.chmod(0o644)
    words = " ".join(words_of(plant.plan().plan_digest))
    with pytest.raises(
        Refused, match=r"key did not sign \(Permissions 0644 for '.*' are too open\)\. Nothing was signed"
    ):
        approve_request(plant.workspace, DRILL, Wish(tmp_path / "key"), lambda _: words)


def test_names_of_files_that_others_put_there_do_not_steer_the_terminal(
    plant: Plant, capsys: pytest.CaptureFixture[str]
) -> None:
    (plant.workspace / "approvals" / "x\033[2J\ny.json").write_text("{}")
    command(["approvals", "-w", str(plant.workspace)])
    said = capsys.readouterr().out
    assert "\033" not in said
    assert r"approvals/x\x1b[2J\ny.json is not read" in said


def test_who_signed_already_is_told_before_the_words(plant: Plant, capsys: pytest.CaptureFixture[str]) -> None:
    assert approve(plant, "shift-lead") == 0
    assert "has signed for this window already" not in capsys.readouterr().out
    assert approve(plant, "shift-lead") == 0
    said = capsys.readouterr().out
    assert "shift-lead has signed for this window already (approval-" in said
    assert said.index("one person counts once, whatever they sign.") < said.index("Approved: ")


def test_a_paper_form_that_cannot_count_is_refused_before_the_words_are_asked_for(plant: Plant, tmp_path: Path) -> None:
    def never(_question: str) -> str:
        raise AssertionError

    form = tmp_path / "form.jpg"
    form.write_bytes(b"a photograph")
    wish = Wish(plant.keys.of("engineer"), paper=form, person="security-lead")
    with pytest.raises(Refused, match="The site's policy lets no paper form of"):
        approve_request(plant.workspace, DRILL, wish, never)


def test_a_window_shorter_than_its_drill_and_a_day_that_does_not_exist_are_refused_at_the_request(plant: Plant) -> None:
    begin = datetime.now(UTC) + timedelta(days=1)
    key = ("--key", str(plant.keys.of("engineer")), "-w", str(plant.workspace))

    def ask(start: str, end: str) -> None:
        command(["request", DRILL, "--from", start, "--to", end, *key])

    with pytest.raises(
        Refused, match=r"The window is shorter than the drill needs: .* 30 minutes in which people look take"
    ):
        ask(f"{begin:%Y-%m-%dT%H:%M:%SZ}", f"{begin + timedelta(minutes=31):%Y-%m-%dT%H:%M:%SZ}")
    with pytest.raises(InputError, match="--from: 2027-02-30 is no day of the calendar"):
        ask("2027-02-30T06:00:00Z", "2027-03-01T06:00:00Z")
    with pytest.raises(InputError, match="--from must be a time with its zone"):
        ask("2027-02-28T06:00:00", "2027-03-01T06:00:00Z")
