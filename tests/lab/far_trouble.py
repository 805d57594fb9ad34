"""Trouble on a host that is logged in to: what stands there in place of Python, and what its owner or a stranger does to it.

Every login to such a host ends in `PYTHON`, a program of the test's own, which does one thing otherwise than an honest host and
leaves all else to the Python that is there. Its words are those of observe/ssh_reach.py: `-I WORKER VERB RUN VANTAGE`.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from contextlib import contextmanager

from tests.lab.far_vantages import ACCOUNT, HOSTS, SERVER, FarPlant

PYTHON = "/run/witness-python"
TRUE = "/usr/bin/python3"
HONEST = f'exec {TRUE} "$@"'
HOUR_S = 3600


def instead(verb: str, text: str) -> str:
    """Do something else where this verb is asked for; `$@` is what was asked."""
    return f'if [ "$3" = {verb} ]; then\n{text}\nfi\n{HONEST}'


def program(text: str) -> str:
    """Run a program of Python in place of the worker; its arguments are what was asked."""
    return f"exec {TRUE} -c '{textwrap.dedent(text)}' \"$@\""


REAL = f"""
import gzip, io, json, subprocess, sys
sys.path.insert(0, sys.argv[2])
from islandmode.core import spool_rows
asked = lambda verb: subprocess.run(["{TRUE}", *sys.argv[1:3], verb, *sys.argv[4:]], stdout=subprocess.PIPE).stdout
def segments(told):
    told = io.BytesIO(told)
    while (words := told.readline().split())[0] == b"segment":
        data = told.read(int(words[2]))
        yield words[1], gzip.decompress(data) if words[1].endswith(b".gz") else data
def say(found, how):
    out = sys.stdout.buffer
    for name, plain in found:
        data = gzip.compress(plain) if name.endswith(b".gz") else plain
        out.write(b"segment %s %d\\n" % (name, len(data)) + data)
    out.write(b"ended %s\\n" % how)
"""
"""What a hostile host builds on: what its worker truly has, and the form in which it is asked for."""

ENDLESS = instead("collect", "echo segment 000001.part 999999999999; exec cat /dev/zero")
MALFORMED = instead("collect", "echo '{\"samples\": []}'; exit 0")
FOREIGN = instead(
    "collect",
    program(
        REAL
        + """
say([(name, plain.replace(sys.argv[4].encode(), b"2026-01-01T000000Z-another-0000", 1)) for name, plain in segments(asked("collect"))], b"asked")
"""
    ),
)
REPLAYED = f"""
if [ "$3" = look ]; then
  {TRUE} "$@"
  rm -rf /run/witness/kept
  exec cp -r "/run/witness/.cache/islandmode/spools/$4/$5" /run/witness/kept
fi
if [ "$3" = collect ]; then
  {TRUE} "$@" >/dev/null
  for each in /run/witness/kept/0*; do
    echo "segment $(basename $each) $(stat -c %s $each)"
    cat $each
  done
  echo ended asked
  exit 0
fi
{HONEST}"""
"""An earlier copy, of before anything was isolated, in place of what its worker saw since."""
RECHAINED = instead(
    "collect",
    program(
        REAL
        + """
found, previous, key = [], spool_rows.FIRST, b"k" * 32
for name, plain in segments(asked("collect")):
    head, *rows, seal = plain.splitlines(keepends=True)
    told = json.loads(head)
    body = spool_rows.header(told["run"], told["vantage"], told["segment"], previous, told["at_us"], told["probes"])
    body += b"".join(rows).replace(json.dumps("bad").encode(), json.dumps("unknown").encode())
    mac = spool_rows.begun(key, previous)
    mac.update(body)
    previous = mac.hexdigest()
    found.append((name, body + spool_rows.seal(len(rows), previous, json.loads(seal).get("ended", ""))))
say(found, b"asked")
"""
    ),
)
OLD_PYTHON = f"""
if [ "$2" = -c ]; then
  shift 2
  exec {TRUE} -c "import sys
