"""The NAPALM driver: getters, and a candidate that is checked, compared, committed, confirmed and rolled back.

A *merge* candidate may only add tables of its own, and remove tables that an earlier commit of this driver added: its undo touches those
and nothing else, so that rules, counters and dynamic sets of the site survive. While a commit waits for its confirmation, the only commit
that is taken is one without a timer that removes all that the waiting commit added: it ends that commit. A *replace* candidate is the one
place where the whole ruleset is reloaded.
Nothing is written to the saved configuration: a reboot forgets every commit of this driver.
"""

from __future__ import annotations

import dataclasses
import secrets
import shlex
from pathlib import Path
from typing import Any, Literal, NoReturn

from napalm.base import NetworkDriver
from napalm.base.exceptions import CommandErrorException, CommitError, MergeConfigException, ReplaceConfigException

from napalm_nftables import facts, latest, ruleset, scripts
from napalm_nftables.firewall import Firewall, Programs
from napalm_nftables.link import DeviceLink
from napalm_nftables.napalm_errors import NapalmLink, as_napalm
from napalm_nftables.transport import Login

Kind = Literal["merge", "replace"]


class NftablesDriver(NetworkDriver):  # type: ignore[misc]  # napalm is untyped
    """A Linux firewall with nftables.

    optional_args: `port`; `alt_key_file`, the known-hosts file (without it the user's own); `key_file` or `key` (PEM
    text) and `passphrase`; `become`, "sudo" or "root"; `nft`, `saved_config` and `state_dir`, paths on the device;
    `candidate_life`, the seconds after its loading in which a candidate can be committed: later the device refuses it, however
    long the commit was on its way.
    """

    def __init__(
        self,
        hostname: str,
        username: str,
        password: str,
        timeout: int = 60,
        optional_args: dict[str, Any] | None = None,
    ) -> None:
        """Know the device; nothing is contacted before `open`."""
        options = optional_args or {}
        known_hosts = options.get("alt_key_file")
        login = Login(
            host=hostname,
            port=int(options.get("port", 22)),
            user=username,
            timeout_s=float(timeout),
            password=password or "",
            key=options.get("key") or options.get("key_file"),
            passphrase=options.get("passphrase"),
            known_hosts=Path(known_hosts) if known_hosts else None,
        )
        become = str(options.get("become", "sudo"))
        if become not in {"sudo", "root"}:
            raise ValueError(f'optional_args["become"] is "sudo" or "root", not "{become}".')
        paths = {name: str(options[name]) for name in ("nft", "saved_config") if name in options}
        self.firewall = Firewall(login, Programs(become=become, **paths), NapalmLink)
        self.hostname, self.username, self.timeout = hostname, username, timeout
        self.platform = "nftables"
        self.profile = [self.platform]
        home = '"$HOME/.napalm_nftables"' if become == "sudo" else "/run/napalm_nftables"
        state_dir = shlex.quote(str(options["state_dir"])) if "state_dir" in options else home
        self._place = scripts.Place(self.nft, state_dir)
        self.candidate_life_s = float(options["candidate_life"]) if "candidate_life" in options else None
        """May be set anew before a candidate is loaded; None where a commit may take its time."""
        self._before_s: float | None = None
        self._candidate: tuple[Kind, str] | None = None

    @property
    def link(self) -> DeviceLink:
        """Connection to the device."""
        return self.firewall.link

    @property
    def nft(self) -> str:
        """Write how nft is called on the device."""
        return self.firewall.nft

    def open(self) -> None:
        """Log in: host key first, then one attempt."""
        self.firewall.open()

    def close(self) -> None:
        """End the connection; a commit that waits for its confirmation goes on waiting on the device."""
        self.firewall.close()

    def is_alive(self) -> dict[str, bool]:
        """Tell whether the connection stands."""
        return {"is_alive": self.link.alive}

    def cli(self, commands: list[str], encoding: str = "text") -> dict[str, Any]:
        """Run commands as the login user and return their output."""
        if encoding != "text":
            raise NotImplementedError(f"{encoding} is not a supported encoding; only text is.")
        return {command: self._read(command) for command in commands}

    def get_facts(self) -> dict[str, Any]:
        """Read host name, versions, uptime and interface names."""
        with as_napalm():
            return self.firewall.facts()

    def get_interfaces(self) -> dict[str, dict[str, Any]]:
        """Read the interfaces."""
        return facts.interfaces(self._read(facts.INTERFACES_COMMAND))

    def get_interfaces_ip(self) -> dict[str, Any]:
        """Read the interfaces' addresses."""
        return facts.addresses(self._read(facts.ADDRESSES_COMMAND))

    def get_config(
        self,
        retrieve: str = "all",
        full: bool = False,  # noqa: FBT001, FBT002 - NAPALM's signature, here and below
        sanitized: bool = False,  # noqa: FBT001, FBT002
        format: str = "text",  # noqa: A002
    ) -> dict[str, str]:
        """Read the running ruleset, the saved one and the candidate; `full` adds handles, which a reload changes."""
        if format != "text":
            raise NotImplementedError(f"{format} is not a supported format; only text is.")
        config = {"running": "", "startup": "", "candidate": ""}
        if retrieve in {"all", "running"}:
            config["running"] = self._running(full=full)
        if retrieve in {"all", "startup"}:
            with as_napalm():
                config["startup"] = self.firewall.loaded_by(self.firewall.saved_files())
        if retrieve in {"all", "candidate"} and self._candidate is not None:
            config["candidate"] = self._candidate[1]
        return config

    def load_merge_candidate(self, filename: str | None = None, config: str | None = None) -> None:
        """Take a candidate that adds tables of its own, or removes such tables again, after the device has loaded it in a scratch namespace."""
        text = _candidate_text(filename, config, MergeConfigException)
        self._begin_life()
        self._check_merge(*self._preview("merge", text))
        self._candidate = ("merge", text)

    def load_replace_candidate(self, filename: str | None = None, config: str | None = None) -> None:
        """Take a whole new ruleset, after the device has loaded it in a scratch namespace."""
        text = _candidate_text(filename, config, ReplaceConfigException)
        self._begin_life()
        self._preview("replace", text)
        self._candidate = ("replace", text)

    def compare_config(self) -> str:
        """Return what the candidate would change, worked out on the device without touching its ruleset."""
        if self._candidate is None:
            return ""
        return ruleset.diff(*self._preview(*self._candidate))

    def commit_config(self, message: str = "", revert_in: int | None = None) -> None:
        """Apply the candidate; with `revert_in` the device itself takes it back unless it is confirmed in time."""
        if self._candidate is None:
            raise CommitError("There is no candidate to commit.")
        if revert_in is not None and revert_in < 1:
            raise CommitError(f"revert_in is a number of seconds from 1 on, not {revert_in}.")
        kind, text = self._candidate
        change = self._merge(text, revert_in) if kind == "merge" else self._replacement(text)
        change = dataclasses.replace(change, note=" ".join(message.split()), before_s=self._before_s)
        self._script(scripts.commit(self._place, change, revert_in))
        self._candidate = None

    def _merge(self, text: str, revert_in: int | None) -> scripts.Change:
        before, after = self._preview("merge", text)
        own = self._check_merge(before, after)
        removed = ruleset.removed_tables(before, after)
        undo = ruleset.removal(own)
        if removed:
            undo += ruleset.return_of(removed, self._read(f"{self.nft} list ruleset"))
        return scripts.Change(
            secrets.token_hex(8),
            ruleset.guarded(text, own),
            undo,
            ends="" if revert_in is not None or own else self._taken_back_by(after),
            adds=own,
            removes=removed,
        )

    def _replacement(self, text: str) -> scripts.Change:
        # With counters and timers: a reload is the only undo here, and should lose as little as possible.
        undo = f"flush ruleset\n{self._read(f'{self.nft} list ruleset')}"
        return scripts.Change(secrets.token_hex(8), f"flush ruleset\n{text}", undo)

    def _taken_back_by(self, after: str) -> str:
        """Name the waiting commit of which nothing would be left; empty where none waits, or something of it would."""
        answer = self.link.run("sh -s", scripts.waiting(self._place))
        if answer.code != 0:
            return ""
        token, _, undo = answer.stdout.partition("\n")
        adds = ruleset.removed_by(undo)
        return token if adds and not set(adds) & set(ruleset.tables(after)) else ""

    def confirm_commit(self) -> None:
        """Keep a commit that waits for its confirmation."""
        self._script(scripts.confirm(self._place))

    def has_pending_commit(self) -> bool:
        """Tell whether the device holds a commit that waits for its confirmation, made by this client or another."""
        return bool(self.link.run("sh -s", scripts.pending(self._place)).code == 0)

    def discard_config(self) -> None:
        """Forget the candidate."""
        self._candidate = None

    def rollback(self) -> None:
        """Take back the commit that waits for its confirmation, or else the last one."""
        self._script(scripts.rollback(self._place))

    def _read(self, command: str) -> str:
        with as_napalm():
            return self.firewall.read(command)

    def _running(self, *, full: bool = False) -> str:
        with as_napalm():
            return self.firewall.running(full=full)

    def _script(self, script: str) -> None:
        """Run a script that changes something; NAPALM wants a CommitError for every refusal."""
        answer = self.link.run("sh -s", script)
        if answer.code != 0:
            raise CommitError(_REFUSALS.get(answer.code, "The device refused.") + f" ({answer.why})")

    def _preview(self, kind: Kind, text: str) -> tuple[str, str]:
        """Return the ruleset as it is and as it would be, both as the device lists them in a scratch namespace."""
        running = self._running()
        candidate = text if kind == "merge" else f"flush ruleset\n{text}"
        names: tuple[str, ...] = ()
        if ruleset.needs_interfaces({"running": running, "candidate": text}):
            names = tuple(name for name in self.get_interfaces() if name != "lo")
        mark = f"mark{secrets.token_hex(8)}"
        script = scripts.preview(self.firewall.plain_nft, running, candidate, mark, names)
        answer = self.link.run(self.firewall.privileged("unshare -n -- /bin/sh -s"), script)
        if answer.code != 0:
            _refuse(kind, answer.code, answer.why)
        before, _, after = answer.stdout.partition(f"{mark}\n")
        return before, after

    def _begin_life(self) -> None:
        """Forget the candidate before, and note until when the next may be committed."""
        self._candidate = self._before_s = None
        if self.candidate_life_s is not None:
            with as_napalm():
                self._before_s = latest.uptime_s(self.firewall) + self.candidate_life_s

    def _check_merge(self, before: str, after: str) -> tuple[ruleset.Table, ...]:
        try:
            removable = self._added() if ruleset.removed_tables(before, after) else ()
            return ruleset.own_tables(before, after, removable)
        except ValueError as touched:
            raise MergeConfigException(
                f"A merge may only add tables of its own, or remove those again, and this one changes {touched}: taking it back would undo "
                "other people's edits. Put the rules into a table of their own, or use load_replace_candidate."
            ) from None

    def _added(self) -> tuple[ruleset.Table, ...]:
        """Name the tables that commits of this driver added since the device started."""
        told = (line.split() for line in self._read_script(scripts.added(self._place)).splitlines())
        return tuple((words[0], words[1]) for words in told if len(words) == 2)

    def _read_script(self, script: str) -> str:
        answer = self.link.run("sh -s", script)
        if answer.code != 0:
            raise CommandErrorException(
                f"{self.hostname}: what the driver keeps on the device could not be read: {answer.why}"
            )
        return str(answer.stdout)


