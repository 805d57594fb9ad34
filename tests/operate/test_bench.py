"""`devices bench` on emulated devices, over SSH: a stand-in ends by itself while nobody is logged in, and is gone at the end, however it ends."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path

import anyio
import pytest

from islandmode.core.errors import InputError, Refused
from islandmode.core.recipe.words import read_moment
from islandmode.store import bench_records
from islandmode.system.disk import hold_conduits
from islandmode.ui.bench import bench_command
from tests.emulators.benching import PERSON, Bencher, new_key
from tests.emulators.device import Device
from tests.emulators.ios import IosDevice
from tests.emulators.kirkby import CONDUITS, Kirkby, device_of, typed
from tests.emulators.server import SshServer
from tests.more import first_of
from tests.operate.test_check_by_recipe import locked
from tests.patience import LONG_PATIENCE_S, wait_until

FORTI, RANGE, REVERT = "fortios-schedule", "ios-time-range", "ios-revert"
NAME = "islandmode_STAND_IN"
LONG_WAIT_S = 90.0
"""Only a timer is waited for so long."""
END = {FORTI: (r"^set end (.+)$", "%H:%M %Y/%m/%d"), RANGE: (r" end (.+)$", "%H:%M %e %B %Y")}
each_platform = pytest.mark.parametrize("platform", first_of([FORTI, RANGE]))


@contextmanager
def ready(root: Path, platform: str) -> Iterator[Bencher]:
    """Serve a device that is ready for a drill, and a person with a key before it."""
    with SshServer(device_of(platform)) as server:
        kirkby = Kirkby(root, platform, server)
        kirkby.provisioned()
        yield Bencher(kirkby)


def device(bencher: Bencher) -> Device:
    return bencher.kirkby.server.device


def at_first_timer(bencher: Bencher, does: Callable[[], object]) -> None:
    """Have something happen while the first timer runs."""
    left = [does]

    def at_wait(seconds: float) -> None:
        if seconds > LONG_WAIT_S and left:
            left.pop()()

    object.__setattr__(bencher.clock, "at_wait", at_wait)


def is_untouched(bencher: Bencher, before: str) -> bool:
    return not device(bencher).was_touched and device(bencher).configuration() == before


@each_platform
def test_ten_timers_end_by_themselves_and_nothing_is_left(tmp_path: Path, platform: str) -> None:
    with ready(tmp_path, platform) as bencher:
        before = device(bencher).configuration()
        ended = bencher.benches(10)
        after = device(bencher).configuration()
    assert ended.standing is not None
    assert ended.standing.whys == ("it is of an emulator, which counts for no plant",)
    assert (ended.exit_code, after) == (0, before)
    assert ended.standing is not None
    kept = ended.standing.record
    assert ended.standing.whys == ("it is of an emulator, which counts for no plant",)
    assert (len(kept.firings), kept.gone, kept.same_configuration) == (10, True, True)
    assert kept.late_line is not None
    assert (kept.late_line.acted, kept.late_line.after_s > kept.declared_lag_s) == (False, True)
    assert (kept.person, kept.ground, kept.tried_on) == (PERSON, "emulated", NAME)
    assert (kept.serial, kept.firmware) == (
        ("FGTEMULATED0001", "7.6.4") if platform == FORTI else ("FDOEMULATED1", "17.15.1")
    )
    assert kept.seen_by == ("clock" if platform == FORTI else "device")
    assert (kept.declared_lag_s, kept.timer_s) == (60.0, 120.0)
    assert all(firing.still_s is None for firing in kept.firings)
    assert len(kept.host_keys) == 1


@each_platform
def test_traffic_passes_all_the_while(tmp_path: Path, platform: str) -> None:
    """The stand-in acts, and no packet meets it."""
    outer, seen = ("corporate" if platform == FORTI else "vendors"), []
    with ready(tmp_path, platform) as bencher:
        found = device(bencher)

        def look(seconds: float) -> None:
            if seconds > LONG_WAIT_S:
                acts = found.is_active(NAME)  # type: ignore[attr-defined] # both kinds of device have it
                seen.append((acts, found.passes(outer, "line1"), found.passes("line1", outer)))

        object.__setattr__(bencher.clock, "at_wait", look)
        assert bencher.benches(2).seen.gone
    assert seen == [(True, True, True)] * 2


@each_platform
def test_between_acting_and_its_end_nobody_is_logged_in(tmp_path: Path, platform: str) -> None:
    """By the device's own log: the first line after each wait comes when the end that was written is past."""
    begun: list[tuple[int, int]] = []
    with ready(tmp_path, platform) as bencher:
        found = device(bencher)

        def look(seconds: float) -> None:
            if seconds > LONG_WAIT_S:
                wait_until(lambda: all(session.is_over for session in found.sessions), "every session has ended")
                begun.append((len(found.log), len(found.logins)))

        object.__setattr__(bencher.clock, "at_wait", look)
        bencher.benches(3)
    pattern, form = END[platform]
    assert len(begun) == 3
    for lines, logins in begun:
        written = [match[1] for line in found.log[:lines] if (match := re.search(pattern, line.text))]
        ends = read_moment(form, written[-1])
        assert ends is not None
        assert found.log[lines].at >= ends
        assert len(found.logins) > logins


