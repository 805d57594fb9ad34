"""A lab of which a part has died, or whose files are gone: nobody calls it gone while something of it may be isolated."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from islandmode.core.errors import InputError
from islandmode.rehearse import backends
from islandmode.rehearse.containers import backend as containerlab
from islandmode.rehearse.containers import docker
from islandmode.rehearse.lab import LabFailed, LabUnknown
from tests.containerlab.test_life import apart, edit, host_state
from tests.lab.drills import end
from tests.lab.guarded import ask, hold
from tests.lab.rogue.bypass import in_node

pytestmark = pytest.mark.lab


def test_a_lab_whose_operations_host_died_in_the_hold_stays_loud_until_it_is_taken_down(fresh: Path) -> None:
    before = host_state()
    topology = apart(fresh)
    for old, new in (("172.31.255.", "172.31.254."), ("fd10:ff:", "fd10:fe:")):
        edit(fresh / "inventory" / "riverside.yaml", old, new)
    edit(fresh / "drills" / "quarterly-isolation.yaml", "hold: 8 s", "hold: 2 min")
    lab = containerlab.up(topology, name="part", state_dir=fresh / ".lab")
    running = hold(fresh, lab)
    assert docker.ask("kill", lab.container("ops")).returncode == 0
    ended = end(running, fresh)
    assert ended.code == 5, ended.output
    assert "islandmode_" in in_node(lab, "fw", "nft", "list", "tables")
    with pytest.raises(LabUnknown, match="Lab part runs only in part, without ops"):
        backends.attach("part", fresh / ".lab")
    for words in (("status",), ("restore",), ("abort",)):
        said = ask(fresh, lab, *words)
        assert said.returncode == 5, (words, said.stdout, said.stderr)
        assert "gone" not in said.stdout + said.stderr
        assert "Traceback" not in said.stderr
    # Nor does a second drill bring up another lab in its place.
    again = ask(fresh, lab, "run", "quarterly-isolation", "--mode", "rehearsal")
    assert again.returncode == 4
    assert "runs only in part" in again.stderr
    assert ask(fresh, lab, "lab", "down").returncode == 4
    # It restores first, which cannot be seen here, and then takes the lab away.
    assert ask(fresh, lab, "lab", "down", "--force").returncode == 5
    said = ask(fresh, lab, "status")
    assert (said.returncode, "its lab is gone" in said.stdout) == (0, True)
    assert host_state() == before


def test_a_lab_whose_files_were_deleted_is_still_taken_down(fresh: Path) -> None:
    topology = apart(fresh)
    containerlab.up(topology, name="lost", state_dir=fresh / ".lab")
    shutil.rmtree(fresh / ".lab")
    with pytest.raises(LabFailed, match="Its containers were removed"):
        backends.down("lost", fresh / ".lab")
    assert docker.containers_of("lost") == {}
    # Containerlab's own lines go with the next lab of that name.
    containerlab.up(topology, name="lost", state_dir=fresh / ".lab")
    backends.down("lost", fresh / ".lab")
    assert "clab-lost" not in Path("/etc/hosts").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["", "..", "a/b", "/tmp/elsewhere", "-x", "a b"])
def test_a_name_that_is_a_path_is_refused_by_everything(fresh: Path, name: str) -> None:
    for act in (backends.attach, backends.down, backends.status):
        with pytest.raises(InputError, match="A lab cannot be named"):
            act(name, fresh / ".lab")
    with pytest.raises(InputError, match="A lab cannot be named"):
        backends.up(fresh / "lab" / "plant.clab.yml", name=name, state_dir=fresh / ".lab")
    assert (fresh / "drills").is_dir()
