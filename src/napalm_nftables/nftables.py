"""The driver. How a change is made so that it can always be taken back:

1. the candidate is tried in a scratch network namespace on the device, which gives the true diff and the tables touched;
2. the undo script is written to /run on the device, and a detached timer that will run it is started;
3. only then is the candidate loaded. The timer, `confirm_commit` and `rollback` each claim the undo by renaming one file,
   so that exactly one of them wins. The timer needs neither this client nor the management link.

A restart of the device forgets both the change and the timer, as long as nobody saved the running ruleset.
"""

from __future__ import annotations

import secrets
import shlex
from pathlib import Path
from typing import Any

from napalm.base import NetworkDriver
from napalm.base.exceptions import CommandErrorException, CommitError, MergeConfigException, ReplaceConfigException

from napalm_nftables import getters
from napalm_nftables.ruleset import diff_of, undo_of, whole_undo_of
from napalm_nftables.transport import Address, NftChannel, Transport

STATE = "/run/napalm-nftables"
SCRATCH = "unshare -n sh -c '{nft} -f \"$1\"/running && {nft} -f \"$1\"/candidate && {nft} -s list ruleset' sh"


class NftablesDriver(NetworkDriver):  # type: ignore[misc]  # napalm ships no types
    """NAPALM driver for nftables over SSH.

    Optional arguments: `port`; `alt_key_file`, a known-hosts file (required: host keys are always checked);
    `key_file`, a private key; `become`, "sudo" (default) or "root"; `nft_path`; `startup_path`.
    """

    def __init__(
        self,
        hostname: str,
        username: str,
        password: str | None,
        timeout: int = 60,
        optional_args: dict[str, Any] | None = None,
    ) -> None:
        """Take NAPALM's arguments; nothing is contacted yet."""
        given = dict(optional_args or {})
        self.hostname, self.username, self.password, self.timeout = hostname, username, password, timeout
        known_hosts = given.get("alt_key_file")
        if not known_hosts:
            raise ValueError("optional_args needs alt_key_file, a known-hosts file: host keys are always checked")
        self._key_file: str | None = given.get("key_file")
        self._nft = str(given.get("nft_path", "/usr/sbin/nft"))
        self._startup = str(given.get("startup_path", "/etc/nftables.conf"))
        address = Address(hostname, int(given.get("port", 22)), username, Path(known_hosts))
        self._transport = Transport(address, str(given.get("become", "sudo")), timeout)
        self._candidate: str | None = None
        self._replaces = False
        self.platform = "nftables"
        self.profile = [self.platform]

    def open(self) -> None:
        """Connect and log in once."""
        self._transport.open(self.password, self._key_file)

    def close(self) -> None:
        """End the connection; a pending commit stays pending, its timer runs on the device."""
        self._transport.close()

    def abandon(self) -> None:
        """Close the socket at once, from any thread, so that nothing more can be written through it."""
        self._transport.abandon()

    def is_alive(self) -> dict[str, bool]:
        """Tell whether the connection stands."""
        return {"is_alive": self._transport.alive}

    def open_channel(self) -> NftChannel:
        """Hold an `nft -j -i` open on this connection, for lines that must be in force at once."""
        return NftChannel(self._transport.channel(f"{self._nft} -j -i", root=True))

    def cli(self, commands: list[str], encoding: str = "text") -> dict[str, str]:
        """Run read-only commands as the login user and return what each printed."""
        if encoding != "text":
            raise NotImplementedError("only text is returned")
        return {command: self._transport.run(command) for command in commands}

    def track_sessions(self, arguments: list[list[str]]) -> int:
        """Run conntrack with each list of arguments and count the lines that it printed."""
        lines = 0
        for one in arguments:
            command = " ".join(shlex.quote(word) for word in ["/usr/sbin/conntrack", *one])
            try:
                lines += len(self._transport.run(command, root=True).splitlines())
            except CommandErrorException as error:
                # conntrack -D exits with 1 when nothing matched.
                if "0 flow entries" not in str(error):
                    raise
        return lines

    def get_facts(self) -> dict[str, Any]:
        """Return NAPALM's facts."""
        return getters.facts(self._transport.run, self._nft)

    def get_interfaces(self) -> dict[str, dict[str, Any]]:
        """Return NAPALM's interfaces."""
        return getters.interfaces(self._transport.run)

    def get_interfaces_ip(self) -> dict[str, dict[str, dict[str, dict[str, int]]]]:
        """Return NAPALM's addresses by interface and family."""
        return getters.interfaces_ip(self._transport.run)

    def get_config(
        self, retrieve: str = "all", full: bool = False, sanitized: bool = False, format: str = "text"  # noqa: A002, FBT001, FBT002, ARG002 - NAPALM's signature
    ) -> dict[str, str]:
        """Return the running ruleset, the saved one and the candidate, as text; nothing in them is secret."""
        found = {"running": "", "startup": "", "candidate": ""}
        if retrieve in {"all", "running"}:
            found["running"] = self._running()
        if retrieve in {"all", "startup"}:
            found["startup"] = self._transport.run(f"cat {shlex.quote(self._startup)} 2>/dev/null || true")
        if retrieve in {"all", "candidate"}:
            found["candidate"] = self._candidate or ""
        return found

    def load_merge_candidate(self, filename: str | None = None, config: str | None = None) -> None:
        """Take lines to add; raises `MergeConfigException` with nft's words when they do not load."""
        self._load(filename, config, replaces=False)

    def load_replace_candidate(self, filename: str | None = None, config: str | None = None) -> None:
        """Take a whole ruleset; raises `ReplaceConfigException` with nft's words when it does not load."""
        self._load(filename, config, replaces=True)

    def _load(self, filename: str | None, config: str | None, *, replaces: bool) -> None:
        text = config if config is not None else Path(str(filename)).read_text(encoding="utf-8")
        text = text if text.endswith("\n") else f"{text}\n"
        kind = ReplaceConfigException if replaces else MergeConfigException
        try:
            self._preview(f"flush ruleset\n{text}" if replaces else text)
        except CommandErrorException as error:
            raise kind(str(error)) from None
        self._candidate, self._replaces = (f"flush ruleset\n{text}" if replaces else text), replaces

    def compare_config(self) -> str:
        """Return the true diff: what the device's ruleset would be, against what it is. The device is not touched."""
        if self._candidate is None:
            return ""
        running, after = self._preview(self._candidate)
        return diff_of(running, after)

    def commit_config(self, message: str = "", revert_in: int | None = None) -> None:
        """Load the candidate; with `revert_in` (seconds) the device takes it back by itself unless confirmed."""
        if self._candidate is None:
            return
        if self.has_pending_commit():
            raise CommitError("a commit is pending on the device; confirm it or roll it back first")
        running, after = self._preview(self._candidate)
        undo = whole_undo_of(running) if self._replaces else undo_of(running, after)
        token = secrets.token_hex(8)
        self._put("undo", undo)
        self._put("candidate", self._candidate)
        try:
            self._transport.script(f"{self._nft} -c -f {STATE}/undo && {self._nft} -c -f {STATE}/candidate")
            self._transport.script(self._start(token, revert_in, message))
        except CommandErrorException as error:
            raise CommitError(str(error)) from None
        self._candidate = None

    def _start(self, token: str, revert_in: int | None, message: str) -> str:
        """Write the script that arms the timer and then loads the candidate; a refused candidate disarms it."""
        note = f"printf '%s\\n' {shlex.quote(f'{token} {message}')}"
        if revert_in is None:
            return f"{note} > {STATE}/last; mv {STATE}/undo {STATE}/undo.last; {self._nft} -f {STATE}/candidate"
        wait = f"sleep {int(revert_in)}; grep -q ^{token} {STATE}/pending && mv {STATE}/pending {STATE}/fired && {self._nft} -f {STATE}/undo"
        timer = f"setsid -f sh -c {shlex.quote(wait)} </dev/null >/dev/null 2>&1"
        return f"rm -f {STATE}/fired; {note} > {STATE}/pending; {timer}; {self._nft} -f {STATE}/candidate || {{ rm -f {STATE}/pending; exit 1; }}"

    def confirm_commit(self) -> None:
        """Keep a pending commit; raises `CommitError` when none is pending, for instance because the timer fired."""
        try:
            self._transport.script(f"mv {STATE}/pending {STATE}/confirmed && mv {STATE}/undo {STATE}/undo.last")
        except CommandErrorException:
            raise CommitError("no commit is pending: it was confirmed, rolled back, or the device took it back") from None

    def has_pending_commit(self) -> bool:
        """Ask the device whether a commit is pending."""
        return self._transport.script(f"test -e {STATE}/pending && echo yes || true").strip() == "yes"

    def discard_config(self) -> None:
        """Forget the candidate; a pending commit is not touched."""
        self._candidate = None

    def rollback(self) -> None:
        """Take back the pending commit, or else the last one; only what that commit touched."""
        script = (
            f"if mv {STATE}/pending {STATE}/rolled 2>/dev/null; then {self._nft} -f {STATE}/undo; "
            f"elif mv {STATE}/undo.last {STATE}/undo.done 2>/dev/null; then {self._nft} -f {STATE}/undo.done; "
            "else echo nothing to roll back >&2; exit 1; fi"
        )
        try:
            self._transport.script(script)
        except CommandErrorException as error:
            raise CommitError(str(error)) from None

    def _running(self) -> str:
        return self._transport.run(f"{self._nft} -s list ruleset", root=True)

    def _preview(self, candidate: str) -> tuple[str, str]:
        """Return the running ruleset and what the candidate would make of it, tried in a namespace of its own."""
        running = self._running()
        folder = self._transport.script(f"mkdir -p {STATE} && chmod 700 {STATE} && mktemp -d {STATE}/try.XXXXXX").strip()
        try:
            self._transport.script(f"cat > {folder}/running", stdin=running)
            self._transport.script(f"cat > {folder}/candidate", stdin=candidate)
            after = self._transport.script(f"{SCRATCH.format(nft=self._nft)} {folder}")
        finally:
            self._transport.script(f"rm -rf {folder}")
        return running, after

    def _put(self, name: str, text: str) -> None:
        self._transport.script(f"mkdir -p {STATE} && chmod 700 {STATE} && cat > {STATE}/{name}", stdin=text)
