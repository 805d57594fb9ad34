"""Who sits at the keyboard, as far as the machine knows."""

from __future__ import annotations

import os
from getpass import getuser


def operator_name() -> str:
    """Name the account that called us; an account without a name has a number. Never raises."""
    try:
        return getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"
