"""Errands for a conductor in a container: what it needs done in other nodes while it has no hand of its own outside.

Whoever started the drill stays beside it. It keeps the conductor's standard input open as a lifeline: a signal that it gets
becomes a word on it, and its end ends the drill, which restores. And it listens on a socket in the lab's folder, which the
operations host sees: a process there sends a node, a command line and its own standard input and output, and the command
runs in that node with just these. Between them no byte is copied.

    python -m islandmode.rehearse.errand NODE COMMAND...     in the container, with the socket's name in the environment
"""

from __future__ import annotations

import array
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from islandmode.rehearse import docker
from islandmode.rehearse.lab import Lab

SOCKET_VARIABLE = "ISLANDMODE_ERRANDS"
LIFELINE_VARIABLE = "ISLANDMODE_LIFELINE"
TERMINAL = ("COLUMNS", "LINES", "TERM", "NO_COLOR")
PASSED_ON = ("PYTHONPATH", "PYTHONDONTWRITEBYTECODE")
PASSED_ON_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
REQUEST_BYTES = 65536


def ask_for(node: str, argv: tuple[str, ...]) -> tuple[str, ...]:
    """Give the command line that runs `argv` in another node, from within the operations host's container."""
    return (sys.executable, "-m", "islandmode.rehearse.errand", node, *argv)


def accompany(lab: Lab, container: str, argv: tuple[str, ...], *, lifeline: bool) -> int:
    """Run a command in a container and stay beside it to its end; returns its exit code."""
    environment = {name: os.environ[name] for name in TERMINAL if name in os.environ}
    if sys.stderr.isatty():
        size = os.get_terminal_size(sys.stderr.fileno())
        environment |= {"TTY_COMPATIBLE": "1", "COLUMNS": str(size.columns), "LINES": str(size.lines)}
    with errands(lab) as path:
        environment[SOCKET_VARIABLE] = str(path)
        if lifeline:
            environment[LIFELINE_VARIABLE] = "1"
        user = "" if os.geteuid() == 0 else f"{os.geteuid()}:{os.getegid()}"
        inside = docker.enter(container, argv, environment=environment, user=user)
        # Not of our process group: a terminal's Ctrl-C would end Docker's client, and the drill would lose its terminal.
        child = subprocess.Popen(
            inside, stdin=subprocess.PIPE if lifeline else subprocess.DEVNULL, start_new_session=True
        )
        with _signals_into(child):
            return child.wait()


@contextmanager
def _signals_into(child: subprocess.Popen[bytes]) -> Iterator[None]:
    """Turn signals into words on the child's lifeline."""

    def say(number: int, _: FrameType | None) -> None:
        if child.stdin is not None:
            # Whoever has gone hears nothing, and needs not.
            with suppress(OSError):
                os.write(child.stdin.fileno(), f"{signal.Signals(number).name}\n".encode())

    before = {number: signal.signal(number, say) for number in PASSED_ON_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def errands(lab: Lab) -> Iterator[Path]:
    """Listen for errands; yields the socket's path, which is the same in the operations host."""
    path = lab.folder.resolve() / f"errands-{os.getpid()}"
    with suppress(FileNotFoundError):
        path.unlink()
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        # By way of the open folder: the name of a socket may have no more than a hundred characters.
        listener.bind(f"/proc/self/fd/{folder}/{path.name}")
        listener.listen()
        threading.Thread(target=_listen, args=(listener, lab), name="errands", daemon=True).start()
        yield path
    finally:
        listener.close()
        os.close(folder)
        with suppress(FileNotFoundError):
            path.unlink()


def _listen(listener: socket.socket, lab: Lab) -> None:
    while True:
        try:
            asking, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_run, args=(asking, lab), name="errand", daemon=True).start()


def _run(asking: socket.socket, lab: Lab) -> None:
    """Do one errand: run what is asked for, until it ends or whoever asked has gone; then say how it ended."""
    with asking:
        message, passed, _, _ = socket.recv_fds(asking, REQUEST_BYTES, 2)
        try:
            request = json.loads(message)
            argv = docker.enter(
                _container(lab, request["node"]), tuple(request["argv"]), environment=request["environment"]
            )
            given, taken = passed
            child = subprocess.Popen(argv, stdin=given, stdout=taken, stderr=subprocess.DEVNULL, start_new_session=True)
        except (OSError, ValueError, KeyError) as error:
            asking.send(f"1 {error}".encode())
            return
        finally:
            for descriptor in passed:
                os.close(descriptor)
        threading.Thread(target=_watch, args=(asking, child), name="errand-watch", daemon=True).start()
        code = child.wait()
        with suppress(OSError):
            asking.send(f"{code} ".encode())


def _container(lab: Lab, node: str) -> str:
    lab.node(node)
    containers: dict[str, str] = getattr(lab, "containers", {})
    return containers[node]


def _watch(asking: socket.socket, child: subprocess.Popen[bytes]) -> None:
    """End the errand's client when whoever asked has gone; what runs in the node then sees the end of its input."""
    with suppress(OSError):
        asking.recv(1)
    with suppress(ProcessLookupError):
        child.terminate()


def main(argv: list[str]) -> int:
    """Have a command run in another node with our own standard input and output; returns its exit code."""
    node, *command = argv
    path = os.environ.get(SOCKET_VARIABLE, "")
    environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    request = json.dumps({"node": node, "argv": command, "environment": environment}).encode()
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as asking:
        os.chdir(os.path.dirname(path) or "/")  # noqa: PTH120 - its name alone is short enough for a socket
        asking.connect(os.path.basename(path))  # noqa: PTH119 - as above
        descriptors = array.array("i", [0, 1])
        asking.sendmsg([request], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, descriptors)])
        code, _, why = asking.recv(REQUEST_BYTES).decode().partition(" ")
    if why:
        sys.stderr.write(f"{why}\n")
    return int(code or 1)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except OSError as error:
        sys.exit(f"Nobody runs errands for this lab any more ({error.strerror}).")
