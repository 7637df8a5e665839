"""In-memory hosts with fault injection: try vmferry, and test what you build on it, without a single machine.

    world = FakeWorld()
    world.add_host("alpha")
    world.add_host("beta")
    web = world.add_guest("web", "alpha", memory_bytes=1 << 30)
    world.plan_fault(web, CopyFault(CopyEffect.FAILS, at_percent=40))
    world.host("beta").faults.unreachable = "no route to host"

`FakeConnector(world)`, `FakeProber(world)`, `MemoryStore()`, `MemoryRegister()` and `MemoryJobs(world.time)` go where
the real ones go (`vmferry.wiring.Wiring`); `world.check()` holds the invariant: no guest runs twice. Waiting costs
nothing unless the world is given `RealTime`.
"""

from vmferry.fakes.access import MemoryRegister
from vmferry.fakes.clock import FakeTime, RealTime, Time
from vmferry.fakes.faults import CopyEffect, CopyFault, HostFaults, Leftover
from vmferry.fakes.guest import FakeGuest
from vmferry.fakes.host import FakeConnector
from vmferry.fakes.jobs import MemoryJobs
from vmferry.fakes.mending import FakeDisk, FakeMenders
from vmferry.fakes.network import FakeProber
from vmferry.fakes.store import MemoryStore
from vmferry.fakes.world import FakeWorld

__all__ = [
    "CopyEffect",
    "CopyFault",
    "FakeConnector",
    "FakeDisk",
    "FakeGuest",
    "FakeMenders",
    "FakeProber",
    "FakeTime",
    "FakeWorld",
    "HostFaults",
    "Leftover",
    "MemoryJobs",
    "MemoryRegister",
    "MemoryStore",
    "RealTime",
    "Time",
]