@each_platform
def test_its_transcript_is_kept_and_the_record_has_its_digest(tmp_path: Path, platform: str) -> None:
    with ready(tmp_path, platform) as bencher:
        ended = bencher.benches(1)
    assert ended.path is not None
    assert ended.standing is not None
    transcript = ended.path.parent / "transcripts" / f"{bencher.kirkby.name}-bench.txt"
    text = transcript.read_text(encoding="utf-8")
    assert bench_records.sha256_of(transcript) == ended.standing.record.transcript_sha256
    assert text.endswith("(end of the transcript)\n")
    assert f"> {'edit' if platform == FORTI else 'time-range'} " in text
    assert "between-drills" not in text


def test_fewer_than_ten_are_a_rehearsal_and_say_so_before_and_after(tmp_path: Path) -> None:
    with ready(tmp_path, RANGE) as bencher:
        ended = bencher.benches(2)
    assert ended.exit_code == 3
    assert ended.standing is not None
    assert "it has 2 firings, and 10 are needed" in ended.standing.whys
    first, second, *_ = bencher.heard.said
    assert first.startswith(
        "2 firings of a timer of 2 min: 4 min to 8 min. While a timer runs, nothing here is logged in. Ctrl-C stops"
    )
    assert second == "A rehearsal: a record with fewer than 10 firings does not count."


# A device that does not keep its promises.


@pytest.mark.parametrize(("lag_s", "ends"), [(90.0, True), (float("inf"), False)], ids=["late", "never"])
def test_a_device_that_ends_it_late_or_never_is_seen(tmp_path: Path, lag_s: float, ends: bool) -> None:  # noqa: FBT001 - a row
    with ready(tmp_path, RANGE) as bencher:
        before = device(bencher).configuration()
        device(bencher).faults.end_lag_s = lag_s
        ended = bencher.benches(10)
        assert device(bencher).configuration() == before
    assert (ended.exit_code, ended.seen.gone) == (3, True)
    (firing,) = ended.seen.firings
    assert firing.still_s is not None
    assert firing.still_s > 61
    assert (firing.gone_s is not None) == ends
    assert ended.standing is not None
    assert any("firing 1 was late" in why for why in ended.standing.whys)
    assert any("the bench ends here" in sentence for sentence in bencher.heard.warned)


def test_a_device_that_is_late_within_what_is_declared_is_measured(tmp_path: Path) -> None:
    with ready(tmp_path, RANGE) as bencher:
        device(bencher).faults.end_lag_s = 40.0
        ended = bencher.benches(2)
    assert ended.standing is not None
    worst_s = ended.standing.record.worst_lag_s
    assert worst_s is not None
    # The end is told in whole seconds, and counted from the latest that it may be.
    assert 38 <= worst_s < 61 + 45
    assert len(ended.seen.firings) == 2
    assert not any("firing" in why and "late" in why for why in ended.standing.whys)


def test_what_a_firewall_does_not_say_itself_is_not_seen(tmp_path: Path) -> None:
    """A schedule shows an end and not whether policies obey it: the record says by what it was seen."""
    with ready(tmp_path, FORTI) as bencher:
        device(bencher).faults.end_lag_s = float("inf")
        ended = bencher.benches(1)
    assert ended.standing is not None
    assert ended.standing.record.seen_by == "clock"
    assert ended.seen.firings[0].gone_s is not None


