"""The process that starts a drill in a container stays beside it: it passes signals in, runs errands for the drill, and its death is noticed.

It listens on a socket in the lab's folder, which the operations host sees. Two kinds of callers come from there:

* the conductor, once: the *starter's line*. The starter writes each signal that it gets to this line. When the line ends, for
  example because the starter was killed, the conductor restores. It needs no Docker: Ctrl-C works while the engine hangs.
* a process that needs a command run in another node, which nothing inside the lab can do: it sends the node, the command
  line, and its own standard input and output. The command runs there on these very descriptors; nothing is copied between them.

    python -m islandmode.rehearse.containers.errand NODE COMMAND...     in the container, with the socket's name in the environment
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
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from islandmode.core.errors import IslandmodeError
from islandmode.rehearse.containers import docker
from islandmode.rehearse.processes import is_alive
from islandmode.system import own_program

SOCKET_VARIABLE = "ISLANDMODE_ERRANDS"
TERMINAL = ("COLUMNS", "LINES", "TERM", "NO_COLOR")
PASSED_ON = ("PYTHONPATH", "PYTHONDONTWRITEBYTECODE")
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
REQUEST_BYTES = 65536
ENDED_WITHIN_S = 15.0
OURS, CODES = 64, range(8)
SAY_CODE = f'"$@"; exit $(({OURS} + $?))'
"""Docker's client has exit codes of its own, among them 1; the command's exit codes are moved to a range that it does not use."""

Container = Callable[[str], str]


def ask_for(node: str, argv: tuple[str, ...]) -> tuple[str, ...]:
    """Give the command line that runs `argv` in another node, from within the operations host's container."""
    return (sys.executable, "-m", "islandmode.rehearse.containers.errand", node, *argv)


def accompany(folder: Path, container_of: Container, host: str, argv: tuple[str, ...], *, drill: bool) -> int | None:
    """Run an islandmode command in a container and stay beside it to its end; None when it ended without an exit code of its own."""
    environment = _terminal() | {own_program.VARIABLE: own_program.program_anywhere()}
    desk = Desk(container_of)
    with desk.open(folder) if drill else _nothing() as path:
        if path is not None:
            environment[SOCKET_VARIABLE] = str(path)
        inside = docker.enter(host, ("sh", "-c", SAY_CODE, "sh", *_as_this_account(), *argv), environment=environment)
        sys.stdout.flush()
        # Not in this process group: a terminal's Ctrl-C would end Docker's client, and the drill would lose its terminal.
        child = subprocess.Popen(inside, stdin=subprocess.DEVNULL, start_new_session=True)
        desk.child = child
        with _heard(desk.say if drill else lambda _: child.terminate()):
            code = child.wait() - OURS
    return code if code in CODES else None


def _terminal() -> dict[str, str]:
    """Tell the command in the container of the terminal that its output ends on."""
    environment = {name: os.environ[name] for name in TERMINAL if name in os.environ}
    if sys.stderr is not None and sys.stderr.isatty():
        size = os.get_terminal_size(sys.stderr.fileno())
        environment |= {"TTY_COMPATIBLE": "1", "COLUMNS": str(size.columns), "LINES": str(size.lines)}
    return environment


def _as_this_account() -> tuple[str, ...]:
    """Run in the container as the current account and its groups: a run's files must belong to the account that started it."""
    if os.geteuid() == 0:
        return ()
    groups = ",".join(str(group) for group in os.getgroups())
    return ("setpriv", f"--reuid={os.geteuid()}", f"--regid={os.getegid()}", f"--groups={groups}", "--")


@contextmanager
def _nothing() -> Iterator[None]:
    yield None


