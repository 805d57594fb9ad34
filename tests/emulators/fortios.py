"""An emulated FortiGate with FortiOS (7.6-like): what its command line takes, shows and does, as far as the shipped recipe needs it.

No FortiGate was at hand. Written from public documents, of which only facts were taken:

- FortiOS 6.0, 7.0, 7.6 and 8.0 CLI references, `config firewall schedule onetime` (names of at most 31 characters, moments as `hh:mm
  yyyy/mm/dd`), `firewall policy`, `firewall local-in-policy` and `local-in-policy6`, `system console`, `system ntp`.
- FortiOS administration guides, command syntax: `edit`, `set`, `next`, `end`, `abort`, `move`; an entry counts once it is left.
- Fortinet community tips 253403 and 191368: the session filter, how it is shown, that `clear` without a filter ends all sessions.
- Fortinet community tip 426506: a policy may stay active after its schedule has ended (`faults.end_lag_s`).
- FortiOS administration guide, workspace mode, CLI reference, `execute config-transaction`, and Fortinet community tips 199281 and 226126:
  what a transaction locks, when it ends, and the commands that show it; public notes for how an object that is locked is refused.
- FortiOS 7.0 administration guide, check HA synchronization status, and outputs of `get system ha status` and `get system status` of members of
  a cluster in public reports (6.0 to 7.6): the roles, and whether the members are in sync.
- Outputs in public reports, FortiOS 7.0 to 7.6: `get system status` with its version and time, `show firewall schedule onetime`, and how
  a line is refused (`Command fail. Return code`, `command parse error before`, `entry not found in datasource`).
- netmiko 4.8, fortinet driver: prompts, `get system console`, the question after a login text, what it writes where the console pages.

Guesses, to be benched: that a schedule begins and ends in force with the minute, and that its end minute is not part of it (`faults.
end_lag_s` and `change_lag_s` change that); that open connections go on until they are cleared, whatever a schedule says, which is the
harder case; that members of a cluster take each other's changes both ways, and at once; that the filter shows interfaces by their names, also of `session6`, and ends local sessions too; that `grep -f` shows whole
entries and says nothing where it finds nothing; what `show txn-meta` shows, and at
which word an object that is locked is refused (`locks_at`); the words for an end before its start, and for a name that is too long; that names in
prompts are whole. Which tables may be written by whom is not looked at, only whether a profile may write schedules. Left out: words must be written out, where FortiOS takes them shortened; `cfg-save manual` is shown and not acted on.
"""

from __future__ import annotations

from tests.emulators.device import CliSession
from tests.emulators.fortios_session import FortiSession
from tests.emulators.fortios_state import FortiState


class FortiDevice(FortiState):
    """A firewall that people log in to."""

    def new_session(self, number: int, user: str) -> CliSession:
        """Make a session."""
        account = self.accounts.get(user)
        return FortiSession(self, number, user, may_write=number == 0 or account is None or account.may_configure)
