"""A line that a device takes only before a moment of its own clock, however long it was on its way.

For a line that nothing on the device can be made to refuse. A shell there reads the whole line first, then compares the
device's uptime with the moment, and only then hands the line to nft: a line that waits in any queue waits
before the comparison. The shell itself may still be held up between the two.
"""

from __future__ import annotations

import shlex

from napalm_nftables.errors import CommandFailed
from napalm_nftables.firewall import Firewall

_TOO_LATE = 75
_CENTISECONDS = 100


class TooLate(Exception):
    """The line reached the device after its moment; nothing was changed."""


def uptime_s(firewall: Firewall) -> float:
    """Read how long the device has been up; ValueError when it does not say."""
    words = firewall.read("cat /proc/uptime").split()
    return float(words[0] if words else "")


def write_before(firewall: Firewall, line: str, moment_s: float, deadline_s: float) -> str:
    """Let the device take one line if its uptime is below `moment_s`; returns what nft said, and raises `TooLate`."""
    answer = firewall.link.run(_command(firewall.nft, moment_s), f"{line}\n", deadline_s)
    if answer.code == _TOO_LATE:
        raise TooLate(f"the line reached the device after {moment_s:.2f} s of its uptime")
    if answer.code != 0 and not answer.stdout:
        raise CommandFailed(answer.why)
    return answer.stdout


def _command(nft: str, moment_s: float) -> str:
    # A line that was cut off has no end, and `read` fails.
    script = (
        f"IFS= read -r line || exit {_TOO_LATE}; read -r up rest </proc/uptime; "
        f'[ "${{up%.*}}${{up#*.}}" -lt {int(moment_s * _CENTISECONDS)} ] || exit {_TOO_LATE}; '
        f"printf '%s\\n' \"$line\" | HOME=/dev/null TERM=dumb LC_ALL=C {nft} -j -i 2>&1"
    )
    return f"sh -c {shlex.quote(script)}"
