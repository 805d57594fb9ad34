"""What goes wrong with a session at a device, or on the way to it, and what is known of what was sent.

ConsoleError
  LoginFailed        there is no session: nothing was changed
  NothingSent        what was to be sent did not leave this machine
    ConnectionEnded    and nothing will, because the connection had ended
  NoAnswer           it was sent, and its answer did not come or could not be told: what it did is unknown
CandidateRefused     a candidate was not committed
"""

from __future__ import annotations

from islandmode.isolation.session import DeviceTrouble, SessionEnded


class ConsoleError(Exception):
    """Something went wrong with a console, or on the way to it."""


class LoginFailed(ConsoleError, DeviceTrouble):
    """There is no console: nothing was changed."""


class NothingSent(ConsoleError, DeviceTrouble):
    """A line did not leave this machine; what was sent before it is as it was."""


class ConnectionEnded(NothingSent, SessionEnded):
    """A line did not leave this machine, and none will: the connection had ended."""


class NoAnswer(ConsoleError):
    """A line was sent, and its answer did not come or could not be told: what it did is unknown."""


class CandidateRefused(Exception):
    """The device refused the candidate, or it was discarded for what it holds: nothing was committed."""

    def __init__(self, why: str, told: str = "") -> None:
        """Say why; `told` are the device's own words."""
        super().__init__(why)
        self.told = told
