"""The sections of the crash matrix's page, and every row of them."""

from __future__ import annotations

from tests.crash.scenarios import BY_GUARDIAN, BY_TIMER, EMULATED, LATE_LINES, PROCESSES, SURROUNDINGS
from tests.crash.way_rows import BY_CANDIDATE, BY_HAND, BY_PAIR, BY_PLAYS

SECTIONS = {
    "The conductor dies, and only the device's timer is left": BY_TIMER,
    "The conductor dies, and the guardian restores": BY_GUARDIAN,
    "Guardian, both, and people": PROCESSES,
    "A line waits on the firewall while its sshd is stopped, and gets through when nobody waits any more": LATE_LINES,
    "What surrounds them": SURROUNDINGS,
    "Isolated by Ansible plays": BY_PLAYS,
    "Isolated by a person's hand": BY_HAND,
    "Isolated on a pair of firewalls": BY_PAIR,
    "Isolated by a commit that the device takes back (NAPALM)": BY_CANDIDATE,
    "Emulated: a FortiGate and a Cisco router, in one drill with the firewall": EMULATED,
}
MATRIX = tuple(row for rows in SECTIONS.values() for row in rows)
