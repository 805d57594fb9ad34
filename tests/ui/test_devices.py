"""`islandmode devices`: what the list says of each isolation point, for people and for machines."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from islandmode.core.errors import InputError, Refused
from islandmode.ui.program import command

INVENTORY = Path(__file__).parents[2] / "inventory"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A workspace of a plant: its firewall logs in with a secret of its own."""
    shutil.copytree(INVENTORY, tmp_path / "inventory")
    site = tmp_path / "inventory" / "riverside.yaml"
    text = site.read_text(encoding="utf-8").replace("lab:conduit-firewall", "file:firewall-password")
    site.write_text(text, encoding="utf-8")
    return tmp_path


def other_site(workspace: Path, change: tuple[str, str]) -> None:
    text = (workspace / "inventory" / "riverside.yaml").read_text(encoding="utf-8")
    text = text.replace("site: riverside", "site: northside").replace(*change)
    (workspace / "inventory" / "northside.yaml").write_text(text, encoding="utf-8")


def listed(workspace: Path, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert command(["devices", "--workspace", str(workspace), *words]) == 0
    return " ".join(capsys.readouterr().out.split())


def test_a_device_is_listed_with_what_it_can_do_and_nothing_is_contacted(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = listed(workspace, capsys)
    for words in ("platform: nftables", "status: real", "undo tier: A", "longest timer: 1 d", "witness: egress"):
        assert words in said
    assert "address: 172.31.255.1;" in said
    assert "isolates: remote-access, corporate-dmz, corporate-line3, dmz-line3;" in said
    assert "host key: NOT KNOWN; benched: no" in said
    assert said.endswith("1 isolation point. No device was contacted.")


def test_a_known_key_a_port_and_the_timer_that_the_site_allows_are_told(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site = workspace / "inventory" / "riverside.yaml"
    text = site.read_text(encoding="utf-8").replace(
        "address: 172.31.255.1\n", "address: 172.31.255.1\n      port: 2222\n"
    )
    text = text.replace("    platform: nftables\n", "    platform: nftables\n    dead_man_max: 10 min\n")
    site.write_text(text, encoding="utf-8")
    known = workspace / "inventory" / "known_hosts"
    known.write_text(f"172.31.255.1 {KEY}\n", encoding="ascii")
    assert "host key: NOT KNOWN" in listed(workspace, capsys)
    known.write_text(f"[172.31.255.1]:2222 {KEY}\n", encoding="ascii")
    said = listed(workspace, capsys)
    assert "longest timer: 10 min; witness: egress; host key: known" in said
    assert "address: [172.31.255.1]:2222" in said


def test_the_key_of_a_lab_s_device_is_the_lab_s_matter(capsys: pytest.CaptureFixture[str]) -> None:
    assert "host key: made by the lab" in listed(INVENTORY.parent, capsys)


def test_a_list_for_machines_has_the_fingerprint(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (workspace / "inventory" / "known_hosts").write_text(f"172.31.255.1 {KEY}\n", encoding="ascii")
    assert command(["devices", "--json", "--workspace", str(workspace)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["exit_code"], told["errors"], len(told["devices"])) == (0, [], 1)
    device = told["devices"][0]
    assert (device["device"], device["site"], device["status"]) == ("conduit-firewall", "riverside", "real")
    assert (device["undo_tier"], device["longest_timer_s"], device["of_lab"]) == ("A", 86400.0, False)
    assert device["bench"] is None
    assert [key["kind"] for key in device["host_keys"]] == ["ssh-ed25519"]
    assert device["host_keys"][0]["fingerprint"].startswith("SHA256:")


def test_two_sites_with_a_device_of_one_name_are_told_apart(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other_site(workspace, ("172.31.255.1\n", "172.31.255.9\n"))
    assert listed(workspace, capsys).endswith("2 isolation points. No device was contacted.")
    assert "172.31.255.9" not in listed(workspace, capsys, "--site", "riverside")
    with pytest.raises(InputError, match=r"northside, riverside each have an isolation point conduit-firewall.*--site"):
        command(["devices", "trust", "conduit-firewall", "--workspace", str(workspace)])


def test_a_site_that_cannot_be_read_hides_no_other(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other_site(workspace, ("zones:", "zonse:"))
    with pytest.raises(InputError, match=r"inventory/northside.yaml:\d+:\d+"):
        command(["devices", "--workspace", str(workspace)])
    assert "conduit-firewall" in capsys.readouterr().out
    assert command(["devices", "--json", "--workspace", str(workspace)]) == 2
    told = json.loads(capsys.readouterr().out)
    assert [device["site"] for device in told["devices"]] == ["riverside"]
    assert "northside.yaml" in told["errors"][0]


def test_an_option_before_the_command_is_not_ignored(workspace: Path) -> None:
    with pytest.raises(InputError, match="stand behind it"):
        command(["devices", "--workspace", str(workspace), "check", "conduit-firewall"])


@pytest.mark.parametrize("words", [("trust", "conduit-firewal"), ("check", "conduit-firewal")])
def test_a_name_that_is_not_there_lists_those_that_are(workspace: Path, words: tuple[str, ...]) -> None:
    with pytest.raises(InputError, match=r'known: conduit-firewall\. Did you mean "conduit-firewall"'):
        command(["devices", *words, "--workspace", str(workspace)])


def test_a_device_without_known_keys_is_not_logged_in_to(workspace: Path) -> None:
    with pytest.raises(InputError, match="devices trust NAME"):
        command(["devices", "check", "conduit-firewall", "--workspace", str(workspace)])


def test_what_is_wrong_with_the_site_is_said_before_any_login(workspace: Path) -> None:
    site = workspace / "inventory" / "riverside.yaml"
    text = site.read_text(encoding="utf-8").replace("corporate: [eth1]", "corporate: [eth 1]")
    site.write_text(text, encoding="utf-8")
    (workspace / "inventory" / "known_hosts").touch()
    with pytest.raises(
        InputError, match=r'inventory/riverside.yaml:\d+:\d+: conduit-firewall: "eth 1" is no interface name'
    ):
        command(["devices", "check", "conduit-firewall", "--workspace", str(workspace)])


KIRKBY = INVENTORY.parent / "examples" / "kirkby"


def test_recipes_and_a_device_by_hand_are_listed_with_how_far_each_was_tried(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert command(["devices", "--json", "--workspace", str(KIRKBY)]) == 0
    told = {device["device"]: device for device in json.loads(capsys.readouterr().out)["devices"]}
    assert {name: (device["status"], device["undo_tier"]) for name, device in told.items()} == {
        "edge-firewall": ("emulated", "B"),
        "vendor-router": ("emulated", "B"),
        "press-modem": ("untried", "D"),
    }
    by_hand = told["press-modem"]
    assert (by_hand["address"], by_hand["longest_timer_s"]) == (None, None)
    assert by_hand["by_hand"] == "Press hall, cabinet 4; the shift lead has the key"
    assert "address: by hand" in listed(KIRKBY, capsys)


@pytest.mark.parametrize("words", [("trust",), ("check",)])
def test_nothing_logs_in_to_a_device_by_hand(words: tuple[str, ...]) -> None:
    with pytest.raises(InputError, match="press-modem is isolated by hand, and nothing logs in to it: Press hall"):
        command(["devices", *words, "press-modem", "--workspace", str(KIRKBY)])


def test_the_lines_of_a_recipe_are_printed_for_a_person(capsys: pytest.CaptureFixture[str]) -> None:
    assert command(["devices", "provision", "edge-firewall", "--workspace", str(KIRKBY)]) == 0
    said = capsys.readouterr().out
    assert (
        "edge-firewall at 10.20.0.1, once, in this order, under change control. They were tried on an emulator" in said
    )
    lines = [line.strip() for line in said.splitlines()]
    first = lines.index("config firewall schedule onetime")
    assert lines[first : first + 4] == [
        "config firewall schedule onetime",
        'edit "islandmode_corporate-line1"',
        "set start 00:00 2001/01/01",
        "set end 00:01 2001/01/01",
    ]
    assert {'set srcintf "port1"', 'set dstintf "port5"', "set action deny", "diagnose sys ntp status"} <= set(lines)
    assert "Nothing was sent." in said
    assert "Move both policies before every other policy" in said


def test_the_site_s_own_lists_stand_in_the_lines(capsys: pytest.CaptureFixture[str]) -> None:
    assert command(["devices", "provision", "vendor-router", "--workspace", str(KIRKBY)]) == 0
    said = capsys.readouterr().out
    assert "ip access-list extended OT-IN" in said
    assert said.index("time-range islandmode_vendor-line1") < said.index("deny ip")


def test_what_keeps_a_device_closed_is_printed_apart_and_with_a_warning(capsys: pytest.CaptureFixture[str]) -> None:
    for name, words in (("edge-firewall", 'set name "closed_corporate-line1_in"'), ("vendor-router", "ip access-list")):
        assert command(["devices", "provision", name, "--workspace", str(KIRKBY)]) == 0
        assert "closed_" not in capsys.readouterr().out
        assert command(["devices", "provision", name, "--keep-closed", "--workspace", str(KIRKBY)]) == 0
        said = capsys.readouterr().out
        assert words in said
        assert "islandmode_" not in said
        assert "THESE DENIES HAVE NO END." in said
        assert "Nothing was sent." in said


def test_a_platform_without_lines_that_keep_it_closed_says_so(workspace: Path) -> None:
    with pytest.raises(Refused, match=r"conduit-firewall \(nftables\) has no lines that keep it closed"):
        command(["devices", "provision", "conduit-firewall", "--keep-closed", "--workspace", str(workspace)])


def test_what_needs_no_lines_says_so(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(["devices", "provision", "conduit-firewall", "--workspace", str(workspace)]) == 0
    assert (
        capsys.readouterr().out
        == "conduit-firewall (nftables) needs no lines before a drill. No device was contacted.\n"
    )


def test_a_recipe_that_is_wrong_is_told_with_its_place_and_hides_no_device(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipes = workspace / "inventory" / "recipes"
    recipes.mkdir(exist_ok=True)
    (recipes / "own.yaml").write_text("recipe: own\n", encoding="utf-8")
    other_site(workspace, ("platform: nftables", "platform: own"))
    with pytest.raises(InputError, match=r"inventory/recipes/own.yaml:1:1"):
        command(["devices", "--workspace", str(workspace)])
    assert "2 isolation points." in capsys.readouterr().out
