"""The hosts in memory keep the promises of real ones."""

from __future__ import annotations

import pytest

from vmferry.fakes import FakeConnector, FakeWorld, RealTime
from vmferry.model.guest import Disk

from .pair_contract import Pair, PairContract


class TestFakePair(PairContract):
    @pytest.fixture
    def pair(self) -> Pair:
        world = FakeWorld(time=RealTime(), rate_bytes_s=1 << 30)
        alpha, beta = world.add_host("alpha"), world.add_host("beta")
        disk = Disk("vda", "disk", "file", "/srv/shared/web.img", format="raw")
        guest = world.add_guest("web", "alpha", disks=(disk,), memory_bytes=32 << 20)
        world.host("beta").missing.add("/srv/shared/is-not-there.img")
        connector = FakeConnector(world)
        return Pair(connector.connect(alpha, 5), connector.connect(beta, 5), guest.uuid)
