"""What runs inside a lab's anchor: builds the nodes, and starts or restarts one of them.

A node is two processes. One holds its network namespace, with its links, for as long as the lab lives. The other is the
first process of its *userland*: own process ids, mounts, host name and, for far nodes, monotonic clock. A restart ends
the userland and clears the network's state; links and saved files stay. Saved files are what a node wrote to /etc,
/var, /root, /home and /tmp: copy-on-write over the machine's, kept in the anchor's memory. /run is new at every start.

Run as `python -m islandmode.rehearse.namespaces.anchor build|restart ...` by `backend.py`, with a JSON specification on stdin.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

HELD = Path("/run/islandmode-lab")
SAVED = ("etc", "var", "root", "home", "tmp")
BOOT_S = 60.0

USERLAND = r"""
set -e
mount --make-rprivate /
# Before anything is laid over the machine's folders: what is written into a bind is written there. One in a line, since a
# path may have spaces.
set -f; IFS="
"
i=0
for source in $BIND_SOURCES; do
  i=$((i + 1)); mkdir -p "$SAVED/binds/$i"; mount --rbind "$source" "$SAVED/binds/$i"
done
unset IFS; set +f
# In user namespaces a folder with mounts of the machine's in it, such as /var where Docker runs containers, can be laid over
# as a whole only by a folder that shows each of its entries.
show() {
  mkdir -p "$SAVED/shown.$1"; mount -t tmpfs -o mode=755 tmpfs "$SAVED/shown.$1"
  for from in "/$1"/* "/$1"/.[!.]*; do
    at="$SAVED/shown.$1/${from##*/}"
    if [ -L "$from" ]; then cp -P "$from" "$at"
    elif [ -d "$from" ]; then mkdir "$at"; mount --rbind "$from" "$at"
    elif [ -e "$from" ]; then : > "$at"; mount --bind "$from" "$at"
    fi
  done
  mount --rbind "$SAVED/shown.$1" "/$1"
}
for d in etc var root home tmp; do
  mount -t overlay overlay -o lowerdir=/$d,upperdir="$SAVED/$d.u",workdir="$SAVED/$d.w" /$d 2>"$SAVED/why" ||
    if [ $d != etc ] && grep -q " /$d/" /proc/self/mountinfo; then show $d; else cat "$SAVED/why" >&2; exit 1; fi
done
for f in passwd group shadow; do
  [ -e "$SAVED/own/$f" ] && mount --bind "$SAVED/own/$f" /etc/$f
done
# A folder of the node's own: in user namespaces the machine's folder has no mapped owner, and cannot be written.
if [ -d /etc/frr ]; then mkdir -p "$SAVED/frr"; mount --bind "$SAVED/frr" /etc/frr; fi
mkdir -p "$SAVED/run"; mount -t tmpfs -o mode=755 tmpfs "$SAVED/run"
set -f; IFS="
"
i=0
for target in $BIND_TARGETS; do
  i=$((i + 1)); at="$SAVED/run/${target#/run/}"; mkdir -p "$at"; mount --rbind "$SAVED/binds/$i" "$at"
  case "
$READ_ONLY
" in *"
$target
"*)
    # With what restricts the machine's own mount: in user namespaces that may not be lifted.
    mount -o "remount,bind,ro,$(findmnt --noheadings --first-only --output VFS-OPTIONS --mountpoint "$at" | sed 's/^rw,*//; s/ *$//')" "$at" ;;
  esac
