"""Block devices as hosts with Fibre Channel, SRP, iSCSI and NVMe over fabrics tell of them."""

from __future__ import annotations

import pytest

from vmferry.facts.disk import BlockPath, DiskSight
from vmferry.hosts.sights import Source, answers, sight
from vmferry.model.guest import Disk

SOURCE = Source(Disk("vda", "disk", "block", "/dev/x", format="raw"), "block", "/dev/x")
DEVICE = 'device NAME="{}" TYPE="{}" SIZE="{}" WWN="{}" SERIAL="{}" TRAN="{}" STATE="running"'


def told(*said: str) -> DiskSight:
    return sight(SOURCE, answers([f"0 {line}" for line in said])[0])


def device(name: str, kind: str, wwn: str = "", transport: str = "", serial: str = "", size: int = 1024) -> str:
    return DEVICE.format(name, kind, size, wwn, serial, transport)


@pytest.mark.parametrize(
    ("said", "identity", "shared", "protocol"),
    [
        (["block ", device("sdb", "disk", "0x6001", "fc")], "0x6001", True, "Fibre Channel LUN"),
        (["block mpath-36001", device("mpatha", "mpath"), device("sdb", "disk", "0x6001", "fc"),
          device("sdc", "disk", "0x6001", "fc")], "0x6001", True, "Fibre Channel LUN over 2 paths"),
        (["block mpath-36001", device("mpatha", "mpath"), device("sdb", "disk", "0x6001", "fc")],
         "0x6001", True, "Fibre Channel LUN over 1 path"),
        (["block LVM-abc", device("vg-lv", "lvm"), device("sdb", "disk", "0x6001", "iscsi")],
         "LVM-abc", True, "iSCSI LUN under LVM"),
        (["block LVM-abc", device("vg-lv", "lvm"), device("sda", "disk", "0x5", "sata")], "LVM-abc", None, None),
        (["block ", device("sdb", "disk", "0x6001"), "srp sdb"], "0x6001", True, "SRP LUN"),
        (["block ", device("sdb", "disk"), "iscsi sdb iqn.x:t 3"], "iqn.x:t/3", True, "iSCSI LUN"),
        (["block ", device("sdb", "disk", serial="S1"), "iscsi sdb iqn.x:t 3"],
         "iqn.x:t/3 serial S1", True, "iSCSI LUN"),
        (["block part2-mpath-36001", device("mpatha2", "part"), device("sdb", "disk", "0x6001", "fc")],
         "0x6001 partition 2", True, "Fibre Channel LUN"),
        (["block ", device("nvme0n1", "disk", "eui.01", "nvme", "S1"), "nvme nvme0n1 tcp nqn.x:s 1"],
         "eui.01", True, "NVMe over TCP"),
        (["block ", device("nvme0n1", "disk", "eui.01", "nvme"), "nvme nvme0n1 pcie nqn.x:s 1"], "eui.01", None, None),
        (["block ", device("sdb2", "part", "0x6001"), device("sdb", "disk", "0x6001", "fc")],
         "0x6001 partition 2", True, "Fibre Channel LUN"),
        (["block ", device("vda", "disk")], None, None, None),
        (["block "], None, None, None),
    ],
)  # fmt: skip
def test_what_a_device_is(said: list[str], identity: str | None, shared: bool | None, protocol: str | None) -> None:
    seen = told(*said)
    assert (seen.seen, seen.identity, seen.shared_kind, seen.protocol) == (True, identity, shared, protocol)


def test_the_paths_of_a_device() -> None:
    seen = told(
        "block mpath-36001",
        device("mpatha", "mpath", size=2048),
        device("sdb", "disk", "0x6001", "iscsi", "S1", size=2048),
        "iscsi sdb iqn.x:t 3",
        "server 10.0.0.1 10.0.0.1",
    )
    assert seen.block is not None
    assert (seen.block.size_bytes, seen.block.mapped) == (2048, "mpath-36001")
    assert seen.block.paths == (BlockPath("sdb", "iscsi", "0x6001", "S1", "iqn.x:t/3", "running"),)
    assert [server.name for server in seen.servers] == ["10.0.0.1"]
