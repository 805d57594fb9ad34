"""`devices check` on devices that go by a recipe, over SSH: all that is wrong is told with its remedy, and nothing is changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from islandmode.core.errors import InputError
from islandmode.operate.check_device import check_device
from islandmode.operate.site_devices import find_device
from tests.core.recipe_plant import recipe
from tests.emulators.device import Device
from tests.emulators.fortios import FortiDevice
from tests.emulators.fortios_state import Transaction
from tests.emulators.ios import IosDevice
from tests.emulators.kirkby import CONDUITS, ENTRIES, OTHER_RUN, Kirkby, device_of, isolated_by, typed
from tests.emulators.server import SshServer
from tests.more import first_of

FORTI, RANGE, REVERT = "fortios-schedule", "ios-time-range", "ios-revert"
each_recipe = pytest.mark.parametrize("platform", sorted(ENTRIES))


@contextmanager
def ready(root: Path, platform: str, *, archive: bool = True) -> Iterator[Kirkby]:
    """Serve a device that is ready for a drill."""
    with SshServer(device_of(platform, archive=archive)) as server:
        kirkby = Kirkby(root, platform, server)
        kirkby.provisioned()
        yield kirkby


def saved_while_isolated(kirkby: Kirkby) -> None:
    device = kirkby.server.device
    assert isinstance(device, IosDevice)
    before = device.running.copy()
    isolated_by(OTHER_RUN, kirkby)
    device.save()
    device.running = before


@pytest.mark.parametrize("platform", first_of(sorted(ENTRIES)))
def test_a_device_that_is_ready_is_told_with_all_that_was_seen(tmp_path: Path, platform: str) -> None:
    with ready(tmp_path, platform) as kirkby:
        code, told = kirkby.checked()
        said = kirkby.called("devices", "check", kirkby.name)
        assert not kirkby.server.device.was_touched
    assert (code, told["ready"]) == (0, True)
    assert [finding for finding in told["findings"] if finding["refuses"]] == []
    assert told["version"].startswith("7.6.4" if platform == FORTI else "17.15")
    assert (told["undo_tier"], told["at_rest"]) == ("B", [CONDUITS[kirkby.name]])
    if platform == REVERT:
        assert told["clock_ahead_s"] is None
    else:
        assert abs(told["clock_ahead_s"]) < 30
        assert " this machine's.\n" in said.stdout
    left = "It isolates IPv4 and IPv6"
    if platform == FORTI:
        assert told["not_isolated"] is None
        assert f"{left}.\n" in said.stdout
    else:
        assert told["not_isolated"] == "what the device itself sends and receives, and tunnels that end on it"
        assert f"{left}, and does not isolate {told['not_isolated']}.\n" in said.stdout
    assert f"At rest: {CONDUITS[kirkby.name]}.\n" in said.stdout
    assert said.stdout.endswith("Ready for a drill. Nothing was changed.\n")
    assert said.returncode == 0


def test_only_a_change_of_the_clocks_that_the_shortest_timer_would_meet_is_looked_for(tmp_path: Path) -> None:
    """No drill is asked about: one whose timer is longer is refused by its own preflight."""
    with ready(tmp_path, RANGE) as kirkby:
        found = check_device(kirkby.root, find_device(kirkby.root, kirkby.name, None))
    timer = recipe(RANGE).ends_by
    assert found.is_ready
    assert found.planned.capabilities.latest_s == timer.least + timer.grain + (timer.lag or 0)
    assert found.planned.capabilities.dead_man_max_s == timer.most


@each_recipe
def test_that_rights_were_not_read_is_said(tmp_path: Path, platform: str) -> None:
    with ready(tmp_path, platform) as kirkby:
        _, told = kirkby.checked()
    (finding,) = (finding for finding in told["findings"] if finding["code"] == "point-rights-unread")
    assert "what user drill may do beyond logging in was not read" in finding["sentence"]
    assert told["rights"] is None


def version(device: Device) -> None:
    assert isinstance(device, FortiDevice)
    device.version = "7.4.8"


def hour_ahead(device: Device) -> None:
    device.clock.set(device.clock.local + timedelta(hours=1))


def not_kept(device: Device) -> None:
    device.clock.is_kept = False


def pages(device: Device) -> None:
    typed(device, FORTI, ("config system console", "set output more", "end"))


def out_of_step(device: Device) -> None:
    assert isinstance(device, FortiDevice)
    device.pair = "out-of-sync"


def disabled(device: Device) -> None:
    typed(device, FORTI, ("config firewall policy", "edit 2", "set status disable", "end"))


def unbound(device: Device) -> None:
    typed(device, RANGE, ("configure terminal", "interface GigabitEthernet0/1", "no ip access-group OT-OUT out", "end"))


def transaction(device: Device) -> None:
    assert isinstance(device, FortiDevice)
    device.transactions.append(Transaction())


def locked(device: Device) -> None:
    session = device.log_in("okello")
    assert session is not None
    session.answer("configure terminal lock")


SPOILT: dict[str, tuple[str, Callable[[Device], None], str]] = {
    "known bad firmware": (FORTI, version, "it runs version 7.4.8, which may keep a policy active after its schedule"),
    "a clock that is off": (
        FORTI,
        hour_ahead,
        " s ahead of the time of Europe/London; at most 30 s are taken. Set",
    ),
    "a clock that is off, IOS": (
        RANGE,
        hour_ahead,
        " s ahead of the time of Europe/London; at most 30 s are taken. Set",
    ),
    "a clock that NTP does not keep": (FORTI, not_kept, "name NTP servers under config system ntp"),
    "a clock that NTP does not keep, IOS": (RANGE, not_kept, "name an NTP server (ntp server ADDRESS)"),
    "pages": (FORTI, pages, "set output to standard under config system console"),
    "a pair out of step": (FORTI, out_of_step, "bring it in step first"),
    "a transaction that is open": (
        FORTI,
        transaction,
        "in the middle of a drill; let its administrator commit or abort it there",
    ),
    "another session's lock": (
        RANGE,
        locked,
        "it is locked for configuration by okello; let them leave configuration mode (end), or take the lock from them: clear configuration lock",
    ),
    "a deny that is disabled": (FORTI, disabled, "is not in place; enter what stands in: islandmode devices provision"),
    "a list that is not bound": (RANGE, unbound, "is not in place; enter what stands in: islandmode devices provision"),
}


@pytest.mark.parametrize(("platform", "spoil", "words"), SPOILT.values(), ids=SPOILT)
def test_what_is_not_as_a_drill_needs_it_is_refused_with_a_remedy(
    tmp_path: Path, platform: str, spoil: Callable[[Device], None], words: str
) -> None:
    with ready(tmp_path, platform) as kirkby:
        spoil(kirkby.server.device)
        code, told = kirkby.checked()
    assert (code, told["ready"]) == (4, False)
    found = [finding["sentence"] for finding in told["findings"] if finding["code"] == "point-not-ready"]
    assert any(words in sentence for sentence in found), found
    assert all(sentence.startswith(f"{kirkby.name} at 127.0.0.1 is not ready for a drill: ") for sentence in found)
    # What is wrong hides nothing else.
    assert told["version"]


def test_a_device_on_which_nothing_was_entered_is_told_what_to_enter(tmp_path: Path) -> None:
    with SshServer(device_of(FORTI)) as server:
        kirkby = Kirkby(tmp_path, FORTI, server)
        code, told = kirkby.checked()
    said = "\n".join(finding["sentence"] for finding in told["findings"])
    assert code == 4
    assert "enter what stands in: islandmode devices provision edge-firewall" in said


def test_an_archive_that_is_missing_is_refused(tmp_path: Path) -> None:
    with ready(tmp_path, REVERT, archive=False) as kirkby:
        code, told = kirkby.checked()
    assert code == 4
    assert any("set path under archive" in finding["sentence"] for finding in told["findings"])


def test_a_time_zone_of_elsewhere_is_refused_and_one_that_is_none_has_its_place(tmp_path: Path) -> None:
    with ready(tmp_path, FORTI) as kirkby:
        text = "edge-firewall:\n    platform: fortios-schedule\n    options: {time_zone: "
        kirkby.change_site(f"{text}Europe/London", f"{text}Asia/Tokyo")
        code, told = kirkby.checked()
        kirkby.change_site(f"{text}Asia/Tokyo", f"{text}Europe/Londen")
        with pytest.raises(InputError, match=r"inventory/kirkby.yaml:\d+:\d+: .*Europe/Londen"):
            kirkby.checked()
    assert code == 4
    assert any(
        "of Asia/Tokyo" in one["sentence"] and "correct time_zone" in one["sentence"] for one in told["findings"]
    )


@each_recipe
def test_an_isolation_of_another_run_is_refused(tmp_path: Path, platform: str) -> None:
    with ready(tmp_path, platform) as kirkby:
        isolated_by(OTHER_RUN, kirkby)
        code, told = kirkby.checked()
    codes = {finding["code"] for finding in told["findings"] if finding["refuses"]}
    assert (code, told["at_rest"]) == (4, [])
    assert "point-already-isolated" in codes


def test_a_change_of_another_administrator_that_waits_is_refused(tmp_path: Path) -> None:
    with ready(tmp_path, REVERT) as kirkby:
        session = kirkby.server.device.new_session(0, "night-shift")
        for line in ("configure terminal revert timer 30", "end"):
            session.answer(line)
        code, told = kirkby.checked()
    assert code == 4
    (finding,) = (finding for finding in told["findings"] if finding["code"] == "point-change-pending")
    assert "has a change of night-shift that waits to be confirmed" in finding["sentence"]


@pytest.mark.parametrize("platform", [RANGE, REVERT])
def test_a_saved_configuration_that_would_isolate_after_a_restart_is_refused(tmp_path: Path, platform: str) -> None:
    with ready(tmp_path, platform) as kirkby:
        saved_while_isolated(kirkby)
        code, told = kirkby.checked()
    assert (code, told["at_rest"]) == (4, [CONDUITS[kirkby.name]])
    (finding,) = (finding for finding in told["findings"] if finding["code"] == "point-saved-isolated")
    assert "copy running-config startup-config" in finding["sentence"]


def test_a_bad_line_of_known_hosts_costs_no_login(tmp_path: Path) -> None:
    with ready(tmp_path, RANGE) as kirkby:
        good = kirkby.known_hosts.read_text(encoding="ascii")
        kirkby.known_hosts.write_text(f"edge ssh-ed25519 A\n@cert-authority * x\n|1|x|y ssh-ed25519 AAAA\n{good}")
        code, _ = kirkby.checked()
    assert code == 0