@each_platform
def test_a_clock_that_is_set_while_a_timer_runs_shows_nothing(tmp_path: Path, platform: str) -> None:
    with ready(tmp_path, platform) as bencher:
        found = device(bencher)
        before = found.configuration()
        at_first_timer(bencher, lambda: found.clock.set(found.clock.local + timedelta(minutes=20)))
        ended = bencher.benches(10)
        assert found.configuration() == before
    assert (ended.exit_code, ended.seen.gone) == (3, True)
    (firing,) = ended.seen.firings
    assert firing.gone_s is None
    assert "its clock was set forward by" in firing.why


@each_platform
def test_a_clock_that_is_off_is_refused_with_a_remedy(tmp_path: Path, platform: str) -> None:
    with ready(tmp_path, platform) as bencher:
        found = device(bencher)
        before = found.configuration()
        found.clock.set(found.clock.local + timedelta(hours=1))
        with pytest.raises(
            Refused, match=r"is not ready for a bench: .*ahead of the time of Europe/London.* Set its clock"
        ):
            bencher.benches()
        assert is_untouched(bencher, before)
    assert not (tmp_path / "inventory" / "benched").exists()


@each_platform
def test_a_device_that_takes_no_login_is_refused(tmp_path: Path, platform: str) -> None:
    with ready(tmp_path, platform) as bencher:
        before = device(bencher).configuration()
        device(bencher).faults.sessions_most = 0
        with pytest.raises(Refused, match=r"cannot be benched: .* Nothing was touched\.$"):
            bencher.benches()
        assert is_untouched(bencher, before)


@each_platform
def test_a_device_that_takes_no_login_afterwards_leaves_it_unseen_and_that_is_loud(
    tmp_path: Path, platform: str
) -> None:
    with ready(tmp_path, platform) as bencher:
        found = device(bencher)
        at_first_timer(bencher, lambda: setattr(found.faults, "sessions_most", 0))
        ended = bencher.benches(10)
        assert NAME in found.configuration()
        assert ended.exit_code == 5
        assert bencher.heard.by_hand[0].endswith(f"{NAME} was not seen gone. It isolates nothing:")
        before_hand = found.clock.local
        # The lines that are said take it away.
        typed(found, platform, bencher.heard.by_hand[1:])
        assert NAME not in found.configuration()
        assert found.clock.local >= before_hand


@each_platform
def test_a_line_that_is_refused_ends_it_and_what_was_made_is_taken_away(tmp_path: Path, platform: str) -> None:
    pattern = r"set end .*20[23]" if platform == FORTI else r"^absolute start 20|^absolute .* end .* 202[6-9]"
    with ready(tmp_path, platform) as bencher:
        found = device(bencher)
        before = found.configuration()
        words = "Command fail. Return code -61\n" if platform == FORTI else "% Invalid input detected\n"
        found.faults.rejected[pattern] = words
        ended = bencher.benches(10)
        found.faults.rejected.clear()
        assert (ended.exit_code, ended.seen.gone, ended.path) == (4, True, None)
        assert found.configuration() == before
    assert any("the device refused" in sentence for sentence in bencher.heard.warned)


def test_a_lock_of_a_colleague_is_refused_before_and_named_with_its_remedy_afterwards(tmp_path: Path) -> None:
    with ready(tmp_path, RANGE) as bencher:
        found = device(bencher)
        before = found.configuration()
        locked(found)
        with pytest.raises(
            Refused, match=r"is not ready for a bench: it is locked for configuration by okello; let them"
        ):
            bencher.benches()
        assert is_untouched(bencher, before)
    with ready(tmp_path / "again", RANGE) as bencher:
        at_first_timer(bencher, lambda: locked(device(bencher)))
        ended = bencher.benches(10)
        assert ended.exit_code == 5
        assert NAME in device(bencher).configuration()
        assert not device(bencher).is_active(NAME)  # type: ignore[attr-defined] # a router has it
    assert any("was not seen gone" in said and "clear configuration lock" in said for said in bencher.heard.warned)


