"""NAPALM driver for Linux firewalls that run nftables; `get_network_driver("nftables")` finds it by this package's name.

Only the driver class may be imported here: NAPALM takes the first driver it sees in this namespace.
"""

from napalm_nftables.nftables import NftablesDriver

__all__ = ["NftablesDriver"]