sys.version_info = (3, 8, 10)
$1"
fi
{HONEST}"""
KILLS_WHAT_A_SESSION_LEAVES = instead("run", f'{TRUE} "$@"\ncode=$?\npkill -KILL -u {ACCOUNT} -x python3\nexit $code')
"""What logind does with KillUserProcesses=yes: whatever the login started ends with it."""
HOUR_OFF = f"""
if [ "$2" != -c ]; then
  exec {TRUE} -c 'import runpy, sys, time
true_ns = time.time_ns
time.time_ns = lambda: true_ns() + {HOUR_S} * 10**9
sys.argv = sys.argv[2:]
runpy.run_path(sys.argv[0], run_name="__main__")' "$@"
fi
{HONEST}"""
RUNS_APART = """
if [ "$2" != -c ]; then
  exec /usr/bin/python3 -c 'import runpy, sys, time
true_ns = time.monotonic_ns
time.monotonic_ns = lambda: {began} + round((true_ns() - {began}) * {rate})
sys.argv = sys.argv[2:]
runpy.run_path(sys.argv[0], run_name="__main__")' "$@"
fi
"""
SLOW_S = 1.2
SLOW = f"""
case "$3" in run | collect | end)
  {TRUE} -c 'import sys, time
for line in sys.stdin:
    time.sleep({SLOW_S}); print(line, end="", flush=True)
    if line[0] not in "?k":
        break' | {TRUE} "$@"
  exit $? ;;
esac
sleep {SLOW_S}
{HONEST}"""
"""Each line arrives late, and with it each answer about its clocks."""


def puts(plant: FarPlant, node: str, text: str = HONEST) -> None:
    """Let every login of a host end in this shell program."""
    command = f'printf %s "$1" >{PYTHON}.new && chmod 755 {PYTHON}.new && mv {PYTHON}.new {PYTHON}'
    plant.on(node, "sh", "-ec", command, "sh", f"#!/bin/sh\n{text}\n")


def runs_apart(plant: FarPlant, node: str, ppm: float) -> None:
    """Let a host's clock go faster than it should, or slower, from now on."""
    began = plant.on(node, TRUE, "-c", "import time; print(time.monotonic_ns())").strip()
    puts(plant, node, RUNS_APART.format(began=began, rate=1 + ppm / 1_000_000) + HONEST)


def restarts(plant: FarPlant, node: str) -> None:
    """Restart a host, as far as its worker and its login can tell: all that ran is gone, and the boot is another."""
    plant.on(node, "sh", "-ec", REBOOT)


REBOOT = f"""
pkill -KILL -u {ACCOUNT} || true
cat /proc/sys/kernel/random/uuid >/run/another-boot
mount --bind /run/another-boot /proc/sys/kernel/random/boot_id
"""
RUNS_ON = "umount /proc/sys/kernel/random/boot_id; rm -f /run/another-boot"


def takes_no_login(plant: FarPlant, node: str) -> None:
    """End a host's SSH server."""
    plant.on(node, "sh", "-ec", 'kill "$(cat /run/witness-sshd.pid)"')


def takes_logins(plant: FarPlant, node: str, key: str = "/run/witness-host-key") -> None:
    """Begin it again, perhaps with another host key."""
    plant.on(node, "sh", "-ec", SERVER.format(key=key, address=HOSTS[node]))


def shows_another_key(plant: FarPlant, node: str) -> None:
    """Let a host show another key than it did."""
    takes_no_login(plant, node)
    plant.on(node, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "/run/witness-host-key-other")
    takes_logins(plant, node, "/run/witness-host-key-other")


def locks(plant: FarPlant, node: str) -> None:
    """Lock the account that is logged in to."""
    plant.on(node, "mv", "/run/witness-keys", "/run/witness-keys-locked")


def unlocks(plant: FarPlant, node: str) -> None:
    """Unlock it."""
    plant.on(node, "mv", "/run/witness-keys-locked", "/run/witness-keys")


@contextmanager
def small_disk(plant: FarPlant, node: str, size: str) -> Iterator[None]:
    """Let the account's folder be a small disk of its own."""
    home = f"/run/{ACCOUNT}"
    plant.on(node, "sh", "-ec", f"mount -t tmpfs -o size={size},mode=700,uid=$(id -u {ACCOUNT}) tmpfs {home}")
    try:
        yield
    finally:
        plant.on(node, "umount", "-l", home)
