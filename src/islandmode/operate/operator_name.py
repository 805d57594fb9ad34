"""The person who asks, by the machine's account."""

from __future__ import annotations

import os
from getpass import getuser


def operator_name() -> str:
    """Name the account of this process, or its number if it has no name. Never raises."""
    try:
        return getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"
