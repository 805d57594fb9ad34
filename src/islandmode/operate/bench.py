"""A bench: proves on a device that what a drill writes there ends by itself, with a stand-in that isolates nothing.

    look          log in, read facts and configuration; nothing is changed
    lay           make the stand-in as it is between drills
    ten times     arm it, let it act, close every session, wait until its end is past, log in and look
    a late line   one that reaches the device after its own last moment
    take away     remove the stand-in through a fresh session, see it gone, compare the configuration
    record        what was seen, signed by the person

What is left of a bench that is stopped or fails is taken away on every path; where that is not seen, it is said loudly.
"""

from __future__ import annotations

import secrets as randomness
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import anyio

from islandmode import __version__
from islandmode.core.bench.counting import FIRINGS_LEAST, Standing, standing_of, unshown
from islandmode.core.bench.record import BenchRecord, DeviceToday, Ground, What
from islandmode.core.errors import InputError, IslandmodeError, NoSecret, Refused
from islandmode.core.plan import PlanPoint
from islandmode.core.recipe.stand_in import lasting
from islandmode.core.rendering import RecipeUsed
from islandmode.core.rescue import Rescue
from islandmode.core.text import how_many
from islandmode.isolation.point import StandsIn
from islandmode.isolation.table import method_of, stand_in_of
from islandmode.operate.bench_firing import Benching, BenchSeen, timer_s
from islandmode.operate.bench_outage import outage_timer_s, refuse_outages, refuse_unconfirmed
from islandmode.operate.check_device import planned_of
from islandmode.operate.ground import Ground as RunGround
from islandmode.operate.ground import LabGround, PlantGround
from islandmode.operate.signals import heard_as_before, receive_signals
from islandmode.operate.site_devices import Device, refuse_wrong
from islandmode.operate.telling import Listener
from islandmode.operate.transcripts import Transcripts
from islandmode.operate.unfinished import refuse_beside_unfinished
from islandmode.rehearse import backends
from islandmode.rehearse.lab_place import STATE, lab_named_by
from islandmode.run.progress import StopLatch
from islandmode.store import bench_records, rundir
from islandmode.store.known_hosts import KNOWN_HOSTS
from islandmode.store.transcripts import TRANSCRIPTS
from islandmode.system.clock import Clock, MachineClock
from islandmode.system.disk import hold_conduits
from islandmode.system.own_program import typed_at
from islandmode.system.ssh_signature import SignatureTrouble
from napalm_nftables.host_keys import load

SHOWN, UNSHOWN, REFUSED, STRANDED = 0, 3, 4, 5
WRITER = "bench"
_1970 = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class BenchOrder:
    """A bench as a person asks for it."""

    workspace: Path
    device: Device
    key: Path
    """The person's SSH key that signs the record; or its public half, where an agent has the key."""
    firings: int = FIRINGS_LEAST
    outages: tuple[What, ...] = ()
    """What a person does to the device while the stand-in acts: on a spare only."""
    confirmed: str = ""
    """The device's name, as the person typed it to confirm those."""
    words: tuple[str, ...] = ()
    """What else stands on the command line of a bench that another process carries out."""


@dataclass(frozen=True)
class BenchEnd:
    """How a bench ended. Without a record it was stopped before anything was shown."""

    exit_code: int
    seen: BenchSeen
    path: Path | None = None
    """The record."""
    standing: Standing | None = None
    trouble: str = ""
    """Why the record could not be signed."""


def bench(order: BenchOrder, listener: Listener, clock: Clock | None = None) -> BenchEnd | int:
    """Bench a device; raises `InputError` and `Refused` with nothing touched. A number is the exit code of the process that did it in a lab."""
    clock = clock or MachineClock.of_this_boot()
    device = order.device
    where = device.where
    if order.firings < 1:
        raise InputError(
            f"--firings {order.firings} fires nothing; give 1 or more. {FIRINGS_LEAST} are needed for a record that counts."
        )
    refuse_wrong(order.workspace, device)
    refuse_outages(device, order.outages)
    planned = planned_of(order.workspace, device)
    stand_in, method = stand_in_of(planned), method_of(planned)
    if stand_in is None or method is None:
        raise Refused(
            f"{where} ({device.point.platform}) cannot be benched: what it isolates with has no stand-in, an object of the kind that isolates "
            "nothing. Nothing was touched."
        )
    refuse_unconfirmed(device, order.outages, order.confirmed)
    if order.outages:
        stand_in = lasting(stand_in, outage_timer_s(stand_in))
    ground = _ground(order, device)
    if not ground.is_here():
        return _elsewhere(order, ground)
    at = _now(clock)
    began = _Began(order, stand_in, method, _person(order, at), at, ground)
    rescue = Rescue(site=device.site.site, points={device.name: stand_in}, conduits=device.point.isolates)
    locks = order.workspace / rundir.RUNS / ".locks"
    with hold_conduits(locks, rescue.site, rescue.conduits, f"a bench of {device.name}"):
        refuse_beside_unfinished(order.workspace, rescue, "", ground)
        ground.refuse(rescue)
        _say_how_long(order, stand_in, listener)
        return _benched(began, rescue, listener, clock)