@contextmanager
def _heard(say: Callable[[str], None]) -> Iterator[None]:
    """Pass signals to `say` instead of ending this process."""

    def handle(number: int, _: FrameType | None) -> None:
        say(signal.Signals(number).name)

    before = {number: signal.signal(number, handle) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@dataclass
class Desk:
    """Where a starter takes errands and holds the starter's line."""

    container_of: Container
    child: subprocess.Popen[bytes] | None = None
    _lines: list[socket.socket] = field(default_factory=list)
    _unsaid: list[str] = field(default_factory=list)

    @contextmanager
    def open(self, folder: Path) -> Iterator[Path]:
        """Listen; yields the socket's path, which is the same in the operations host."""
        path = folder / f"errands-{os.getpid()}"
        # Sockets left by starters that were killed, also by an earlier process with this process number.
        for left in folder.glob("errands-*"):
            if left == path or not is_alive(int(left.name.rpartition("-")[2])):
                left.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        # A process that may connect can run commands in every node: only this account and root may.
        mask = os.umask(0o177)
        try:
            with _short(path) as name:
                listener.bind(name)
        finally:
            os.umask(mask)
        try:
            listener.listen()
            threading.Thread(target=self._listen, args=(listener,), name="errands", daemon=True).start()
            yield path
        finally:
            listener.close()
            path.unlink(missing_ok=True)

    def say(self, word: str) -> None:
        """Say a word to the conductor, or as soon as it listens."""
        self._unsaid.append(word)
        for line in self._lines:
            self._say_all(line)

    def _say_all(self, line: socket.socket) -> None:
        # A conductor that has ended needs no signal.
        with suppress(OSError, IndexError):
            while self._unsaid:
                line.send(self._unsaid.pop(0).encode())

    def _listen(self, listener: socket.socket) -> None:
        while True:
            try:
                caller, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(caller,), name="errand", daemon=True).start()

    def _serve(self, caller: socket.socket) -> None:
        """Run an errand until it ends or its caller has gone, or hold the starter's line to its end."""
        passed: list[int] = []
        with caller:
            try:
                message, passed, _, _ = socket.recv_fds(caller, REQUEST_BYTES, 2)
                request = json.loads(message)
                if request.get("starter_line"):
                    self._hold(caller)
                else:
                    self._run(caller, request, passed)
            except (OSError, ValueError, KeyError, TypeError, IslandmodeError) as error:
                with suppress(OSError):
                    caller.send(f"1 {error}".encode())
            finally:
                for descriptor in passed:
                    with suppress(OSError):
                        os.close(descriptor)

    def _hold(self, caller: socket.socket) -> None:
        """Hold the starter's line; when it has ended and Docker's client does not, end the client."""
        self._lines.append(caller)
        self._say_all(caller)
        # A conductor that ends before it has read everything resets the line instead of closing it.
        with suppress(OSError):
            caller.recv(1)
        self._lines.remove(caller)
        if self.child is not None:
            try:
                self.child.wait(ENDED_WITHIN_S)
            except subprocess.TimeoutExpired:
                self.child.kill()

    def _run(self, caller: socket.socket, request: dict[str, object], passed: list[int]) -> None:
        container = self.container_of(str(request["node"]))
        argv, environment = request["argv"], request["environment"]
        if not isinstance(argv, list) or not isinstance(environment, dict):
            raise TypeError("an errand is a node, a list of words and an environment")
        given, taken = passed
        entered = docker.enter(container, tuple(argv), environment=environment)
        child = subprocess.Popen(entered, stdin=given, stdout=taken, stderr=subprocess.DEVNULL, start_new_session=True)
        while passed:
            os.close(passed.pop())
        threading.Thread(target=_watch, args=(caller, child), name="errand-watch", daemon=True).start()
        caller.send(f"{child.wait()} ".encode())


def _watch(caller: socket.socket, child: subprocess.Popen[bytes]) -> None:
    """End the errand's client when its caller has gone; the command in the node then reads the end of its input."""
    with suppress(OSError):
        caller.recv(1)
    with suppress(ProcessLookupError):
        child.terminate()


@contextmanager
def _short(path: Path) -> Iterator[str]:
    """Give a name for a socket by way of its open folder: it may have no more than a hundred characters."""
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def _call(*said: bytes) -> socket.socket:
    """Connect to the starter, from the operations host, and say something at once; raises OSError when it has gone."""
    calling = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        with _short(Path(os.environ[SOCKET_VARIABLE])) as name:
            calling.connect(name)
        for word in said:
            calling.send(word)
    except OSError:
        calling.close()
        raise
    return calling


def starter_line() -> socket.socket | None:
    """Connect the starter's line; None when no starter is outside. Raises OSError when the starter has gone."""
    if SOCKET_VARIABLE not in os.environ:
        return None
    return _call(b'{"starter_line": true}')


def main(argv: list[str]) -> int:
    """Run a command in another node on this process's standard input and output; returns its exit code."""
    node, *command = argv
    environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    request = json.dumps({"node": node, "argv": command, "environment": environment}).encode()
    with _call() as asking:
        descriptors = array.array("i", [0, 1])
        asking.sendmsg([request], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, descriptors)])
        code, _, why = asking.recv(REQUEST_BYTES).decode().partition(" ")
    if why:
        sys.stderr.write(f"{why}\n")
    return int(code or 1)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (OSError, KeyError) as error:
        sys.exit(f"The process that started this drill has ended, so no command can be run in another node ({error}).")
