"""A lab of containers comes and goes, and leaves nothing; what is refused says what to do, and leaves nothing either."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from islandmode.core.errors import InputError, IslandmodeError, Refused
from islandmode.rehearse import backends
from islandmode.rehearse.containers import backend as containerlab
from islandmode.rehearse.containers import docker
from islandmode.rehearse.containers.lab import ContainerLab
from islandmode.rehearse.lab import LabFailed
from islandmode.rehearse.topology import OUR_IMAGES
from tests.lab.rogue.bypass import in_node
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.lab

TOPOLOGY = Path("lab") / "plant.clab.yml"
READY = "/run/plant/plant/ready.py"
OWN_NETWORK = ("172.31.255.", "172.31.254.")
"""Tests with a lab of their own have it on a network of their own, since the shared one may be up as well."""


def host_state() -> dict[str, object]:
    """Give what a lab could leave on this machine."""
    links = json.loads(subprocess.run(["ip", "-j", "link"], capture_output=True, check=True, text=True).stdout)
    rules = subprocess.run(["nft", "-s", "list", "ruleset"], capture_output=True, check=False, text=True).stdout
    named, configured = Path("/run/netns"), Path("/etc/ssh/ssh_config.d")
    return {
        "containers": sorted(docker.ask("ps", "--all", "--quiet").stdout.split()),
        "networks": sorted(docker.ask("network", "ls", "--quiet").stdout.split()),
        "links": sorted(link["ifname"] for link in links),
        "rules": rules,
        "hosts": Path("/etc/hosts").read_text(encoding="utf-8"),
        "named": sorted(path.name for path in named.iterdir()) if named.is_dir() else [],
        "ssh": sorted(path.name for path in configured.iterdir()) if configured.is_dir() else [],
        "mounts": sorted(
            line.split()[1] for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()
        ),
    }


def apart(fresh: Path, topology: str = TOPOLOGY.name) -> Path:
    """Put a workspace's lab on a management network of its own, and give its topology."""
    file = fresh / "lab" / topology
    for path in (
        file,
        fresh / "lab/fw/sshd_config",
        fresh / "lab/fw/nftables.conf",
        fresh / "lab/plant/ready.py",
    ):
        text = path.read_text(encoding="utf-8").replace(*OWN_NETWORK).replace("fd10:ff:", "fd10:fe:")
        path.write_text(text.replace("network: islandmode-plant", "network: islandmode-apart"), encoding="utf-8")
    return file


def is_ready(lab: ContainerLab) -> bool:
    """Tell whether the whole plant answers."""
    argv = lab.enter("ops", ("python3", READY))
    return (
        subprocess.run(argv, check=False, capture_output=True, timeout=PATIENCE_S, stdin=subprocess.DEVNULL).returncode
        == 0
    )


