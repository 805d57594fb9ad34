"""A bench of a spare through a restart and a failover: what a person did is believed only where it was seen, and judged by what is declared."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from islandmode.core.errors import InputError, Refused
from islandmode.operate.bench import BenchEnd
from islandmode.operate.bench_outage import LOOK_EVERY_S
from tests.emulators.benching import Bencher
from tests.emulators.kirkby import ENTRIES
from tests.operate.test_bench import FORTI, NAME, RANGE, device, each_platform, is_untouched, ready

AWAY_S = 90.0


def is_spare(bencher: Bencher) -> None:
    kirkby = bencher.kirkby
    kirkby.describe(f"{ENTRIES[kirkby.platform]}  spare: true\n")


def when_told(bencher: Bencher, words: str, does: Callable[[], object]) -> None:
    """Have a person do something once they are told to."""
    left = [does]

    def at_wait(seconds: float) -> None:
        if left and seconds in LOOK_EVERY_S.values() and any(words in said for said in bencher.heard.said):
            left.pop()()

    object.__setattr__(bencher.clock, "at_wait", at_wait)


def only(ended: BenchEnd) -> tuple[str, ...]:
    assert ended.standing is not None
    return tuple(why for why in ended.standing.whys if "emulator" not in why and "firing" not in why)


@each_platform
def test_a_restart_shows_whether_object_and_timer_survive_it(tmp_path: Path, platform: str) -> None:
    with ready(tmp_path, platform) as bencher:
        is_spare(bencher)
        before = device(bencher).configuration()
        when_told(bencher, "Restart ", lambda: device(bencher).restart(AWAY_S))
        ended = bencher.benches(1, "restart")
        assert device(bencher).configuration() == before
    (seen,) = ended.seen.outages
    assert ended.standing is not None
    assert ended.standing.record.outages == (seen,)
    assert seen.was_seen
    assert (seen.away_s or 0.0) >= AWAY_S - LOOK_EVERY_S["restart"]
    assert (seen.declared, seen.survived) == (("stays", True) if platform == FORTI else ("reverts", False))
    # What stays is waited for until its timer has ended it.
    assert (seen.firing.gone_s is not None) == seen.survived
    assert (ended.seen.gone, only(ended)) == (True, ())


def test_a_failover_shows_that_the_other_member_isolates_on(tmp_path: Path) -> None:
    with ready(tmp_path, FORTI) as bencher:
        is_spare(bencher)
        when_told(bencher, "fail over now", lambda: device(bencher).fail_over(10.0))
        ended = bencher.benches(1, "failover")
    (seen,) = ended.seen.outages
    assert (seen.serial_before, seen.serial_after) == ("FGTEMULATED0001", "FGTEMULATED0002")
    assert (seen.declared, seen.survived, only(ended)) == ("isolates", True, ())
    assert any("FGTEMULATED0002 answers in the place of FGTEMULATED0001" in said for said in bencher.heard.said)


def test_a_device_that_keeps_what_it_should_lose_is_not_as_declared(tmp_path: Path) -> None:
    with ready(tmp_path, RANGE) as bencher:
        is_spare(bencher)
        found = device(bencher)

        def saves_and_restarts() -> None:
            found.save()  # type: ignore[attr-defined] # a router has it
            found.restart(AWAY_S)

        when_told(bencher, "Restart ", saves_and_restarts)
        ended = bencher.benches(1, "restart")
        assert NAME not in found.configuration()
    first, saved = only(ended)
    assert first == "the restart was not as declared (reverts): object and timer survived it"
    assert f"saved: + time-range {NAME}" in saved
    assert ended.exit_code == 3


@pytest.mark.parametrize(
    ("what", "why"),
    [
        ("failover", "the failover was not seen: the same serial number answers, or none is told"),
        pytest.param("restart", "the restart was not seen: no login failed meanwhile", marks=pytest.mark.more),
    ],
)
def test_what_nobody_does_is_not_seen(tmp_path: Path, what: str, why: str) -> None:
    with ready(tmp_path, RANGE) as bencher:
        is_spare(bencher)
        before = device(bencher).configuration()
        ended = bencher.benches(1, what)  # type: ignore[arg-type] # a row
        assert device(bencher).configuration() == before
    assert only(ended) == (why,)
    assert any(f"{what}: it was not seen" in said for said in bencher.heard.warned)


def test_a_device_that_does_not_come_back_is_loud(tmp_path: Path) -> None:
    with ready(tmp_path, FORTI) as bencher:
        is_spare(bencher)
        when_told(bencher, "Restart ", lambda: device(bencher).restart(1e9))
        ended = bencher.benches(1, "restart")
    assert ended.exit_code == 5
    assert bencher.heard.by_hand[0].endswith(f"{NAME} was not seen gone. It isolates nothing:")


def test_what_is_no_spare_is_refused_with_its_place(tmp_path: Path) -> None:
    with ready(tmp_path, RANGE) as bencher:
        before = device(bencher).configuration()
        words = (
            r"^inventory/kirkby\.yaml:\d+:\d+: vendor-router at 127\.0\.0\.1 port \d+ is not said to be a spare, so that the plant may run "
            r"through it, and --restart and --failover would stop that\. If nothing does, say `spare: true` there; .* Nothing was touched\.$"
        )
        with pytest.raises(Refused, match=words):
            bencher.benches(1, "restart", "failover")
        assert is_untouched(bencher, before)
        assert device(bencher).logins == []


def test_what_is_not_confirmed_is_refused(tmp_path: Path) -> None:
    with ready(tmp_path, RANGE) as bencher:
        is_spare(bencher)
        with pytest.raises(InputError, match=r"What was typed is not vendor-router, .* Nothing was touched\.$"):
            bencher.benches(1, "restart", confirmed="yes")
        said = bencher.kirkby.called("devices", "bench", bencher.kirkby.name, "--key", str(bencher.key), "--restart")
        assert device(bencher).logins == []
    assert said.returncode == 4
    assert "Nobody is at a terminal to confirm that" in said.stderr
