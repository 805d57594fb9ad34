"""The system's `ssh`, told everything by its command line: no configuration of a user or of the machine, no agent, no question.

Keys stay in this process's memory; `ssh` reads them there. What `ssh` itself says goes into memory too, apart from what the other
side says.
"""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from pathlib import Path

SAID_MAX_BYTES = 4096
FAILED = 255
"""The exit code by which ssh says that the way itself failed."""
NOT_FOUND = 127
"""The exit code by which a shell says that it does not know a program."""
CONNECT_S = 10


@dataclass(frozen=True)
class Hop:
    """An account on a host, and the private key that it takes."""

    host: str
    port: int
    user: str
    key: str


class OpenSsh:
    """A way to an account on a host, by no other than itself, or through one other host."""

    def __init__(self, to: Hop, known_hosts: Path, through: Hop | None = None) -> None:
        """Take the keys into memory; nothing is contacted yet."""
        self._to, self._through, self._known_hosts = to, through, known_hosts
        self._held: list[int] = []
        self._said = [self._memory("said", ""), self._memory("said-through", "")]
        self._keys = [self._memory("key", _with_end(hop.key)) for hop in (to, through) if hop is not None]

    def _memory(self, name: str, text: str) -> int:
        number = os.memfd_create(f"islandmode-{name}", os.MFD_CLOEXEC)
        self._held.append(number)
        # ssh takes no key that others could read.
        os.fchmod(number, 0o600)
        os.write(number, text.encode())
        return number

    def argv(self, command: str) -> list[str]:
        """Give the words that run a command there; what the last words said is forgotten."""
        for number in self._said:
            os.ftruncate(number, 0)
        through = self._through
        words = self._words(self._to, 0)
        if through is not None:
            # Not ProxyJump: the ssh that it starts would ask the user's own configuration and known hosts.
            way = [*self._words(through, 1), "-W", f"[{self._to.host}]:{self._to.port}", "--", through.host]
            words += ["-o", f"ProxyCommand={shlex.join(way).replace('%', '%%')}"]
        return [*words, "-T", "--", self._to.host, command]

    def _words(self, hop: Hop, at: int) -> list[str]:
        options = {
            "BatchMode": "yes",
            "StrictHostKeyChecking": "yes",
            "UserKnownHostsFile": _quoted(self._known_hosts),
            "GlobalKnownHostsFile": "none",
            "UpdateHostKeys": "no",
            "IdentitiesOnly": "yes",
            "IdentityAgent": "none",
            "IdentityFile": _path_of(self._keys[at]),
            "PreferredAuthentications": "publickey",
            "ControlPath": "none",
            "ForwardAgent": "no",
            "ForwardX11": "no",
            "ClearAllForwardings": "no" if at else "yes",
            "PermitLocalCommand": "no",
            "ConnectTimeout": str(CONNECT_S),
            "ServerAliveInterval": "5",
            "ServerAliveCountMax": "3",
            "LogLevel": "ERROR",
        }
        given = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
        return ["ssh", "-F", "none", "-E", _path_of(self._said[at]), *given, "-p", str(hop.port), "-l", hop.user]

    def why(self) -> str:
        """Say why the way failed, by what `ssh` said of it."""
        to, through = (self._text(number) for number in self._said)
        if through and self._through is not None:
            return _why(self._through, through, self._known_hosts)
        return _why(self._to, to, self._known_hosts)

    def _text(self, number: int) -> str:
        return os.pread(number, SAID_MAX_BYTES, 0).decode(errors="replace")

    def close(self) -> None:
        """Forget the keys; a second call has no effect."""
        while self._held:
            os.close(self._held.pop())


def _path_of(number: int) -> str:
    """Name a descriptor for a child: ssh closes what it inherits, but may open what its parent holds."""
    return f"/proc/{os.getpid()}/fd/{number}"


def _quoted(path: Path) -> str:
    # ssh splits this option at blanks, and reads % as the start of a token.
    return '"' + str(path).replace("%", "%%") + '"'


def _with_end(key: str) -> str:
    # Not formatted: a secret shows nothing of itself in that.
    return key if key.endswith("\n") else key + "\n"


def _why(hop: Hop, said: str, known_hosts: Path) -> str:
    where = f"{hop.user}@{hop.host} port {hop.port}"
    changed = (
        f"{hop.host} port {hop.port} shows another host key than {known_hosts}; find out why before anybody trusts it"
    )
    sentences = {
        "IDENTIFICATION HAS CHANGED": changed,
        "host key is known for": f"{known_hosts} holds no host key of {hop.host} port {hop.port}; `islandmode vantage trust` learns it",
        "has been revoked": f"the host key of {hop.host} port {hop.port} is marked as revoked in {known_hosts}",
        "Host key verification failed": changed,
        "invalid format": f"the key for {where} cannot be used (it is damaged, or asks for a passphrase)",
        "error in libcrypto": f"the key for {where} cannot be used (it is damaged, or asks for a passphrase)",
        "incorrect passphrase": f"the key for {where} asks for a passphrase",
        "Permission denied": f"{where} does not take the key",
        "Connection refused": f"{where} refuses connections",
        "timed out": f"{where} does not answer",
        "No route to host": f"{where} cannot be reached (no route)",
        "Network is unreachable": f"{where} cannot be reached (no route)",
        "Could not resolve": f"{where} is no address",
    }
    for words, sentence in sentences.items():
        if words in said:
            return sentence
    last = (said.strip().splitlines() or ["ssh gave no reason"])[-1]
    shown = "".join(character if character.isprintable() else "?" for character in last)[:200]
    return f"{where} cannot be logged in to ({shown})"
