"""What ends a bench's stand-in on a Linux firewall: its own timer, or somebody who takes its table away."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from islandmode.core.bench.stand_in import STAND_IN
from islandmode.core.outcome import Outcome
from islandmode.isolation.nftables.platform import NFTABLES
from islandmode.isolation.nftables.point import NftAccess, NftSession
from islandmode.isolation.nftables.stand_in import NftablesStandIn
from islandmode.isolation.session import DeviceSession
from tests.isolation.nftables.fake_firewall import FakeFirewall, FakeLink
from tests.isolation.nftables.plant import planned
from tests.patience import PATIENCE_S

ONLY, TABLE = (STAND_IN,), "islandmode_STAND_IN"
RUN, ANOTHER = "bench-20261127T100000Z-4cd3", "bench-20261127T100001Z-77aa"


class FakeStandIn(NftablesStandIn):
    """The product's stand-in, on a fake firewall."""

    def __init__(self, device: FakeFirewall, run: str) -> None:
        made = NFTABLES.stand_in(planned())
        assert made is not None
        self._device = device
        access = NftAccess("127.0.0.1", 22, "drill", "sudo", known_hosts=Path("/nowhere"))
        super().__init__("fw", made, access, device.clock, run)

    def _session(self, what: str, known_hosts: Path) -> DeviceSession[NftSession]:
        made: DeviceSession[NftSession] = super()._session(what, known_hosts)
        made._driver.firewall.link = FakeLink(self._device, what)  # type: ignore[assignment]
        return made


@pytest.mark.parametrize("again", [False, True], ids=["removed", "made anew by another bench"])
def test_a_table_that_was_taken_away_while_its_timer_ran_did_not_end_by_itself(*, again: bool) -> None:
    """By a colleague, by a ruleset that was loaded anew, or by a restart of the firewall."""
    device = FakeFirewall()

    async def story() -> None:
        point, other = FakeStandIn(device, RUN), FakeStandIn(device, ANOTHER)
        assert (await point.arm(ONLY, 60.0, PATIENCE_S)).done
        assert (await point.acts(PATIENCE_S)).value is True
        del device.tables[TABLE]
        if again:
            assert (await other.arm(ONLY, 60.0, PATIENCE_S)).done
        acts = await point.acts(PATIENCE_S)
        assert (acts.outcome, acts.value) == (Outcome.NOT_DONE, None)
        assert f"{TABLE} is not there any more as it was armed" in acts.why
        await point.close()
        await other.close()

    anyio.run(story, backend="asyncio")
