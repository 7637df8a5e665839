"""Kernel packages as Debian 12 and 13 lay them out, in small."""

from __future__ import annotations

import lzma
from pathlib import Path

import pytest

from vmferry.errors import Failed
from vmferry.lab.guest_modules import collect


def module(kernel: Path, name: str, *needs: str, packed: bool = False) -> bytes:
    content = b"\x7fELF\0depends=" + ",".join(needs).encode() + b"\0name=" + name.encode() + b"\0"
    path = kernel / f"{name}.ko{'.xz' if packed else ''}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(lzma.compress(content) if packed else content)
    return content


def test_each_module_comes_after_what_it_needs(tmp_path: Path) -> None:
    net = module(tmp_path / "drivers/net", "virtio_net", "net_failover")
    failover = module(tmp_path / "net", "net_failover", "failover", packed=True)
    core = module(tmp_path / "net/core", "failover")
    assert collect(tmp_path, ["virtio_net"]) == [("failover", core), ("net_failover", failover), ("virtio_net", net)]


def test_what_the_kernel_has_built_in_is_not_looked_for(tmp_path: Path) -> None:
    blk = module(tmp_path / "drivers", "virtio_blk")
    (tmp_path / "modules.builtin").write_text("kernel/drivers/virtio/virtio_pci.ko\nkernel/fs/ext4/ext-4.ko\n")
    assert collect(tmp_path, ["virtio_pci", "ext_4", "virtio_blk"]) == [("virtio_blk", blk)]


def test_a_module_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(Failed, match="no module virtio_pci"):
        collect(tmp_path, ["virtio_pci"])
