"""The lab presented as a plant of which everything stands that a live drill needs: rehearsed in the lab, talked through, benched, approved."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from islandmode.isolation.table import method_of
from islandmode.operate import signing
from islandmode.operate.go_sheet import GoSheet
from islandmode.operate.plan import plan_of
from islandmode.operate.site_devices import known_hosts
from islandmode.operate.tabletop_signing import sign_tabletop
from islandmode.rehearse.lab import Lab
from islandmode.store.bench_records import keep, keep_signature, new_folder
from islandmode.ui.go_sheet import render_sheet
from tests.core.bench_records import record
from tests.emulators.benching import PERSON, allow, new_key
from tests.lab.declared import interlocked
from tests.lab.drills import Drill, drill
from tests.lab.far_vantages import DRILL, FIREWALL, FarPlant, far_plant
from tests.lab.guarded import Edit
from tests.operate.approvals_given import Plant
from tests.operate.test_go_sheet import codes_on
from tests.signing import Keys, make_people


@dataclass(frozen=True)
class LivePlant:
    """The plant, its people, and what they do before a live run."""

    far: FarPlant
    people: Plant
    keys: Keys

    @property
    def workspace(self) -> Path:
        """Give the workspace."""
        return self.far.workspace

    def rehearse(self) -> None:
        """Rehearse the drill in the lab, which the live run will know nothing of."""
        link = self.workspace / ".lab"
        link.symlink_to(self.far.lab.state_dir)
        ended = drill(self.workspace, self.far.lab.name)
        link.unlink()
        assert ended.code == 0, ended.output

    def bench(self) -> None:
        """Keep a record of a bench of the firewall, as `devices bench` would after some minutes."""
        _, plan = plan_of(self.workspace, DRILL)
        point = plan.points[FIREWALL]
        method, at = method_of(point), datetime.now(UTC) - timedelta(hours=1)
        assert method is not None
        assert point.management is not None
        keys = known_hosts(self.workspace).of(str(point.management.address), point.management.port)
        made = record(
            site="riverside",
            device=FIREWALL,
            person=PERSON,
            at=at,
            ground="device",
            platform=point.platform,
            method=method,
            host_keys=tuple(key.fingerprint for key in keys),
        )
        key = new_key(self.keys.folder, "bencher")
        allow(self.workspace, key)
        folder = new_folder(self.workspace, "riverside", FIREWALL, at)
        keep(folder, made)
        keep_signature(folder, key)

    def talk_through(self) -> None:
        """Sign the note of a tabletop."""
        sign_tabletop(self.people.order("shift-lead"), DRILL, f"{datetime.now(UTC):%Y-%m-%d}", ("engineer",))

    def approve(self) -> tuple[str, ...]:
        """Ask for a window, have it approved, and give the codes of the go sheet."""
        now = datetime.now(UTC)
        people = Plant(self.workspace, self.keys, now)
        window = (f"{moment:%Y-%m-%dT%H:%M:%SZ}" for moment in (now - timedelta(minutes=1), now + timedelta(hours=4)))
        request, _ = signing.ask_window(people.order("engineer"), DRILL, *window)
        path = self.keys.folder / f"go-{now:%H%M%S%f}.html"
        review = signing.review(self.workspace, request.id)
        sheet = GoSheet(path, partial(render_sheet, review.plan, review.before.people))
        signing.approve(people.order("shift-lead"), review, "shift-lead", "plant-operations", sheet=sheet)
        people.approve("security-lead", named=request.id)
        return tuple(codes_on(path))

    def live(self, *words: str) -> Drill:
        """Begin the drill, live, on the operations host."""
        own = ("-m", "islandmode", "run", DRILL, "--mode", "live", "--workspace", str(self.workspace), *words)
        argv = self.far.lab.enter("ops", (sys.executable, *own), network_only=True)
        given = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "stdin": subprocess.DEVNULL}
        return Drill(argv, text=True, start_new_session=True, **given)

    def go(self, code: str) -> subprocess.CompletedProcess[str]:
        """Say go by a code."""
        shift = f"{datetime.now(UTC) + timedelta(hours=6):%H:%MZ}"
        return self.far.asked("go", "last", "--code", code, "--shift-ends", shift)


@contextmanager
def live_plant(
    lab: Lab, folder: Path, edits: Mapping[str, Edit] | None = None, *, promoted: bool = True
) -> Iterator[LivePlant]:
    """Make the plant, benched; and rehearsed and talked through, where it is `promoted`. Approved it is not yet."""
    more = dict(edits or {})
    change = more.pop(f"drills/{DRILL}.yaml", str)
    keys = Keys(folder / "keys")
    with far_plant(
        lab, folder / "plant", {f"drills/{DRILL}.yaml": lambda text: change(interlocked(text)), **more}
    ) as far:
        make_people(far.workspace, keys)
        made = LivePlant(far, Plant(far.workspace, keys, datetime.now(UTC)), keys)
        made.bench()
        if promoted:
            made.rehearse()
            made.talk_through()
            # It comes to its end, though nobody approved anything yet.
            looked = far.asked("run", DRILL, "--mode", "dry-run")
            assert "A live run could not begin: Nobody has asked for a window" in " ".join(looked.stderr.split())
        yield made
