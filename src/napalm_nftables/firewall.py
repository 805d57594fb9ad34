"""A Linux firewall with nftables as this machine reaches it: one login, commands, and what the device says of itself.

NAPALM is not imported: with all of its vendors' drivers it takes longer to load than a restore takes.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import Any

from napalm_nftables import facts as told
from napalm_nftables import saved
from napalm_nftables.errors import CommandFailed
from napalm_nftables.link import DeviceLink
from napalm_nftables.transport import Login


@dataclass(frozen=True)
class Programs:
    """How root's commands are run on the device ("sudo" or "root"), where nft is, and the configuration that a restart loads."""

    become: str = "sudo"
    nft: str = "/usr/sbin/nft"
    saved_config: str = "/etc/nftables.conf"


class Firewall:
    """One device, and what it answers."""

    def __init__(self, login: Login, programs: Programs, link: type[DeviceLink] = DeviceLink) -> None:
        """Know the device; nothing is contacted before `open`."""
        self.hostname = login.host
        self.link = link(login)
        self.become = programs.become
        self.saved_config = programs.saved_config
        self.plain_nft = shlex.quote(programs.nft)
        self.nft = self.privileged(self.plain_nft)

    def privileged(self, command: str) -> str:
        """Write a command as root runs it."""
        return f"sudo -n {command}" if self.become == "sudo" else command

    def open(self) -> None:
        """Log in: host key first, then one attempt."""
        if not self.link.alive:
            self.link = type(self.link)(self.link.login)
            self.link.open()

    def close(self) -> None:
        """End the connection; a commit that waits for its confirmation goes on waiting on the device."""
        self.link.close()

    def read(self, command: str) -> str:
        """Run a command as the login user and return its output; raises `CommandFailed`."""
        answer = self.link.run(command)
        if answer.code != 0:
            raise CommandFailed(f"{self.hostname}: {command} failed: {answer.why}")
        return answer.stdout

    def facts(self) -> dict[str, Any]:
        """Read host name, versions, uptime and interface names."""
        # The version of nft needs no rights, so it is asked without them.
        return told.facts(self.read(told.FACTS_COMMAND.format(nft=self.plain_nft)))

    def running(self, *, full: bool = False) -> str:
        """Read the running ruleset; `full` adds handles, which a reload changes."""
        return self.read(f"{self.nft} {'-a -s' if full else '-s'} list ruleset")

    def saved_files(self) -> tuple[saved.SavedFile, ...]:
        """Read the saved configuration with all that it includes."""
        return saved.read(self.read, self.saved_config)

    def loaded_by(self, files: tuple[saved.SavedFile, ...]) -> str:
        """Write the saved configuration as one text; raises `CommandFailed` where a part of it could not be read."""
        unread = next((file for file in files if file.text is None and not file.absent), None)
        if unread is not None:
            raise CommandFailed(f"{self.hostname}: {unread.path} cannot be read: {unread.why}")
        return saved.whole(files)