done
unset IFS; set +f
mount --rbind "$SAVED/run" /run
mkdir -p /run/lock
mount -t proc proc /proc
mount -t sysfs sysfs /sys
hostname "$NODE"
: > /run/userland-is-up
while :; do sleep 60 & wait $!; done
"""


def main() -> None:
    """Do what the command line says; the specification comes on standard input."""
    specification = json.load(sys.stdin)
    if sys.argv[1] == "build":
        build(specification)
    else:
        restart(specification, sys.argv[2])


def build(spec: dict[str, Any]) -> None:
    """Build every node and link, boot them all, and print the processes to standard output."""
    nodes: dict[str, dict[str, Any]] = spec["nodes"]
    networks = {name: hold_network() for name in nodes}
    connect(spec, networks)
    for name, node in nodes.items():
        prepare_files(name, node)
    userlands = {name: start_userland(name, node, networks[name]) for name, node in nodes.items()}
    boots = {name: start_boot(node, userlands[name]) for name, node in nodes.items()}
    for name, boot in boots.items():
        finish_boot(name, boot)
    json.dump({"networks": networks, "userlands": userlands}, sys.stdout)


def hold_network() -> int:
    """Start the process that holds a node's network namespace."""
    null = subprocess.DEVNULL
    held = subprocess.Popen(["unshare", "-n", "sleep", "infinity"], stdin=null, stdout=null, stderr=null)
    mine = Path("/proc/self/ns/net").readlink()
    wait(lambda: Path(f"/proc/{held.pid}/comm").read_text(encoding="ascii").strip() == "sleep", "a network namespace")
    if Path(f"/proc/{held.pid}/ns/net").readlink() == mine:
        raise SystemExit("a network namespace of its own was not made")
    return held.pid


def connect(spec: dict[str, Any], networks: dict[str, int]) -> None:
    """Make the links directly in the nodes, and join the managed nodes to a bridge in the anchor's own network."""
    for a, interface_a, b, interface_b in spec["links"]:
        link = ["link", "add", interface_a, "type", "veth", "peer", "name", interface_b, "netns", str(networks[b])]
        in_network(networks[a], "ip", *link)
    run("ip", "link", "add", "mgmt", "type", "bridge", "forward_delay", "0", "mcast_snooping", "0")
    run("ip", "link", "set", "mgmt", "up")
    number = 0
    for name, node in spec["nodes"].items():
        if node["management"]:
            number += 1
            port = f"m{number}"
            run("ip", "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", str(networks[name]))
            run("ip", "link", "set", port, "master", "mgmt", "up")


def prepare_files(name: str, node: dict[str, Any]) -> None:
    """Lay out a node's saved files once; `files` are put into its /etc, `own` are bound over /etc."""
    saved = HELD / name
    for folder in SAVED:
        (saved / f"{folder}.u").mkdir(parents=True)
        (saved / f"{folder}.w").mkdir(parents=True)
    (saved / "root.u").chmod(0o700)
    (saved / "tmp.u").chmod(0o1777)
    own = saved / "own"
    own.mkdir()
    for path, (text, mode) in node["files"].items():
        target = own / path[4:] if path.startswith("own/") else saved / "etc.u" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        target.chmod(mode)


def start_userland(name: str, node: dict[str, Any], network: int) -> int:
    """Start a node's userland on its network, and return its first process."""
    environment = {
        **os.environ,
        **node["env"],
        "NODE": name,
        "SAVED": str(HELD / name),
        "BIND_SOURCES": "\n".join(source for source, _, _ in node["binds"]),
        "BIND_TARGETS": "\n".join(target for _, target, _ in node["binds"]),
        "READ_ONLY": "\n".join(target for _, target, mode in node["binds"] if mode == "ro"),
    }
    clock = ["--time", "--monotonic", str(node["clock_offset_s"])] if node["clock_offset_s"] else []
    argv = [
        "nsenter",
        "-t",
        str(network),
        "-n",
        "--",
        "unshare",
        "-m",
        "-p",
        "-u",
        *clock,
        "--fork",
        "--kill-child=KILL",
    ]
    null = subprocess.DEVNULL
    # Into a file: a pipe that every daemon inherits would keep a reader of this output waiting for ever.
    with (HELD / name / "userland.log").open("wb") as log:
        outer = subprocess.Popen(
            [*argv, "sh", "-c", USERLAND], stdin=null, stdout=null, stderr=log, env=environment, start_new_session=True
        )
    children = Path(f"/proc/{outer.pid}/task/{outer.pid}/children")
    wait(lambda: children.exists() and bool(children.read_text(encoding="ascii").split()), f"the userland of {name}")
    return int(children.read_text(encoding="ascii").split()[0])


