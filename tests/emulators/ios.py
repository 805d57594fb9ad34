"""An emulated Cisco router with IOS or IOS-XE: what its command line takes, shows and does, as far as the shipped recipes need it.

No router was at hand. Written from public documents, of which only facts were taken:

- Cisco IOS basic system management command reference, `absolute`: one absolute part in a time range; local time; its end is the moment
  from which it is no longer in force; earliest 1 January 1993, latest end 31 December 2035.
- Cisco 10000 software guide, time-based access lists: a line whose time range does not exist counts as active.
- Cisco guide *IP Access List Entry Sequence Numbering*: numbers count up by 10; a line that is there already changes nothing; a number
  that is taken is refused as *Duplicate sequence number*.
- Cisco IOS configuration management guide and command reference (17.x): `configure terminal revert timer`, `configure revert`, `configure
  confirm`, and an output of `show archive config rollback timer`; napalm 5.2 for *No Rollback Confirmed Change pending* and for what is
  said where the archive is not enabled.
- Cisco IOS configuration fundamentals command reference, `configuration mode exclusive`, `configure terminal lock`, `clear configuration lock`
  and the outputs of `show configuration lock`; public reports and the sources of Cisco's pyATS and NSO drivers for the two forms of the refusal.
- Outputs in public reports (IOS 12.4 to IOL-XE 17.15): `show clock detail`, `show time-range`, `show ip access-lists` with a time range's
  state and matches, `show ip interface`, `show version`, and how a line that is not understood is answered.
- Cisco IOS first hop redundancy protocols command reference, `show standby`, for its brief form.
- netmiko 4.8: prompts, what it sends at login, and that a prompt is shortened to 20 characters in configuration.

Guesses, to be benched: that a second `absolute` takes the place of the first; that a time range begins and ends in force with the minute
(`faults.end_lag_s` and `change_lag_s` change that); all outputs of IPv6 lists and of `show ipv6 interface`; what `no deny` says where
the line is gone; that the numbers of lines are saved (`keeps_numbers`); what a second revert timer is told; that a wildcard has no gaps.
"""

from __future__ import annotations

from tests.emulators.device import CliSession
from tests.emulators.ios_session import IosSession
from tests.emulators.ios_state import IosState


class IosDevice(IosState):
    """A router that people log in to."""

    def new_session(self, number: int, user: str) -> CliSession:
        """Make a session; who may not configure, or has a secret to give first, begins without rights."""
        account = self.accounts.get(user)
        may = self.enable_secret is None and (account is None or account.may_configure)
        return IosSession(self, number, user, is_enabled=may or number == 0)
