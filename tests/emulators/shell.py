"""What a person or a program sees of a session: echo, prompts, pages, passwords that are not shown. One at each connection."""

from __future__ import annotations

import asyncio

import asyncssh

from tests.emulators.device import CliSession, Device

HELD_S = 0.01
CTRL_C, CTRL_Z, BACKSPACE = "\x03", "\x1a", ("\x08", "\x7f")


class HungUpError(Exception):
    """The other end is gone."""


class Shell:
    """Types what comes in into a session, key by key, and shows what it answers."""

    def __init__(self, device: Device, session: CliSession, process: asyncssh.SSHServerProcess[str]) -> None:
        self._device = device
        self._session = session
        self._process = process
        self._keys = ""

    async def run(self) -> None:
        """Go on until one of both ends is gone."""
        try:
            self._show(self._device.faults.text_at_login)
            await self._prompt()
            while not self._session.is_over:
                line = await self._line()
                if line is None:
                    await self._prompt()
                    continue
                reply = self._device.take(self._session, line)
                if reply.hangs_up:
                    self._process.channel.get_connection().abort()
                    return
                await self._while(held="answers_held")
                await self._page(reply.text)
                if not self._session.is_over:
                    await self._prompt()
            self._process.exit(0)
        except (HungUpError, BrokenPipeError, ConnectionError):
            pass
        finally:
            self._session.is_over = True

    def _show(self, text: str) -> None:
        self._process.stdout.write(text.replace("\r\n", "\n").replace("\n", "\r\n"))

    def _show_raw(self, text: str) -> None:
        self._process.stdout.write(text)

    async def _while(self, held: str) -> None:
        while getattr(self._device.faults, held) and not self._session.is_over:
            await asyncio.sleep(HELD_S)

    async def _prompt(self) -> None:
        faults = self._device.faults
        if faults.prompt_delay_s:
            await asyncio.sleep(faults.prompt_delay_s)
        await self._while(held="answers_held")
        await self._while(held="prompts_held")
        self._show(faults.text_among)
        self._show(self._session.prompt)
        behind, faults.text_behind = faults.text_behind, ""
        self._show(behind)

    async def _key(self) -> str:
        while not self._keys:
            try:
                self._keys = await self._process.stdin.read(1024)
            except asyncssh.TerminalSizeChanged:
                continue
            except (asyncssh.BreakReceived, asyncssh.SignalReceived):
                return CTRL_C
            if not self._keys:
                raise HungUpError
        key, self._keys = self._keys[0], self._keys[1:]
        return key

    async def _line(self) -> str | None:
        """Read a line as it is typed; None where it was given up."""
        typed: list[str] = []
        while True:
            key = await self._key()
            if key in "\r\n":
                # Both together are one Return; a second one that comes by itself is not.
                if key == "\r" and self._keys.startswith("\n"):
                    self._keys = self._keys[1:]
                self._show("\n")
                return "".join(typed)
            if key in {CTRL_C, CTRL_Z}:
                with self._device.lock:
                    (self._session.interrupted if key == CTRL_C else self._session.ended)()
                self._show("\n")
                return None
            if key in BACKSPACE:
                if typed and not self._session.hears_secret:
                    self._show_raw("\b \b")
                del typed[-1:]
                continue
            typed.append(key)
            if not self._session.hears_secret:
                self._show_raw(key)

    async def _page(self, text: str) -> None:
        """Show an answer, in pages where the session has them: a space shows the next page, Return a line, q nothing more."""
        lines = text.splitlines(keepends=True)
        room = self._session.page_lines
        left = len(lines) if room is None else room - 1
        while lines:
            self._show("".join(lines[:left]))
            del lines[:left]
            if lines:
                self._show_raw(self._session.more)
                key = await self._key()
                self._show_raw(self._session.after_more)
                if key in "qQ" + CTRL_C:
                    return
                left = 1 if key in "\r\n" else (room or len(lines) + 1) - 1