def test_what_a_colleague_changes_meanwhile_is_told_and_keeps_it_from_counting(tmp_path: Path) -> None:
    with ready(tmp_path, RANGE) as bencher:
        lines = ("configure terminal", "logging host 10.20.0.77", "end")
        at_first_timer(bencher, lambda: typed(device(bencher), RANGE, lines))
        ended = bencher.benches(2)
    assert (ended.seen.gone, ended.seen.same_configuration) == (True, False)
    assert "running: + logging host 10.20.0.77" in ended.seen.changed


# What stands there already.


NAMES_IT = {
    FORTI: ("config firewall policy", "edit 1", f"set schedule {NAME}", "end"),
    RANGE: ("configure terminal", "ip access-list extended OT-IN", f"900 deny ip any any time-range {NAME}", "end"),
}
"""What a person enters who takes the stand-in for something else."""
MAKES_IT = (
    "config firewall schedule onetime",
    f"edit {NAME}",
    "set start 00:00 2001/01/01",
    "set end 00:01 2001/01/01",
    "end",
)
"""What a FortiGate wants to be there before anything may name it."""


def names_it(bencher: Bencher, platform: str) -> None:
    typed(device(bencher), platform, NAMES_IT[platform])


@each_platform
def test_a_stand_in_that_anything_names_is_refused(tmp_path: Path, platform: str) -> None:
    with ready(tmp_path, platform) as bencher:
        typed(device(bencher), platform, MAKES_IT if platform == FORTI else ())
        names_it(bencher, platform)
        before = device(bencher).configuration()
        with pytest.raises(
            Refused, match=rf"names {NAME}, so that it would not isolate nothing. Take that out. Nothing was touched\."
        ):
            bencher.benches()
        assert is_untouched(bencher, before)


@each_platform
def test_a_deny_that_comes_to_name_it_meanwhile_keeps_it_from_being_removed(tmp_path: Path, platform: str) -> None:
    """A time range that a deny names must never go: without it the deny isolates for good."""
    with ready(tmp_path, platform) as bencher:
        at_first_timer(bencher, lambda: names_it(bencher, platform))
        ended = bencher.benches(1)
        found = device(bencher)
        assert NAME in found.configuration()
        assert not found.is_active(NAME)  # type: ignore[attr-defined] # both kinds of device have it
        assert ended.exit_code == 5
    if platform == RANGE:
        assert not any(line.text == f"no time-range {NAME}" for line in device(bencher).log)