def _benched(began: _Began, rescue: Rescue, listener: Listener, clock: Clock) -> BenchEnd:
    order, folder = began.order, _folder(began)
    with closing(Transcripts(folder, WRITER, clock)) as transcripts, heard_as_before():
        # Drawn, so that no two benches of one moment take each other's object for their own.
        run = f"bench-{began.at:%Y%m%dT%H%M%SZ}-{randomness.token_hex(2)}"
        try:
            point = _opened(order, began.ground, rescue, clock, transcripts, run)
            seen = _carried_out(Benching(point, began.stand_in, order.firings, listener, clock, order.outages))
        except IslandmodeError:
            transcripts.close()
            # Nothing was made, so that there is nothing to keep.
            bench_records.take_back(folder)
            raise
        transcripts.close()
        return _recorded(began, folder, seen, listener)


def _ground(order: BenchOrder, device: Device) -> RunGround:
    if device.lab_secret:
        name = lab_named_by(order.workspace, device.site.site)
        lab = backends.attach(name, order.workspace / STATE)
        if lab is None:
            raise InputError(
                f"{device.name} is a device of lab {name}, which is not running; bring it up: `{typed_at(order.workspace, 'lab', 'up')}`. Nothing was touched."
            )
        return LabGround.of(order.workspace, lab)
    return PlantGround(order.workspace, device.site.site)


def _elsewhere(order: BenchOrder, ground: RunGround) -> int:
    """Have it done where a lab's devices can be reached."""
    words = (
        "devices",
        "bench",
        order.device.name,
        "--site",
        order.device.site.site,
        "--key",
        str(order.key.absolute()),
    )
    more = ("--firings", str(order.firings), "--workspace", str(order.workspace.absolute()), *order.words)
    code = ground.ask((*words, *more))
    return STRANDED if code is None else code


