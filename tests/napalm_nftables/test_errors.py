"""What goes wrong with a device reaches a program that uses NAPALM as NAPALM's own errors, and everybody else without NAPALM."""

from __future__ import annotations

import subprocess
import sys

import pytest
from napalm.base.exceptions import (
    CommandErrorException,
    ConnectAuthError,
    ConnectionException,
    ConnectTimeoutError,
    NapalmException,
)

from napalm_nftables import errors
from napalm_nftables.napalm_errors import as_napalm
from tests.patience import PATIENCE_S

RAISED = [
    (errors.CommandFailed("fw: nft failed"), CommandErrorException),
    (errors.HostKeyUnknown("fw", "ssh-ed25519", "SHA256:abc"), ConnectionException),
    (errors.HostKeyChanged("fw", "SHA256:abc", "SHA256:def"), ConnectionException),
    (errors.NoCommand("fw", "drill", "it runs no command"), ConnectionException),
    (errors.LinkLost("fw: the connection ended"), ConnectionException),
    (errors.LoginRefused("fw: wrong password"), ConnectAuthError),
    (errors.DeviceSilent("fw: nothing answered"), ConnectTimeoutError),
]


@pytest.mark.parametrize(("error", "theirs"), RAISED, ids=lambda value: getattr(type(value), "__name__", ""))
def test_an_error_of_the_driver_is_napalms_and_its_own(
    error: errors.FirewallError, theirs: type[NapalmException]
) -> None:
    with pytest.raises(theirs) as told, as_napalm():
        raise error
    assert isinstance(told.value, type(error))
    assert str(told.value) == str(error)
    assert vars(told.value) == vars(error)


def test_what_every_rescue_loads_is_without_napalm() -> None:
    look = (
        "import sys, islandmode.isolation.nftables.point; print({'napalm', 'netmiko', 'requests'} & set(sys.modules))"
    )
    ended = subprocess.run([sys.executable, "-c", look], check=True, capture_output=True, text=True, timeout=PATIENCE_S)
    assert ended.stdout == "set()\n"
