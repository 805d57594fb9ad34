"""A NAPALM driver for Linux firewalls that run nftables, over SSH with host keys always checked.

NAPALM takes the first `NetworkDriver` subclass that it finds in this package, so nothing but the driver is imported here.
"""

import logging

from napalm_nftables.driver import NftablesDriver

__all__ = ["NftablesDriver"]

# paramiko reports a lost connection on its logger too; without a handler Python would print that beside the driver's sentence.
logging.getLogger("napalm_nftables.ssh").addHandler(logging.NullHandler())