def _now(clock: Clock) -> datetime:
    return _1970 + timedelta(seconds=clock.utc_us() // 1_000_000)


def _person(order: BenchOrder, at: datetime) -> str:
    """Name the person whose key signs, before anything is touched; raises `InputError` with what to do."""
    allowed = order.workspace / bench_records.ALLOWED
    if not order.key.is_file():
        raise InputError(
            f"There is no key {order.key}; give the SSH key that signs the record with --key. Nothing was touched."
        )
    try:
        person = bench_records.person_of(order.workspace, order.key, at)
    except SignatureTrouble as trouble:
        raise InputError(f"{order.key} cannot sign the record ({trouble}). Nothing was touched.") from None
    if not person:
        raise InputError(
            f"The key {order.key} is not in {allowed}, so that nobody could tell whose record it is. Add your name and its public half there as a "
            f'line: "YOUR NAME" namespaces="{bench_records.NAMESPACE}" {bench_records.public_half(order.key)}. Nothing was touched.'
        )
    return person


def _folder(began: _Began) -> Path:
    order = began.order
    try:
        return bench_records.new_folder(order.workspace, order.device.site.site, order.device.name, began.at)
    except OSError as error:
        raise Refused(
            f"{order.workspace / bench_records.BENCHED} cannot be written ({error.strerror}), and a bench without a record shows nothing. Nothing was "
            "touched."
        ) from error


def _say_how_long(order: BenchOrder, stand_in: PlanPoint, listener: Listener) -> None:
    able, each_s = stand_in.capabilities, timer_s(stand_in)
    least_s, most_s = order.firings * each_s, order.firings * (each_s + able.rounding_s + able.lag_s)
    took = f"about {_minutes(least_s)}" if most_s - least_s < 60 else f"{_minutes(least_s)} to {_minutes(most_s)}"
    listener.say(
        f"{how_many(order.firings, 'firing')} of a timer of {_minutes(each_s)}: {took}. While a timer runs, nothing here is logged in. Ctrl-C stops "
        "the bench, which then takes away what it made."
    )
    if order.firings < FIRINGS_LEAST:
        listener.say(f"A rehearsal: a record with fewer than {FIRINGS_LEAST} firings does not count.")


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{-(-seconds // 60):.0f} min"


def _opened(
    order: BenchOrder, ground: RunGround, rescue: Rescue, clock: Clock, transcripts: Transcripts, run: str
) -> StandsIn:
    made = ground.open_points(rescue, clock, run, transcripts=transcripts)
    for error in made.lost.values():
        raise InputError(error.message, order.device.tree.place(error.path)) if isinstance(error, NoSecret) else error
    return cast("StandsIn", made.points[order.device.name])


def _carried_out(benching: Benching) -> BenchSeen:
    """Bench with the signal receiver in place before anything is sent; raise its own exception, not an exception group."""
    latch = StopLatch()

    async def go() -> BenchSeen:
        ended: BenchSeen | Refused | None = None
        async with anyio.create_task_group() as beside:
            await beside.start(receive_signals, latch)
            try:
                ended = await benching.carry_out(latch)
            except Refused as refused:
                ended = refused
            beside.cancel_scope.cancel()
        if isinstance(ended, BenchSeen):
            return ended
        raise ended if ended is not None else Refused("The bench was cancelled before it began. Nothing was touched.")

    return anyio.run(go)


@dataclass(frozen=True)
class _Began:
    order: BenchOrder
    stand_in: PlanPoint
    method: RecipeUsed
    person: str
    at: datetime
    ground: RunGround


def _recorded(began: _Began, folder: Path, seen: BenchSeen, listener: Listener) -> BenchEnd:
    """Write and sign the record of what was seen; a bench that was stopped has none."""
    stranded = STRANDED if not seen.gone else None
    if seen.stopped or not seen.firings:
        return BenchEnd(stranded or REFUSED, seen)
    record = _record(began, folder, seen)
    try:
        path = bench_records.keep(folder, record)
    except OSError as error:
        listener.warn(f"The record cannot be written to {folder} ({error.strerror}), so that this bench shows nothing.")
        return BenchEnd(stranded or UNSHOWN, seen)
    trouble = ""
    try:
        bench_records.keep_signature(folder, began.order.key)
    except (SignatureTrouble, OSError) as error:
        trouble = str(error)
    kept = bench_records.read_record(began.order.workspace, folder)
    today = DeviceToday(
        site=record.site, device=record.device, method=began.method, host_keys=record.host_keys, now=began.at
    )
    standing = standing_of(record, kept.signature, today)
    is_shown = not trouble and not kept.signature.trouble and not tuple(unshown(record))
    return BenchEnd(stranded or (SHOWN if is_shown else UNSHOWN), seen, path, standing, trouble)


def _record(began: _Began, folder: Path, seen: BenchSeen) -> BenchRecord:
    device, able = began.order.device, began.stand_in.capabilities
    transcript = folder / TRANSCRIPTS / f"{device.name}-{WRITER}.txt"
    management = device.management
    return BenchRecord(
        version=__version__,
        site=device.site.site,
        device=device.name,
        person=began.person,
        at=began.at,
        ground=_kind(began),
        place=f"{management.address} port {management.port}",
        host_keys=_host_keys(began),
        serial=seen.serial,
        firmware=seen.firmware,
        platform=device.point.platform,
        method=began.method,
        tried_on=seen.object_name,
        timer_s=timer_s(began.stand_in),
        declared_lag_s=able.lag_s,
        step_s=able.step_s,
        look_s=able.calls_s.login + able.check_s,
        seen_by="device" if seen.says_itself else "clock",
        firings=seen.firings,
        late_line=seen.late_line,
        outages=seen.outages,
        gone=seen.gone,
        same_configuration=seen.same_configuration,
        changed=tuple(seen.changed),
        transcript_sha256=bench_records.sha256_of(transcript),
    )


def _kind(began: _Began) -> Ground:
    if isinstance(began.ground, LabGround):
        return "lab"
    # What answers on this machine itself stands in no plant.
    return "emulated" if began.order.device.management.address.is_loopback else "device"


def _host_keys(began: _Began) -> Sequence[str]:
    path = began.ground.lab.known_hosts if isinstance(began.ground, LabGround) else began.order.workspace / KNOWN_HOSTS
    management = began.order.device.management
    try:
        return tuple(key.fingerprint for key in load(path).of(str(management.address), management.port))
    except OSError:
        return ()