class Killed:
    """A bench in a process of its own, at its first timer."""

    def __init__(self, bencher: Bencher) -> None:
        kirkby = bencher.kirkby
        words = ("devices", "bench", kirkby.name, "--key", str(bencher.key), "--firings", "1")
        program = Path(sys.executable).with_name("islandmode")
        self.child = subprocess.Popen(
            [program, *words], cwd=kirkby.root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self.child.stdout is not None
        self.said = ""
        while "Logged out until then." not in self.said:
            line = self.child.stdout.readline()
            assert line, (self.said, self.child.stderr and self.child.stderr.read())
            self.said += line

    def ends_by(self, number: signal.Signals) -> tuple[int, str, str]:
        self.child.send_signal(number)
        out, err = self.child.communicate(timeout=LONG_PATIENCE_S)
        return self.child.returncode, out, err


@each_platform
@pytest.mark.parametrize("number", first_of([signal.SIGINT, signal.SIGTERM]))
def test_ctrl_c_takes_it_away(tmp_path: Path, platform: str, number: signal.Signals) -> None:
    with ready(tmp_path, platform) as bencher:
        before = device(bencher).configuration()
        bench = Killed(bencher)
        assert NAME in device(bencher).configuration()
        code, out, err = bench.ends_by(number)
        assert device(bencher).configuration() == before
    assert code == 4, err
    assert f"{number.name} was received. What it made is taken away." in err
    assert out.endswith(
        f"{NAME} was taken away and seen gone; its configuration is as before.\nThere is no record of this bench.\n"
    )


@each_platform
def test_what_a_killed_bench_left_is_told_and_taken_away_by_the_next(tmp_path: Path, platform: str) -> None:
    with ready(tmp_path, platform) as bencher:
        before = device(bencher).configuration()
        assert Killed(bencher).ends_by(signal.SIGKILL)[0] == -signal.SIGKILL
        device(bencher).log.clear()
        code, told = bencher.kirkby.checked()
        assert code == 0
        (finding,) = (finding for finding in told["findings"] if finding["code"] == "point-bench-left")
        assert f"has {NAME}, the stand-in of a bench that goes on, or that was killed" in finding["sentence"]
        with pytest.raises(
            Refused, match=r"a timer of islandmode_STAND_IN runs for \d+ s more. It isolates nothing. Wait"
        ):
            bencher.benches()
        anyio.run(bencher.clock.sleep, 200.0)
        ended = bencher.benches(1)
        assert (ended.seen.gone, ended.seen.same_configuration) == (True, True)
        assert device(bencher).configuration() == before
    assert (
        f"{NAME} was left on {bencher.kirkby.name} by an earlier bench; it is taken away first." in bencher.heard.said
    )


# Who else has the device.


def test_a_device_that_a_drill_or_another_bench_has_is_refused(tmp_path: Path) -> None:
    with ready(tmp_path, RANGE) as bencher:
        before = device(bencher).configuration()
        locks, conduit = tmp_path / "runs" / ".locks", CONDUITS["vendor-router"]
        with (
            hold_conduits(locks, "kirkby", (conduit,), "a drill"),
            pytest.raises(Refused, match=rf"Another run has conduit {conduit} .*a drill\). Wait for its end"),
        ):
            bencher.benches()
        assert is_untouched(bencher, before)
        assert device(bencher).logins == []


def test_a_drill_is_refused_while_a_bench_goes_on(tmp_path: Path) -> None:
    told: list[str] = []

    def a_drill() -> None:
        locks = tmp_path / "runs" / ".locks"
        with pytest.raises(Refused) as refused, hold_conduits(locks, "kirkby", (CONDUITS["vendor-router"],), "a drill"):
            raise AssertionError("a drill began")
        told.append(str(refused.value))

    with ready(tmp_path, RANGE) as bencher:
        at_first_timer(bencher, a_drill)
        bencher.benches(1)
    assert "a bench of vendor-router" in told[0]


# Bad input: one sentence, and nobody logs in.


def without_key(bencher: Bencher) -> None:
    bencher.key.unlink()


def stranger(bencher: Bencher) -> None:
    bencher.key = new_key(bencher.kirkby.root, "stranger")


def no_signers(bencher: Bencher) -> None:
    (bencher.kirkby.root / "inventory" / "allowed_signers").unlink()


def no_key_at_all(bencher: Bencher) -> None:
    bencher.key.write_text("no key", encoding="ascii")


def no_host_key(bencher: Bencher) -> None:
    bencher.kirkby.known_hosts.unlink()


def no_password(bencher: Bencher) -> None:
    (bencher.kirkby.root / "keys" / "password").unlink()


BAD: dict[str, tuple[Callable[[Bencher], None], str]] = {
    "no such key": (without_key, r"There is no key .*operator; give the SSH key .* with --key\. Nothing was touched\."),
    "nobody's key": (
        stranger,
        r'The key .*stranger is not in .*allowed_signers, .* line: "YOUR NAME" namespaces="bench@islandmode" ssh-ed25519 \S+\. Nothing',
    ),
    "no signers": (no_signers, r"is not in .*inventory/allowed_signers"),
    "no key at all": (no_key_at_all, r"operator cannot sign the record \(.+\)\. Nothing was touched\."),
    "no host key": (no_host_key, r"There is no inventory/known_hosts"),
    "no password": (no_password, r"inventory/kirkby\.yaml:\d+:\d+: .*keys/password"),
}


@pytest.mark.parametrize(("spoil", "words"), BAD.values(), ids=BAD)
def test_bad_input_costs_no_login(tmp_path: Path, spoil: Callable[[Bencher], None], words: str) -> None:
    with ready(tmp_path, RANGE) as bencher:
        spoil(bencher)
        with pytest.raises(InputError, match=words):
            bencher.benches()
        assert device(bencher).logins == []
        assert device(bencher).names_given == []
    assert not (tmp_path / "inventory" / "benched").exists()


def test_no_firings_are_refused(tmp_path: Path) -> None:
    with ready(tmp_path, RANGE) as bencher, pytest.raises(InputError, match=r"--firings 0 fires nothing"):
        bencher.benches(0)


def test_a_recipe_without_a_stand_in_is_refused(tmp_path: Path) -> None:
    with SshServer(device_of(REVERT)) as server:
        kirkby = Kirkby(tmp_path, REVERT, server)
        kirkby.provisioned()
        bencher = Bencher(kirkby)
        with pytest.raises(Refused, match=r"\(ios-revert\) cannot be benched: what it isolates with has no stand-in"):
            bencher.benches()
        assert server.device.logins == []


def test_a_device_of_a_lab_that_is_not_up_says_how_to_bring_it_up(tmp_path: Path) -> None:
    with ready(tmp_path, RANGE) as bencher:
        bencher.kirkby.change_site(
            'login: {user: drill, password: "file:keys/password"}',
            'login: {user: drill, password: "lab:vendor-router"}',
        )
        with pytest.raises(
            InputError, match=r"is a device of lab \w+, which is not running; bring it up: `islandmode lab up"
        ):
            bencher.benches()
        assert device(bencher).logins == []


def test_a_device_that_a_person_isolates_is_refused(tmp_path: Path) -> None:
    with ready(tmp_path, RANGE) as bencher:
        said = bencher.kirkby.called("devices", "bench", "press-modem", "--key", str(bencher.key))
    assert said.returncode == 2
    assert "press-modem is isolated by hand, and nothing logs in to it" in said.stderr


# What lists and checks say of a record that counts.


def counting(bencher: Bencher) -> Path:
    """Make a record that was kept of a device count, as it would if that were a device of a plant; gives its path."""
    path = bencher.benches(10).path
    assert path is not None
    found = bench_records.read_record(bencher.kirkby.root, path.parent).record
    assert found is not None
    bench_records.keep(path.parent, found.model_copy(update={"ground": "device", "at": datetime.now(found.at.tzinfo)}))
    bench_records.keep_signature(path.parent, bencher.key)
    return path


@pytest.mark.more
def test_a_check_says_who_benched_it_until_the_firmware_is_another(tmp_path: Path) -> None:
    with ready(tmp_path, RANGE) as bencher:
        counting(bencher)
        found = device(bencher)
        assert isinstance(found, IosDevice)
        found.clock.set(found.clock.local - timedelta(seconds=bencher.clock.skipped_us / 1_000_000))
        found.log.clear()
        _, told = bencher.kirkby.checked()
        listed = " ".join(bencher.kirkby.called("devices").stdout.split())
        found.running.version = "17.18"
        code, other = bencher.kirkby.checked()
        said = bencher.kirkby.called("devices", "check", bencher.kirkby.name).stdout
    assert (told["bench"]["counts"], told["bench"]["person"], told["bench"]["why_not"]) == (True, PERSON, [])
    assert f"benched: by {PERSON} on " in listed
    assert (code, other["bench"]["counts"]) == (0, False)
    (why,) = other["bench"]["why_not"]
    assert why == 'it is of firmware "17.15.1", and the device runs "17.18.1"'
    assert f"Not benched: the record by {PERSON} on " in said
    assert why in said


def test_a_bench_tells_a_machine_what_its_record_is_worth(tmp_path: Path) -> None:
    with ready(tmp_path, RANGE) as bencher:
        kirkby = bencher.kirkby
        with redirect_stdout(StringIO()) as said:
            code = bench_command(kirkby.root, kirkby.name, None, bencher.key, 1, bencher.clock, as_json=True)
        told = json.loads(said.getvalue())
        refused = kirkby.called("devices", "bench", kirkby.name, "--key", "nobody", "--json")
    assert (code, told["exit_code"], told["device"], told["site"]) == (3, 3, "vendor-router", "kirkby")
    assert (told["gone"], told["same_configuration"], told["object"], told["stopped"]) == (True, True, NAME, None)
    assert (told["bench"]["counts"], told["bench"]["firings"], told["bench"]["outages"]) == (False, 1, [])
    assert "it has 1 firing, and 10 are needed" in told["bench"]["why_not"]
    document = json.loads(refused.stdout)
    assert (document["exit_code"], document["errors"][0][:12]) == (2, "There is no ")
