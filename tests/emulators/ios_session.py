"""A session at the command line of an emulated IOS device: with and without rights, and in configuration."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from tests.emulators.device import CliSession, filtered
from tests.emulators.ios_configure import ConfigMode
from tests.emulators.ios_shows import NEED_RIGHTS, NO_CHANGE, SHOWN
from tests.emulators.ios_state import ConfigLock, IosState, RevertTimer
from tests.emulators.ios_words import Found, find, invalid

ENTERED = "Enter configuration commands, one per line.  End with CNTL/Z.\n"
NO_ARCHIVE = "%Turn config archive on before using Rollback Confirmed Change\n"
LOCKED = "Configuration mode locked exclusively. The lock will be cleared once you exit out of configuration mode using end/exit\n"
PIPE = re.compile(r"\s*\|\s*(include|exclude|begin)\s+(.+)$")
MINUTES_MOST = 120


class IosSession(CliSession):
    """A session."""

    more = " --More-- "
    after_more = "\b" * 10 + " " * 10 + "\b" * 10

    def __init__(self, device: IosState, number: int, user: str, *, is_enabled: bool) -> None:
        super().__init__(device, number, user)
        self._router = device
        self._is_enabled = is_enabled
        self._mode: ConfigMode | None = None
        self._asks: Callable[[str], str] | None = None
        self._question = ""
        self._length = 24
        self._tries = 0

    @property
    def prompt(self) -> str:
        """The name with `>` or `#`, the part of the configuration, or a question."""
        if self._asks is not None:
            return self._question
        if self._mode is not None:
            return self._mode.prompt
        return self._router.running.hostname + ("#" if self._is_enabled else ">")

    @property
    def page_lines(self) -> int | None:
        """As `terminal length` says; 0 is without pages."""
        return self._length or None

    def configures(self, line: str) -> bool:
        """All that is entered in configuration does, and what leads there, saves, confirms or restarts."""
        if self._mode is not None:
            return line.strip() not in {"", "end", "exit"}
        return bool(re.match(r"\s*(?:conf|wr|copy|reload|clear|erase|delete)", line))

    def ended(self) -> None:
        """Ctrl-Z leaves the configuration."""
        self._asks, self.hears_secret = None, False
        self._left()

    def _left(self) -> None:
        """Leave the configuration, and let others configure again."""
        self._mode, locked = None, self._router.config_lock
        if locked is not None and locked.holder is self:
            self._router.config_lock = None

    def interrupted(self) -> None:
        """Ctrl-C leaves it too."""
        self.ended()

    def answer(self, line: str) -> str:
        """Carry a line out."""
        line = line.strip()
        if self._asks is not None:
            ask, self._asks = self._asks, None
            self.hears_secret = False
            return ask(line)
        if self._mode is not None:
            return self._configure(line)
        if not line or line.startswith("!"):
            return ""
        return self._exec(line)

    def _configure(self, line: str) -> str:
        mode = self._mode
        if mode is None or line == "end":
            self._left()
            return ""
        if line == "exit":
            if not mode.part:
                self._left()
            return mode.go("", None)
        if line.startswith("do "):
            return self._exec(line[3:])
        return mode.enter(line)

    def _exec(self, line: str) -> str:
        pipe = PIPE.search(line)
        command = line[: pipe.start()] if pipe else line
        shown = {form: shows for form, shows in SHOWN.items() if self._is_enabled or form not in NEED_RIGHTS}
        done = COMMANDS if self._is_enabled else {form: COMMANDS[form] for form in WITHOUT_RIGHTS}
        found = find((*shown, *done), self.prompt, command)
        if not isinstance(found, Found):
            return found
        if found.form in done:
            return done[found.form](self, found.values)
        text = shown[found.form](self._router, found.values)
        if text is None:
            return invalid(self.prompt, command, len(command.split()) - 1)
        return filtered(text, pipe[1], pipe[2].strip()) if pipe else text

    # Commands.

    def _ask(self, question: str, then: Callable[[str], str], *, secret: bool = False) -> str:
        self._question, self._asks, self.hears_secret = question, then, secret
        return ""

    def _enable(self, values: tuple[str, ...]) -> str:
        if self._is_enabled or self._router.enable_secret is None:
            self._is_enabled = True
            return ""
        self._tries = 0
        return self._ask("Password: ", self._secret, secret=True)

    def _secret(self, typed: str) -> str:
        self._tries += 1
        if typed == self._router.enable_secret:
            self._is_enabled = True
            return ""
        if self._tries < 3:
            return self._ask("Password: ", self._secret, secret=True)
        return "% Bad secrets\n\n"

    def _disable(self, values: tuple[str, ...]) -> str:
        self._is_enabled = False
        return ""

    def _leave(self, values: tuple[str, ...]) -> str:
        self.is_over = True
        return ""

    def _width(self, values: tuple[str, ...]) -> str:
        return "" if values[0].isdigit() else invalid(self.prompt, f"terminal width {values[0]}", 2)

    def _terminal_length(self, values: tuple[str, ...]) -> str:
        if not values[0].isdigit():
            return invalid(self.prompt, f"terminal length {values[0]}", 2)
        self._length = int(values[0])
        return ""

    def _configure_terminal(self, values: tuple[str, ...]) -> str:
        return self._kept_out() or self._into_configuration()

    def _configure_locked(self, values: tuple[str, ...]) -> str:
        return self._kept_out() or self._into_configuration("configure terminal lock")

    def _into_configuration(self, lock: str = "") -> str:
        by = lock or ("configure terminal" if self._router.is_exclusive else "")
        if by and self.number:
            self._router.config_lock = ConfigLock(self.user, self.number, self, by)
        self._mode = ConfigMode(self._router, self.user)
        return (LOCKED if by else "") + ENTERED

    def _kept_out(self) -> str:
        """Say who has locked the configuration; empty where nobody else has."""
        locked = self._router.config_lock
        if locked is None or locked.holder is self or not self.number:
            return ""
        if self._router.says_lock_as_before_xe:
            return f"Configuration mode locked exclusively by user '{locked.user}' process '187' from terminal '{locked.line}'. Please try later.\n"
        return f"Configuration mode is locked by process '484' user '{locked.user}' from terminal '{locked.line}'. Please try later.\n"

    def _unlock(self, values: tuple[str, ...]) -> str:
        self._router.config_lock = None
        return ""

    def _configure_with_timer(self, values: tuple[str, ...]) -> str:
        kept_out = self._kept_out()
        if kept_out:
            return kept_out
        minutes = self._minutes(f"configure terminal revert timer {values[0]}", values[0])
        if isinstance(minutes, str):
            return minutes
        device = self._router
        if device.running.archive_path is None:
            return NO_ARCHIVE
        if device.timer is not None:
            return "%Error: a Rollback Confirmed Change is already pending\n"
        due_up_s = device.clock.up_s + 60 * minutes
        device.timer = RevertTimer(minutes, self.user, device.clock.local, due_up_s, device.running.copy())
        entered = self._into_configuration()
        backup = f"{device.running.archive_path}-1"
        return f"Rollback Confirmed Change: Backing up current running config to {backup}\n\n{entered}"

    def _minutes(self, line: str, told: str) -> int | str:
        if not told.isdigit() or not 1 <= int(told) <= MINUTES_MOST:
            return invalid(self.prompt, line, len(line.split()) - 1)
        return int(told)

    def _timer_anew(self, values: tuple[str, ...]) -> str:
        minutes = self._minutes(f"configure revert timer {values[0]}", values[0])
        device = self._router
        if isinstance(minutes, str):
            return minutes
        if device.timer is None:
            return NO_CHANGE
        clock = device.clock
        device.timer = replace(device.timer, minutes=minutes, told=clock.local, due_up_s=clock.up_s + 60 * minutes)
        return ""

    def _revert_now(self, values: tuple[str, ...]) -> str:
        if self._router.timer is None:
            return NO_CHANGE
        self._router.go_back()
        return "Rollback Confirmed Change: rolling back now\n"

    def _confirm(self, values: tuple[str, ...]) -> str:
        if self._router.timer is None:
            return NO_CHANGE
        self._router.timer = None
        return ""

    def _save(self, values: tuple[str, ...]) -> str:
        self._router.save()
        return "Building configuration...\n[OK]\n"

    def _copy(self, values: tuple[str, ...]) -> str:
        return self._ask("Destination filename [startup-config]? ", lambda _: self._save(()))

    def _reload(self, values: tuple[str, ...]) -> str:
        return self._ask("Proceed with reload? [confirm]", self._reload_confirmed)

    def _reload_confirmed(self, typed: str) -> str:
        if typed.lower() in {"", "y"}:
            self._router.restart()
        return ""


Does = Callable[[IosSession, tuple[str, ...]], str]
COMMANDS: Mapping[str, Does] = {
    "enable": IosSession._enable,
    "disable": IosSession._disable,
    "exit": IosSession._leave,
    "logout": IosSession._leave,
    "quit": IosSession._leave,
    "terminal width NUMBER": IosSession._width,
    "terminal length NUMBER": IosSession._terminal_length,
    "configure terminal": IosSession._configure_terminal,
    "configure terminal lock": IosSession._configure_locked,
    "clear configuration lock": IosSession._unlock,
    "configure terminal revert timer MINUTES": IosSession._configure_with_timer,
    "configure revert timer MINUTES": IosSession._timer_anew,
    "configure revert now": IosSession._revert_now,
    "configure confirm": IosSession._confirm,
    "write memory": IosSession._save,
    "write": IosSession._save,
    "copy running-config startup-config": IosSession._copy,
    "reload": IosSession._reload,
}
WITHOUT_RIGHTS = ("enable", "disable", "exit", "logout", "quit", "terminal width NUMBER", "terminal length NUMBER")
