"""A NAPALM driver for Linux firewalls that run nftables, over SSH with host keys always checked.

NAPALM takes the first `NetworkDriver` subclass that it finds in this package: there is one, and it is imported when it is
asked for, since whatever reaches a firewall without NAPALM must not wait until NAPALM is loaded.
"""

import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napalm_nftables.driver import NftablesDriver

__all__ = ["NftablesDriver"]

# paramiko reports a lost connection on its logger too; without a handler Python would print that beside the driver's sentence.
logging.getLogger("napalm_nftables.ssh").addHandler(logging.NullHandler())


def __getattr__(name: str) -> Any:
    """Import the driver."""
    if name != "NftablesDriver":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from napalm_nftables.driver import NftablesDriver  # noqa: PLC0415 - it loads NAPALM

    return NftablesDriver


def __dir__() -> list[str]:
    """Name the driver, so that NAPALM finds it."""
    return __all__