def edit(path: Path, old: str, new: str) -> None:
    """Change a file."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_up_and_down_leave_nothing(fresh: Path) -> None:
    topology = apart(fresh)
    before = host_state()
    lab = containerlab.up(topology, name="one", state_dir=fresh / ".lab")
    assert is_ready(lab)
    # Whatever becomes of the file meanwhile, the lab that runs is found and taken down.
    edit(topology, "    erp:\n", "    renamed:\n")
    assert stat.S_IMODE((lab.folder / "secrets" / "conduit-firewall").stat().st_mode) == 0o600
    found = backends.attach("one", fresh / ".lab")
    assert found is not None
    assert found.identity == lab.identity
    backends.down("one", fresh / ".lab")
    assert host_state() == before
    assert not (fresh / ".lab" / "one").exists()
    assert backends.attach("one", fresh / ".lab") is None


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT], ids=["kill-9", "ctrl-c"])
def test_an_up_that_is_ended_half_way_leaves_nothing_that_down_does_not_take(
    fresh: Path, number: signal.Signals
) -> None:
    apart(fresh)
    before = host_state()
    argv = [sys.executable, "-m", "islandmode", "lab", "up", "--backend", "containerlab", "--lab", "half"]
    first = subprocess.Popen(argv, cwd=fresh, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until = time.monotonic() + PATIENCE_S
    while not docker.containers_of("half") and time.monotonic() < until:
        time.sleep(0.02)
    first.send_signal(number)
    first.wait(timeout=PATIENCE_S)
    if number is signal.SIGINT:
        assert docker.containers_of("half") == {}
    backends.down("half", fresh / ".lab")
    assert host_state() == before


def test_a_restart_keeps_links_and_saved_files_and_clears_what_was_running(lab: ContainerLab) -> None:
    kept = in_node(lab, "fw", "cat", "/etc/nftables.conf")
    links = sorted(row["ifname"] for row in json.loads(in_node(lab, "fw", "ip", "-j", "link")))
    in_node(lab, "fw", "sh", "-c", "echo 'table inet saved { }' >> /etc/nftables.conf; : > /run/running")
    in_node(lab, "fw", "nft", "add", "table", "inet", "running")
    in_node(lab, "fw", "ip", "addr", "add", "192.0.2.1/32", "dev", "eth1")
    backends.restart(lab, "fw")
    tables = in_node(lab, "fw", "nft", "list", "tables")
    assert "table inet saved" in tables
    assert "table inet running" not in tables
    assert "192.0.2.1" not in in_node(lab, "fw", "ip", "addr")
    assert in_node(lab, "fw", "ls", "/run/running", check=False) == ""
    assert sorted(row["ifname"] for row in json.loads(in_node(lab, "fw", "ip", "-j", "link"))) == links
    assert is_ready(lab)
    argv = lab.enter("fw", ("tee", "/etc/nftables.conf"))
    subprocess.run(argv, input=kept, text=True, check=True, capture_output=True, timeout=PATIENCE_S)
    backends.restart(lab, "fw")


def refusal(fresh: Path, name: str = "one") -> IslandmodeError:
    """Bring a lab up that cannot come up; nothing may be left."""
    before = host_state()
    files = sorted(path.name for path in (fresh / "lab").iterdir())
    with pytest.raises(IslandmodeError) as raised:
        containerlab.up(fresh / TOPOLOGY, name=name, state_dir=fresh / ".lab")
    assert host_state() == before
    assert not (fresh / ".lab" / name).exists()
    assert sorted(path.name for path in (fresh / "lab").iterdir()) == files
    assert "\n" not in str(raised.value)
    return raised.value


def test_a_missing_image_says_how_to_get_it(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    edit(fresh / TOPOLOGY, "islandmode-node:dev", "vendor/firewall:1")
    assert "Image vendor/firewall:1 is not on this machine; load it with `docker pull" in str(refusal(fresh))
    for image, how in OUR_IMAGES.items():
        with monkeypatch.context() as patched:
            patched.setattr(docker, "has_image", lambda asked, image=image: asked != image)
            edit(fresh / TOPOLOGY, "vendor/firewall:1", image)
            command = " ".join(("sh", str(fresh / how[0]), *how[1:]))
            assert f"Image {image} is not on this machine; build it with `{command}`." in str(refusal(fresh))
            edit(fresh / TOPOLOGY, image, "vendor/firewall:1")


def test_a_lab_of_the_same_name_elsewhere_is_named(lab: ContainerLab, fresh: Path) -> None:
    error = refusal(fresh, lab.name)
    assert isinstance(error, InputError)
    assert f"Another lab named {lab.name} is up, from {lab.topology.file.parent}" in str(error)
    assert is_ready(lab)


def test_a_lab_on_a_network_that_is_taken_is_refused_and_the_other_one_stays(lab: ContainerLab, fresh: Path) -> None:
    edit(fresh / TOPOLOGY, "network: islandmode-plant", "network: islandmode-other")
    error = refusal(fresh)
    assert isinstance(error, LabFailed)
    assert "172.31.255.0/24" in str(error) or "overlap" in str(error).lower()
    assert is_ready(lab)


def test_a_node_that_never_gets_ready_is_named(fresh: Path) -> None:
    topology = apart(fresh)
    edit(topology, "sh /run/plant/start.sh hmi", "true")
    edit(fresh / "lab/plant/ready.py", "PATIENCE_S = 12.0", "PATIENCE_S = 2.0")
    error = refusal(fresh)
    assert isinstance(error, LabFailed)
    assert "The lab came up but does not answer: hmi" in str(error)


def test_a_node_whose_boot_fails_is_named_with_its_own_words(fresh: Path) -> None:
    topology = apart(fresh)
    edit(topology, "sh /run/plant/start.sh erp", "sh /run/plant/start.sh nobody")
    edit(fresh / "lab/plant/ready.py", "PATIENCE_S = 12.0", "PATIENCE_S = 2.0")
    assert "erp did not boot: start.sh: no node nobody" in str(refusal(fresh))


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('"ops:eth1"', '"ops:eth0"', "is the management interface of ops"),
        ('"ops:eth1"', '"ops:a-name-far-too-long"', "names no interface of at most 15 characters"),
        (
            "    erp:\n      network-mode: none\n",
            "    erp:\n",
            "would be on the management network, a way round the firewall",
        ),
        ('"erp:eth1"', '"nobody:eth1"', "There is no node nobody; known nodes: erp,"),
        ("    ops:\n", "    operator:\n", "A lab needs a node ops, the operations host, where the conductor runs"),
        ("network-mode: none", "network-mode: host", 'network-mode can be "none", or "bridge"'),
    ],
)
def test_a_topology_that_can_be_no_lab_is_refused_with_its_place(
    fresh: Path, old: str, new: str, sentence: str
) -> None:
    edit(fresh / TOPOLOGY, old, new)
    error = refusal(fresh)
    assert isinstance(error, InputError)
    assert sentence in str(error)
    assert error.place is not None
    assert error.place.line > 0


def test_what_only_containerlab_can_tell_is_told_in_its_own_words(fresh: Path) -> None:
    apart(fresh)
    edit(fresh / TOPOLOGY, "kind: linux\n", "kind: linux\n    no-such-key: 1\n")
    assert "no-such-key" in str(refusal(fresh))


def program(folder: Path, name: str, text: str) -> None:
    """Make a program."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    (folder / name).chmod(0o755)


