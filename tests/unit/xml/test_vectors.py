"""Vectors are found wherever a definition can hide them."""

from __future__ import annotations

import pytest

from vmferry.xml.parse import parse
from vmferry.xml.vectors import max_vectors

QEMU = "xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0'"


@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        ("<controller type='virtio-serial' index='1' vectors='33'/>", [("virtio-serial controller 1", 33)]),
        ("<controller type='scsi' index='0' model='virtio-scsi'><driver queues='30'/></controller>",
         [("scsi controller 0", 33)]),
        ("<interface><mac address='m'/><model type='virtio'/><driver name='vhost' queues='16'/></interface>",
         [("interface m", 34)]),
        ("<interface><mac address='m'/><model type='virtio-non-transitional'/><driver queues='2'/></interface>",
         [("interface m", 6)]),
        ("<interface><mac address='m'/><model type='e1000'/><driver queues='16'/></interface>", []),
        ("<disk><driver queues='8'/><target dev='vda' bus='virtio'/></disk>", [("disk vda", 9)]),
        ("<disk><driver queues='8'/><target dev='sda' bus='scsi'/></disk>", []),
        ("<interface><model type='virtio'/><driver queues='many'/></interface>", []),
        ("<interface><mac address='m'/><model type='virtio'/></interface>", []),
    ],
)  # fmt: skip
def test_devices(inside: str, expected: list[tuple[str, int]]) -> None:
    domain = parse(f"<domain><devices>{inside}</devices></domain>", "it")
    assert list(max_vectors(domain)) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("virtio-net-pci,netdev=n,vectors=40", [40]),
        ("device.net0.vectors=41", [41]),
        ('{"driver": "virtio-net-pci", "vectors": 42}', [42]),
        ('{"driver": "virtio-net-pci"}', []),
        ("{broken", []),
        ("[" * 5, []),
        ("virtio-net-pci,netdev=n", []),
        ("x,myvectors=4", []),
    ],
)
def test_arguments_of_qemu(value: str, expected: list[int]) -> None:
    quoted = value.replace('"', "&quot;")
    domain = parse(f'<domain {QEMU}><q:commandline><q:arg value="{quoted}"/></q:commandline></domain>', "it")
    assert [number for _, number in max_vectors(domain)] == expected


def test_overrides() -> None:
    domain = parse(
        f"<domain {QEMU}><q:override><q:device alias='net0'><q:frontend>"
        "<q:property name='vectors' type='unsigned' value='64'/><q:property name='x' value='99'/>"
        "</q:frontend></q:device></q:override></domain>",
        "it",
    )
    assert max_vectors(domain) == (("qemu:override net0", 64),)
