"""What of a definition may bind a guest to its host."""

from __future__ import annotations

import pytest

from vmferry.facts.needs import Bound, Tie
from vmferry.xml.parse import parse
from vmferry.xml.ties import ties

PCI = "<source><address domain='0x0000' bus='0x01' slot='0x00' function='0x1'/></source>"
MAC = "<mac address='m1'/>"
QEMU = "xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0'"
TEAM = "<teaming type='transient' persistent='ua-n'/>"


def hostdev(kind: str, inside: str) -> str:
    return f"<devices><hostdev mode='subsystem' type='{kind}'>{inside}</hostdev></devices>"


def device(text: str) -> str:
    return f"<devices>{text}</devices>"


@pytest.mark.parametrize(
    ("inside", "tie"),
    [
        (hostdev("pci", PCI), Tie(Bound.PASSED_DEVICE, "hostdev pci 0000:01:00.1", "vfio")),
        (hostdev("pci", f"<driver name='vfio'/>{PCI}"), Tie(Bound.PASSED_DEVICE, "hostdev pci 0000:01:00.1", "vfio")),
        (
            hostdev("pci", f"<driver name='vfio' model='mlx5_vfio_pci'/>{PCI}"),
            Tie(Bound.PASSED_DEVICE, "hostdev pci 0000:01:00.1", "mlx5_vfio_pci"),
        ),
        (hostdev("pci", PCI + TEAM), Tie(Bound.TEAMED, "hostdev pci 0000:01:00.1")),
        (
            hostdev("usb", "<source><vendor id='0x1234'/><product id='0x5678'/></source>"),
            Tie(Bound.PASSED_USB, "hostdev usb 0x1234:0x5678"),
        ),
        (
            hostdev("mdev", "<source><address uuid='c2177883'/></source>"),
            Tie(Bound.PASSED_DEVICE, "hostdev mdev c2177883"),
        ),
        (
            hostdev("scsi", "<source><adapter name='scsi_host0'/><address bus='0' target='1' unit='2'/></source>"),
            Tie(Bound.PASSED_DEVICE, "hostdev scsi 0:1:2"),
        ),
        (
            hostdev("scsi", "<source protocol='iscsi' name='iqn.a:b/1'><host name='s' port='3260'/></source>"),
            Tie(Bound.PASSED_LUN, "hostdev scsi iqn.a:b/1"),
        ),
        (
            device(f"<interface type='hostdev'>{MAC}{PCI}</interface>"),
            Tie(Bound.PASSED_DEVICE, "interface m1", "0000:01:00.1"),
        ),
        (
            device(f"<interface type='hostdev'>{MAC}{PCI}{TEAM}</interface>"),
            Tie(Bound.TEAMED, "interface m1", "0000:01:00.1"),
        ),
        (
            device(f"<interface type='vdpa'>{MAC}<source dev='/dev/vhost-vdpa-0'/></interface>"),
            Tie(Bound.VDPA, "interface m1", "/dev/vhost-vdpa-0"),
        ),
        (
            device(f"<interface type='vhostuser'>{MAC}<source path='/run/ovs'/></interface>"),
            Tie(Bound.VHOST_USER, "interface m1", "/run/ovs"),
        ),
        (
            device("<filesystem><driver type='virtiofs'/><source dir='/a'/><target dir='t'/></filesystem>"),
            Tie(Bound.VIRTIOFS, "filesystem t", "/a"),
        ),
        (
            device("<filesystem><source dir='/a'/><target dir='t'/></filesystem>"),
            Tie(Bound.NINEP, "filesystem t", "/a"),
        ),
        (
            device("<shmem name='s'><model type='ivshmem-plain'/></shmem>"),
            Tie(Bound.SHMEM, "shmem s", "peer"),
        ),
        (device("<shmem name='s'><model type='ivshmem'/></shmem>"), Tie(Bound.LEGACY_SHMEM, "shmem s")),
        (device("<disk><target dev='vda'/><transient/></disk>"), Tie(Bound.TRANSIENT_DISK, "vda")),
        (
            device("<disk type='vhostvdpa'><source dev='/dev/v'/><target dev='vda'/></disk>"),
            Tie(Bound.VDPA, "vda", "/dev/v"),
        ),
        (
            device("<disk type='vhostuser'><source path='/run/v'/><target dev='vda'/></disk>"),
            Tie(Bound.VHOST_USER, "vda", "/run/v"),
        ),
        ("<launchSecurity type='sev'/>", Tie(Bound.CONFIDENTIAL, "launchSecurity sev")),
        (
            device("<video><model type='virtio'><acceleration accel3d='yes'/></model></video>"),
            Tie(Bound.RENDERING, "video virtio", "accel3d"),
        ),
        (device("<video><model type='virtio' blob='on'/></video>"), Tie(Bound.BLOB, "video virtio")),
        (
            device("<graphics type='spice'><gl enable='yes'/></graphics>"),
            Tie(Bound.RENDERING, "graphics spice", "OpenGL on the host"),
        ),
        (
            device("<graphics type='egl-headless'/>"),
            Tie(Bound.RENDERING, "graphics egl-headless", "OpenGL on the host"),
        ),
        (device("<memory model='dimm'/>"), Tie(Bound.UNPLACED_MEMORY, "memory dimm")),
        (
            device("<memory model='nvdimm'><source><path>/p</path></source></memory>"),
            Tie(Bound.HOST_FILE, "memory nvdimm", "/p"),
        ),
        (
            device("<serial type='dev'><source path='/dev/ttyS0'/><target port='0'/></serial>"),
            Tie(Bound.HOST_DEVICE_FILE, "serial 0", "/dev/ttyS0"),
        ),
        (
            device("<serial type='file'><source path='/log'/><target port='1'/></serial>"),
            Tie(Bound.HOST_FILE, "serial 1", "/log"),
        ),
        (
            device("<channel type='unix'><source mode='connect' path='/run/a'/><target name='a'/></channel>"),
            Tie(Bound.HOST_SOCKET, "channel a", "/run/a"),
        ),
        (
            device("<serial type='tcp'><source mode='connect' host='h' service='7'/><target port='0'/></serial>"),
            Tie(Bound.HOST_SOCKET, "serial 0", "h:7"),
        ),
        (f"<q:commandline {QEMU}><q:arg value='x'/></q:commandline>", Tie(Bound.FREE_HAND, "qemu:commandline")),
        (f"<q:override {QEMU}/>", Tie(Bound.FREE_HAND, "qemu:override")),
    ],
)
def test_it_may_be_bound_by(inside: str, tie: Tie) -> None:
    assert tuple(ties(parse(f"<domain>{inside}</domain>", "the definition"))) == (tie,)


@pytest.mark.parametrize(
    "inside",
    [
        "<disk type='file'><source file='/a'/><target dev='vda'/></disk>",
        "<interface type='bridge'><source bridge='br0'/></interface>",
        "<shmem name='s' role='master'><model type='ivshmem-plain'/></shmem>",
        "<memory model='dimm'><address type='dimm' slot='0' base='0x100000000'/></memory>",
        "<memory model='virtio-mem'/>",
        "<video><model type='virtio'><acceleration accel3d='no'/></model></video>",
        "<graphics type='spice'><gl enable='no'/></graphics>",
        "<serial type='pty'><source path='/dev/pts/1'/><target port='0'/></serial>",
        "<console type='dev'><source path='/dev/ttyS0'/><target type='serial' port='0'/></console>",
        "<channel type='unix'><source mode='bind' path='/run/a'/><target name='a'/></channel>",
        "<channel type='unix'><source mode='connect' path='/var/lib/libvirt/qemu/a'/><target name='a'/></channel>",
    ],
)
def test_it_is_not_bound_by(inside: str) -> None:
    assert tuple(ties(parse(f"<domain>{device(inside)}</domain>", "the definition"))) == ()
