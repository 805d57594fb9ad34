"""What goes wrong with a device; no text ever carries a secret. The NAPALM driver raises each as an error of NAPALM too.

FirewallError
  CommandFailed         the device ran a command, and it failed there          CommandErrorException (napalm)
  HostKeyRefused        no login was attempted                                 ConnectionException (napalm)
    HostKeyUnknown        the known-hosts file has no key for this device
    HostKeyChanged        the device shows another key than the known-hosts file has
  NoCommand             the login works, but the device runs no command of it, or not enough at once
  LinkLost              the connection ended, or was ended, in the middle of a call: its effect is unknown
  LoginRefused          wrong user, password or key; one attempt was made       ConnectAuthError (napalm)
  DeviceSilent          nothing answered in time, or something that is no SSH server did    ConnectTimeoutError (napalm)
"""

from __future__ import annotations


class FirewallError(Exception):
    """Something went wrong with a device, or on the way to it."""


class CommandFailed(FirewallError):
    """The device ran a command, and it failed there."""


class HostKeyRefused(FirewallError):
    """The device's host key is not the known key; no login was attempted."""


class HostKeyUnknown(HostKeyRefused):
    """The known-hosts file holds no key for the device."""

    def __init__(self, device: str, key_type: str, fingerprint: str) -> None:
        """Name the device and the key it showed."""
        super().__init__(
            f"{device} is not in the known-hosts file (it shows {key_type} {fingerprint}); no login was attempted. "
            "Compare that fingerprint at the device itself, then add the key to the file."
        )


class HostKeyChanged(HostKeyRefused):
    """The device shows a host key other than the known one."""

    def __init__(self, device: str, expected: str, got: str) -> None:
        """Name the device, the known fingerprint and the fingerprint it showed."""
        super().__init__(
            f"{device} shows another host key than the known-hosts file has: expected {expected}, got {got}; "
            "no login was attempted. Find out why before you change the file."
        )


class NoCommand(FirewallError):
    """The device let the user in and runs no command, or too few at once: nothing was changed."""

    def __init__(self, device: str, user: str, what: str) -> None:
        """Name the device and the user; `what` is the rest, which begins with what *it* does."""
        super().__init__(f"{device} let user {user} in: {what}")
        self.what = what


class LoginRefused(FirewallError):
    """The device refused user, password or key; exactly one attempt was made."""


class DeviceSilent(FirewallError):
    """The device did not answer in time; nothing was changed by this call."""


class LinkLost(FirewallError):
    """The connection ended before the answer came: what the device did is unknown."""
