"""NAPALM's own shared driver tests, and the same getters against a real device."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar
from unittest import TestCase

import pytest
from napalm.base import get_network_driver, models
from napalm.base.test import base as shared_config
from napalm.base.test import conftest as shared_conftest
from napalm.base.test.double import BaseTestDouble
from napalm.base.test.getters import BaseTestGetters
from napalm.base.test.helpers import test_model as fits

from napalm_nftables import NftablesDriver
from napalm_nftables.link import Answer
from tests.napalm_nftables.drivers import logged_in
from tests.napalm_nftables.firewall_node import FirewallNode

HERE = Path(__file__).parent


def test_napalm_finds_the_driver_by_name() -> None:
    assert get_network_driver("nftables") is NftablesDriver


class RecordedLink(BaseTestDouble):  # type: ignore[misc]  # napalm is untyped
    """Plays back what a real device answered, from a file per command."""

    alive = True

    def run(self, command: str, stdin: str = "", deadline_s: float | None = None) -> Answer:
        path = self.find_file(f"{self.sanitize_text(command)[:100]}.txt")
        return Answer(Path(path).read_text(encoding="utf-8"), "", 0)

    def close(self) -> None:
        """There is nothing to end."""


class RecordedDriver(NftablesDriver):
    """The driver on recorded answers."""

    patched_attrs: ClassVar[list[str]] = ["link"]

    def open(self) -> None:
        self.firewall.link = RecordedLink()


@pytest.fixture(scope="class")
def set_device_parameters(request: pytest.FixtureRequest) -> Iterator[None]:
    request.cls.driver = NftablesDriver
    request.cls.patched_driver = RecordedDriver
    request.cls.vendor = "nftables"
    shared_conftest.set_device_parameters(request)
    yield
    request.cls.device.close()


@pytest.mark.usefixtures("set_device_parameters")
class TestSharedGetters:
    """Those of NAPALM's shared getter tests that this driver has an answer to."""

    test_method_signatures = BaseTestGetters.test_method_signatures
    test_is_alive = BaseTestGetters.test_is_alive
    test_get_facts = BaseTestGetters.test_get_facts
    test_get_interfaces = BaseTestGetters.test_get_interfaces
    test_get_interfaces_ip = BaseTestGetters.test_get_interfaces_ip
    test_get_config = BaseTestGetters.test_get_config
    test_get_config_filtered = BaseTestGetters.test_get_config_filtered
    test_get_config_sanitized = BaseTestGetters.test_get_config_sanitized
    test_get_config_sanitized_filtered = BaseTestGetters.test_get_config_sanitized_filtered


@pytest.mark.lab
def test_getters_fit_the_models_on_a_real_device(node: FirewallNode) -> None:
    with logged_in(node) as driver:
        facts = driver.get_facts()
        assert fits(models.FactsDict, facts)
        assert {"eth1", "eth3", "eth4"} <= set(facts["interface_list"])
        links = driver.get_interfaces()
        assert all(fits(models.InterfaceDict, link) for link in links.values())
        assert links["eth1"]["is_up"]
        assert driver.get_interfaces_ip()["eth1"]["ipv4"]["10.10.0.1"] == {"prefix_length": 24}
        assert fits(models.ConfigDict, driver.get_config())
        assert "table inet site" in driver.get_config()["startup"]
        assert driver.cli(["hostname"]) == {"hostname": "fw\n"}


@pytest.mark.lab
class TestSharedConfig(TestCase):
    """NAPALM's shared configuration tests, on a real device."""

    vendor = str(HERE / "shared_config")
    device: Any
    maxDiff = None

    read_file = staticmethod(shared_config.TestConfigNetworkDriver.read_file)
    test_replacing_and_committing_config = shared_config.TestConfigNetworkDriver.test_replacing_and_committing_config
    test_replacing_config_with_typo = shared_config.TestConfigNetworkDriver.test_replacing_config_with_typo
    test_replacing_diff_discard = shared_config.TestConfigNetworkDriver.test_replacing_config_and_diff_and_discard
    test_replacing_config_and_rollback = shared_config.TestConfigNetworkDriver.test_replacing_config_and_rollback
    test_merge_configuration = shared_config.TestConfigNetworkDriver.test_merge_configuration
    test_merge_typo = shared_config.TestConfigNetworkDriver.test_merge_configuration_typo_and_rollback

    @pytest.fixture(autouse=True)
    def _on_the_node(self, node: FirewallNode) -> Iterator[None]:
        with logged_in(node) as driver:
            self.device = driver
            driver.load_replace_candidate(filename=f"{self.vendor}/initial.conf")
            driver.commit_config()
            yield