def said_by(fresh: Path, path: Callable[[Path], str], **more: str) -> subprocess.CompletedProcess[str]:
    """Bring a lab up by the command line with a search path of one's own."""
    argv = [sys.executable, "-m", "islandmode", "lab", "up", "--backend", "containerlab"]
    environment = {**os.environ, "PATH": path(fresh / "bin"), **more}
    return subprocess.run(
        argv, cwd=fresh, capture_output=True, text=True, check=False, timeout=PATIENCE_S, env=environment
    )


def one_sentence(ended: subprocess.CompletedProcess[str], sentence: str) -> None:
    """Show that the whole output is a single Islandmode sentence."""
    assert ended.returncode == 4, ended.stderr
    assert len(ended.stderr.splitlines()) == 1
    assert sentence in ended.stderr


def test_without_docker(fresh: Path) -> None:
    program(fresh / "bin", "sh", 'exec /bin/sh "$@"')
    one_sentence(said_by(fresh, str), "Docker is not installed; install it, or rehearse with --backend namespaces.")


def test_with_a_docker_that_is_not_started(fresh: Path) -> None:
    ended = said_by(fresh, lambda own: f"{own}:{os.environ['PATH']}", DOCKER_HOST="unix:///nowhere/docker.sock")
    one_sentence(ended, "Docker does not answer")


def test_with_an_old_docker(fresh: Path) -> None:
    program(fresh / "bin", "docker", "echo 1.38 18.06.1")
    ended = said_by(fresh, lambda own: f"{own}:{os.environ['PATH']}")
    one_sentence(ended, "Docker 18.06.1 is too old; 20.10 or newer is needed.")


def test_without_the_right_to_use_docker(fresh: Path) -> None:
    program(fresh / "bin", "docker", "echo 'permission denied while trying to connect to the daemon' >&2; exit 1")
    ended = said_by(fresh, lambda own: f"{own}:{os.environ['PATH']}")
    one_sentence(ended, "This account may not use Docker")


def test_without_containerlab(fresh: Path) -> None:
    ended = said_by(fresh, lambda _: os.environ["PATH"], XDG_CACHE_HOME=str(fresh / "empty"))
    build = fresh / "lab" / "build-containerlab"
    one_sentence(ended, f"Containerlab is not installed; install it, or build it with `sh {build}`.")


def test_an_unknown_back_end_lists_the_known_ones(fresh: Path) -> None:
    with pytest.raises(InputError, match="There is no back end podman; known back ends: namespaces, containerlab"):
        backends.up(fresh / TOPOLOGY, name="one", state_dir=fresh / ".lab", backend="podman")


def test_an_account_without_root_is_told_so(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(Refused, match="run this command as root"):
        containerlab.up(fresh / TOPOLOGY, name="one", state_dir=fresh / ".lab")
