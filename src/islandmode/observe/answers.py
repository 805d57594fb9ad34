"""What a look can say: good with a value, bad, or unknown; and what came back, whether it was good or not.

Standard library only and Python 3.9: it goes to far hosts with the worker.
"""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
import struct
from typing import Union

GOOD, BAD, UNKNOWN = "good", "bad", "unknown"
ANSWER, REFUSED, UNREACHABLE, NOTHING = "answer", "refused", "unreachable", "nothing"
OWN_TROUBLE = frozenset(
    {
        errno.EMFILE,
        errno.ENFILE,
        errno.ENOMEM,
        errno.ENOBUFS,
        errno.EAGAIN,
        errno.EPERM,
        errno.EACCES,
        errno.EADDRNOTAVAIL,
    }
)
"""Errors of this machine's own: they prove nothing about the thing looked at, unless an ICMP error caused them."""
REFUSALS = frozenset({errno.ECONNREFUSED, errno.ECONNRESET, errno.EPIPE, errno.ECONNABORTED})
SILENCE = frozenset({errno.ETIMEDOUT})

# The socket module of Python 3.9 has no names for these of Linux.
IP_RECVERR, IPV6_RECVERR = 11, 25
BY_ICMP = frozenset({2, 3})

Value = Union[int, str, None]


class Bad(Exception):
    """The thing looked at is not as it should be; something came back all the same, unless `heard` says otherwise."""

    def __init__(self, why: str, heard: str = ANSWER, sender: str = "") -> None:
        """Say why, what came back, and from whom where the system tells."""
        super().__init__(why)
        self.heard = heard
        self.sender = sender


class Unknown(Exception):
    """The probe itself failed, or was told to ask less often."""

    def __init__(self, why: str, heard: str = UNKNOWN) -> None:
        """Say why, and whether something came back."""
        super().__init__(why)
        self.heard = heard


class Trace:
    """What came back during a look, also when the look is given up in the middle."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.accepted = False
        """The target accepted a connection in this look."""
        self.began = False
        """Bytes came after the question."""

    @property
    def came(self) -> bool:
        """Tell whether anything came back."""
        return self.accepted or self.began


def hear_icmp(opened: socket.socket, *, wanted: bool) -> None:
    """Let the kernel keep ICMP errors of this socket with their senders, or stop that."""
    if opened.family == socket.AF_INET6:
        opened.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVERR, int(wanted))
    else:
        opened.setsockopt(socket.IPPROTO_IP, IP_RECVERR, int(wanted))


def icmp_sender(opened: socket.socket) -> str:
    """Give the sender of the ICMP error that this socket met; nothing where it met none."""
    try:
        _, messages, _, _ = opened.recvmsg(0, 512, socket.MSG_ERRQUEUE | socket.MSG_DONTWAIT)
    except OSError:
        return ""
    for _, kind, data in messages:
        if kind in (IP_RECVERR, IPV6_RECVERR) and len(data) >= 24 and data[4] in BY_ICMP:
            return _address(data[16:])
    return ""


def _address(name: bytes) -> str:
    """Read the address out of a sockaddr."""
    family = struct.unpack_from("=H", name)[0]
    if family == socket.AF_INET:
        return str(ipaddress.IPv4Address(name[4:8]))
    if family == socket.AF_INET6 and len(name) >= 24:
        return str(ipaddress.IPv6Address(name[8:24]))
    return ""


def refusal(error: OSError, sender: str = "") -> Exception:
    """Tell what an error of the system says of the thing looked at; `sender` is whose ICMP error caused it."""
    # Python's own words for a failed connection name the address and not the reason.
    why = (os.strerror(error.errno) if error.errno else type(error).__name__).lower()
    if sender:
        return Bad("%s, says %s" % (why, sender), UNREACHABLE, sender)
    if error.errno in OWN_TROUBLE:
        return Unknown(why)
    if error.errno in REFUSALS:
        return Bad(why, REFUSED)
    return Bad(why, NOTHING if error.errno in SILENCE else UNREACHABLE)