def start_boot(node: dict[str, Any], userland: int) -> subprocess.Popen[str]:
    """Start a node's boot: sysctls, management addresses, then its exec lines one after the other."""
    lines = ["set -e", "while [ ! -e /run/userland-is-up ]; do sleep 0.01; done"]
    lines += [shlex.join(["sysctl", "-qw", f"{key}={value}"]) for key, value in node["sysctls"].items()]
    for address, length in node["management"]:
        more = " nodad" if ":" in address else ""
        lines.append(f"ip addr add {address}/{length} dev eth0{more}")
    lines += ["ip link set eth0 up"] if node["management"] else []
    # A line is a program and its words, without a shell, as in containerlab.
    lines += [shlex.join(shlex.split(line)) for line in node["exec"]]
    argv = ["nsenter", "-t", str(userland), "-n", "-m", "-p", "-u", *(["-T"] if node["clock_offset_s"] else [])]
    environment = {**os.environ, **node["env"]}
    null, pipe = subprocess.DEVNULL, subprocess.PIPE
    script = "\n".join(lines)
    return subprocess.Popen(
        [*argv, "sh", "-c", script],
        stdin=null,
        stdout=null,
        stderr=pipe,
        text=True,
        env=environment,
        start_new_session=True,
    )


def finish_boot(name: str, boot: subprocess.Popen[str]) -> None:
    """Wait until a node has booted; ends with the node's own error when it could not."""
    try:
        code = boot.wait(BOOT_S)
    except subprocess.TimeoutExpired:
        raise SystemExit(f"{name} did not boot within {BOOT_S:g} s {userland_said(name)}") from None
    if code != 0:
        said = boot.stderr.read().strip() if boot.stderr else ""
        # Name first what ended its userland: the other errors only follow from that.
        raise SystemExit(f"{name} did not boot: {userland_said(name) or said or f'exit status {code}'}")


def userland_said(name: str) -> str:
    """Read what went wrong before a node could boot at all."""
    return (HELD / name / "userland.log").read_text(encoding="utf-8", errors="replace").strip()


def restart(spec: dict[str, Any], name: str) -> None:
    """Restart one node: its userland ends, its network's running state is cleared, and it boots from saved files."""
    node, network, old = spec["nodes"][name], spec["networks"][name], spec["userlands"][name]
    os.kill(old, 9)
    wait(lambda: not Path(f"/proc/{old}/ns").exists() or is_zombie(old), f"the end of {name}")
    clear_network(network)
    userland = start_userland(name, node, network)
    finish_boot(name, start_boot(node, userland))
    json.dump({"networks": spec["networks"], "userlands": {**spec["userlands"], name: userland}}, sys.stdout)


def clear_network(network: int) -> None:
    """Clear what a power cycle clears: ruleset, tracked connections, addresses, routes, and made-up interfaces."""
    in_network(network, "nft", "flush", "ruleset")
    in_network(network, "conntrack", "-F", check=False)
    links = json.loads(in_network(network, "ip", "-j", "-d", "link", "show"))
    for link in links:
        kind = link.get("linkinfo", {}).get("info_kind")
        if kind == "bridge":
            in_network(network, "ip", "link", "del", link["ifname"])
        elif kind == "veth":
            in_network(network, "ip", "addr", "flush", "dev", link["ifname"])
            in_network(network, "ip", "link", "set", link["ifname"], "down")
    in_network(network, "ip", "link", "set", "lo", "down")


def is_zombie(pid: int) -> bool:
    """Tell whether a process has ended and only waits for its parent."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def in_network(network: int, *argv: str, check: bool = True) -> str:
    """Run a command in a network namespace and return what it printed."""
    return run("nsenter", "-t", str(network), "-n", "--", *argv, check=check)


def run(*argv: str, check: bool = True) -> str:
    """Run a command; ends with the command's own error when it fails."""
    done = subprocess.run(argv, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if check and done.returncode != 0:
        raise SystemExit(f"{' '.join(argv)}: {done.stderr.strip() or done.returncode}")
    return done.stdout


def wait(true: Any, what: str) -> None:
    """Wait in small steps until something is true; ends when it takes too long."""
    for _ in range(1000):
        try:
            if true():
                return
        except OSError:
            pass
        time.sleep(0.005)
    raise SystemExit(f"waited too long for {what}")


if __name__ == "__main__":
    main()