_REFUSALS = {
    scripts.NO_STATE: "The driver cannot keep its state on the device, or another commit is in progress.",
    scripts.PENDING: "A commit is already waiting for its confirmation on the device: confirm it or roll it back first.",
    scripts.NOT_PENDING: "No commit is waiting on the device, and none of this boot can be taken back.",
    scripts.NOT_APPLIED: "The device refused the candidate; nothing was changed.",
    scripts.NOT_UNDONE: "The device refused the undo: the commit is still in force.",
    scripts.TOO_LATE: "The candidate reached the device after its time; nothing was changed.",
    scripts.NO_TIMER: "The timer did not start on the device; nothing was changed.",
}


def _refuse(kind: Kind, code: int, why: str) -> NoReturn:
    error = MergeConfigException if kind == "merge" else ReplaceConfigException
    if code == scripts.BAD_CANDIDATE:
        raise error(f"The device does not accept the candidate: {why}")
    raise error(f"The candidate cannot be tried in a scratch namespace on the device: {why}")


def _candidate_text(filename: str | None, config: str | None, error: type[Exception]) -> str:
    try:
        text = Path(filename).read_text(encoding="utf-8") if filename else config
    except (OSError, UnicodeDecodeError) as failure:
        raise error(f"The candidate file cannot be read: {failure}") from None
    if not text or not text.strip():
        raise error("The candidate is empty.")
    return text
