"""What preflight is told of a device, what a configuration shows of Islandmode, and that neither writes anything."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from islandmode.core.firewall import Unread
from islandmode.core.outcome import Outcome, Reading
from islandmode.core.preflight import judge_point
from islandmode.isolation.by_recipe.configured import SAVED, islandmode_lines
from islandmode.isolation.point import Configuration, Facts
from islandmode.run.left import Left, left_in
from islandmode.store.recipes import read_recipe
from tests.emulators.fortios import FortiDevice
from tests.emulators.ios import IosDevice
from tests.emulators.plant import NOW, router
from tests.isolation.by_recipe.test_lost_sessions import FOR_S, put_back
from tests.isolation.by_recipe.world import AT, CONDUITS, MADE, World
from tests.isolation.contract import OTHER_RUN, PATIENT_S, RUN

EXAMPLES = Path(__file__).parents[3] / "docs/minimal/inventory/recipes"
each_recipe = pytest.mark.parametrize("name", sorted(MADE))


def facts_of(world: World, run: str | None = RUN) -> Facts:
    found: list[Facts] = []

    async def story() -> None:
        before = world.device.received(configuring=True)
        point = world.point(run, dead_man_s=FOR_S)
        reading = await point.facts(PATIENT_S)
        assert reading.value is not None, reading.why
        assert world.device.received(configuring=True) == before
        found.append(reading.value)
        await point.close()

    world.play(story)
    return found[0]


@each_recipe
def test_a_device_that_is_ready_has_no_trouble_and_nobody_logs_in_twice(name: str) -> None:
    world = World(name)
    world.greeting = "Authorized access only\nAll is logged\n"
    facts = facts_of(world)
    assert (facts.trouble, facts.unready, facts.pending, facts.standing) == ("", (), "", None)
    assert (facts.saved_ours, facts.saved_unread) == ((), ())
    assert facts.version == ("7.6.4" if name == "fortios-schedule" else "17.15.1")
    assert facts.clock_ahead_s == (None if name == "ios-revert" else -0.1)
    assert facts.printed == "Authorized access only"
    assert world.device.logins == ["drill"]
    able = world.planned()
    # Nobody asked for interfaces, so that none is missing; a greeting is no program's output.
    judged = judge_point(
        "edge", able, outcome=Outcome.DONE, interfaces=facts.interfaces, printed=facts.printed, present={}
    )
    assert [finding.sentence for finding in judged] == [
        'edge at 10.20.0.1 shows "Authorized access only" when user drill logs in. It is left out of every answer.'
    ]


@pytest.mark.parametrize(
    ("version", "why"),
    [
        ("7.4.8", "it runs version 7.4.8, which may keep a policy active after its schedule has ended"),
        ("unheard of", 'the answer to "get system status" shows no version'),
    ],
)
def test_a_version_that_must_not_be_used_is_told_with_a_remedy(version: str, why: str) -> None:
    world = World("fortios-schedule")
    assert isinstance(world.device, FortiDevice)
    world.device.version = version
    (trouble,) = facts_of(world).unready
    assert why in trouble
    assert "install another version" in trouble or "correct the site's file" in trouble
    assert (facts_of(world, run=None).unready, facts_of(world, run=None).version) == ((), "")


def test_every_need_that_is_not_met_is_told_at_once() -> None:
    world = World("fortios-schedule")
    assert isinstance(world.device, FortiDevice)
    world.device.enter(["config system settings", "set ses-denied-traffic enable", "end"])
    world.device.pair, world.device.clock.is_kept = "out-of-sync", False
    assert facts_of(world).unready == (
        "it remembers denied sessions, so that traffic would pass only half a minute after a restore; disable ses-denied-traffic",
        "it has a pair whose configurations differ; bring it in step first",
        "it has a clock that NTP does not keep, and its clock is what ends an isolation; name NTP servers under config system ntp",
    )


def test_an_archive_that_is_missing_is_told() -> None:
    world = World("ios-revert")
    world.device = router("ios-revert", archive=False)
    assert "keeps no archive of its configuration" in "".join(facts_of(world).unready)


@pytest.mark.parametrize("name", ["fortios-schedule", "ios-time-range"])
def test_a_clock_that_is_off_is_told(name: str) -> None:
    world = World(name)
    world.device.clock.set(NOW + timedelta(hours=1))
    facts = facts_of(world)
    said = "its clock tells 2026-11-26 11:15:20, 3600 s ahead of the time of Europe/Berlin"
    assert [said in reason for reason in facts.unready] == [True]
    assert facts.clock_ahead_s == 3599.9
    # A restore does not need it.
    assert facts_of(world, run=None).unready == ()


@pytest.mark.parametrize("name", ["fortios-schedule", "ios-time-range"])
def test_a_deny_that_was_never_provisioned_is_told_for_each_conduit(name: str) -> None:
    world = World(name)
    device = world.device
    if isinstance(device, FortiDevice):
        denies = [key for key in device.tables["firewall policy"].entries if key != "1"]
        device.enter(["config firewall policy", *(f"delete {key}" for key in denies), "end"])
        ask = 'show firewall policy | grep -f "islandmode_office-line_in"'
    else:
        device.enter(["no time-range islandmode_office-line"])
        ask = "show time-range islandmode_office-line"
    expected = f'it does not show the deny for office-line (the answer to "{ask}" is not whole); '
    expected += "enter what stands in: islandmode devices provision edge"
    assert expected in "".join(facts_of(world).unready)


def test_a_deny_that_denies_nothing_is_told() -> None:
    world = World("fortios-schedule")
    assert isinstance(world.device, FortiDevice)
    world.device.enter(["config firewall policy", "edit 2", "set status disable", "end"])
    assert facts_of(world).unready == (
        "the deny for office-line is not in place; enter what stands in: islandmode devices provision edge",
    )


@each_recipe
def test_what_is_saved_is_known_of_a_device_that_no_run_may_use(name: str) -> None:
    """A clock that is off is no reason to keep the alarm of a run whose isolation the device itself has ended."""
    world = World(name)
    world.device.clock.move(3600)
    facts = facts_of(world)
    assert bool(facts.unready) is (world.recipe.cycle == "clock")
    assert left_in(Reading(Outcome.DONE, facts)) == Left()
    unread = replace(facts, saved_unread=(Unread(SAVED, "it was not whole"),))
    assert left_in(Reading(Outcome.DONE, unread)).unread == ("saved: it was not whole",)


def test_a_login_that_works_and_leads_nowhere_is_trouble_and_not_a_wrong_password() -> None:
    world = World("ios-time-range")
    world.let_in = "it asks for a new password; log in once by hand"
    assert facts_of(world) == Facts(trouble="it asks for a new password; log in once by hand")


@each_recipe
def test_what_stands_waits_and_is_saved_is_told(name: str) -> None:
    world = World(name)

    async def story() -> None:
        point = world.point()
        assert (await point.arm(CONDUITS, FOR_S, PATIENT_S)).done
        assert (await point.isolate(CONDUITS, PATIENT_S)).done
        if isinstance(world.device, IosDevice):
            world.device.save()
        for run in (RUN, None):
            rescue = world.point(run)
            facts = (await rescue.facts(PATIENT_S)).value
            assert facts is not None
            assert set(facts.standing or ()) == set(CONDUITS)
            assert facts.pending == ("drill" if name == "ios-revert" else "")
            assert facts.saved_has_ours is isinstance(world.device, IosDevice)
            await rescue.close()
        await put_back(world, point)

    world.play(story)


@each_recipe
def test_a_configuration_shows_the_lines_of_a_run_and_of_nobody_else(name: str) -> None:
    world = World(name)

    async def story() -> None:
        point, other = world.point(), world.point(OTHER_RUN)
        before = (await point.configuration(PATIENT_S)).value
        assert before is not None
        assert not any(before.ours.values())
        assert set(before.parts) == {"running", "saved"}
        assert (await point.arm(CONDUITS, FOR_S, PATIENT_S)).done
        assert (await point.isolate(CONDUITS, PATIENT_S)).done
        during = (await point.configuration(PATIENT_S)).value
        assert during is not None
        came = set(during.parts["running"].splitlines()) - set(before.parts["running"].splitlines())
        written = {line for line in came if not line.startswith(("! Last", "Current"))}
        assert written == set(during.ours["running"].splitlines())
        assert bool(during.saved_ours) is (name == "fortios-schedule")
        if name != "ios-revert":
            theirs = (await other.configuration(PATIENT_S)).value
            assert theirs is not None
            assert theirs.ours["running"] == ""
        await put_back(world, point)
        await other.close()

    world.play(story)


def test_a_configuration_that_is_cut_off_is_not_taken_for_one() -> None:
    world = World("ios-time-range")

    async def story() -> None:
        point = world.point()
        world.device.faults.rejected["^show startup-config"] = "version 17.15\n!\nhostname edge\n"
        reading = await point.configuration(PATIENT_S)
        assert (reading.outcome, reading.value) == (Outcome.NOT_DONE, None)
        assert reading.why == 'the answer to "show startup-config" is not whole'
        facts = (await point.facts(PATIENT_S)).value
        assert facts is not None
        assert [unread.what for unread in facts.saved_unread] == ["saved"]
        await point.close()

    world.play(story)


def test_secrets_of_a_configuration_do_not_come_in() -> None:
    world = World("ios-time-range")

    async def story() -> None:
        point = world.point()
        text = "version 17\nenable secret 9 $9$verysecretindeed\nsnmp-server community hunter22 RO\nend\n"
        world.device.faults.rejected["^show running-config"] = text
        found = (await point.configuration(PATIENT_S)).value
        assert isinstance(found, Configuration)
        assert "verysecretindeed" not in found.parts["running"]
        await point.close()

    world.play(story)


def test_lines_at_rest_are_no_run_s() -> None:
    world = World("fortios-schedule")
    assert islandmode_lines(world.recipe, AT, world.before, None) == ""


def test_beside_what_was_provisioned_a_run_s_name_tells_its_lines() -> None:
    own = read_recipe(EXAMPLES / "routeros-lists.yaml", "routeros-lists.yaml").recipe
    rest = "add chain=prerouting action=drop src-address-list=islandmode_office-line_armed comment=islandmode_office-line_hold"
    added = f"add list=islandmode_office-line_armed address=10.10.0.0/16 comment={RUN}"
    assert islandmode_lines(own, AT, f"{rest}\n{added}\n", RUN) == added
    assert islandmode_lines(own, AT, f"{rest}\n{added}\n", OTHER_RUN) == ""
