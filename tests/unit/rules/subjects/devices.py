"""Cases of the rules of devices."""

from __future__ import annotations

from vmferry.facts.move import MoveFacts
from vmferry.facts.needs import Bound, Needs, Tie

from ..cases import OK, PASSING, REFUSE, UNKNOWN, WARN, Cases, with_facts


def tied(*ties: Tie, arguments: tuple[str, ...] = ()) -> MoveFacts:
    return with_facts(needs=Needs(ties=ties, arguments=arguments))


PCI, VARIANT = "hostdev pci 0000:01:00.0", "mlx5_vfio_pci"
NIC = "interface 52:54:00:00:00:01"

CASES: Cases = {
    "device.virtio-vectors": [
        ("ten", PASSING, OK, "at most 10"),
        ("thirty-two", with_facts(max_vectors=(("controller 0", 32),)), OK, "at most 32"),
        ("thirty-three", with_facts(max_vectors=(("controller 0", 33),)), REFUSE, "33 vectors"),
        ("none set", with_facts(max_vectors=()), OK, "none sets"),
    ],
    "device.passthrough": [
        ("none", PASSING, OK, "none is"),
        ("PCI", tied(Tie(Bound.PASSED_DEVICE, PCI, "vfio")), REFUSE, "passed through vfio"),
        ("PCI by a driver of its own", tied(Tie(Bound.PASSED_DEVICE, PCI, VARIANT)), UNKNOWN, f"driver {VARIANT} may"),
        ("a mediated device", tied(Tie(Bound.PASSED_DEVICE, "hostdev mdev 1b2c")), REFUSE, "passed through"),
        ("a network card", tied(Tie(Bound.PASSED_DEVICE, NIC, "0000:03:10.1")), REFUSE, "0000:03:10.1"),
        ("one of a team", tied(Tie(Bound.TEAMED, NIC)), OK, "its team mate carries the network"),
        ("USB", tied(Tie(Bound.PASSED_USB, "hostdev usb 1234:5678")), UNKNOWN, "the same USB device"),
        ("a LUN", tied(Tie(Bound.PASSED_LUN, "hostdev scsi iqn.a:b/1")), UNKNOWN, "has to get at it too"),
        ("two", tied(Tie(Bound.PASSED_USB, "hostdev usb 1"), Tie(Bound.PASSED_DEVICE, PCI, "vfio")), REFUSE, "vfio"),
    ],
    "device.filesystem": [
        ("none", PASSING, OK, "none is"),
        ("virtiofs", tied(Tie(Bound.VIRTIOFS, "filesystem home", "/home")), REFUSE, "virtiofs of /home"),
        ("9p, perhaps mounted", tied(Tie(Bound.NINEP, "filesystem home", "/home")), UNKNOWN, "9p of /home"),
    ],
    "device.shmem": [
        ("none", PASSING, OK, "none is in the way"),
        ("a peer", tied(Tie(Bound.SHMEM, "shmem s", "peer")), REFUSE, "role peer"),
        ("of the old model", tied(Tie(Bound.LEGACY_SHMEM, "shmem s")), REFUSE, "model ivshmem"),
    ],
    "device.transient-disk": [
        ("none", PASSING, OK, "none does"),
        ("one", tied(Tie(Bound.TRANSIENT_DISK, "vda")), REFUSE, "<transient/>"),
    ],
    "device.migratable": [
        ("none", PASSING, OK, "none does"),
        ("SEV", tied(Tie(Bound.CONFIDENTIAL, "launchSecurity sev")), REFUSE, "sealed to this host"),
        ("virgl", tied(Tie(Bound.RENDERING, "video virtio", "accel3d")), REFUSE, "3D rendering"),
        ("blob", tied(Tie(Bound.BLOB, "video virtio")), UNKNOWN, "some of QEMU's releases"),
        ("vDPA", tied(Tie(Bound.VDPA, NIC, "/dev/vhost-vdpa-0")), REFUSE, "vDPA"),
        ("a module without a place", tied(Tie(Bound.UNPLACED_MEMORY, "memory dimm")), REFUSE, "without slot"),
    ],
    "device.host-file": [
        ("none", PASSING, OK, "none does"),
        ("a serial port", tied(Tie(Bound.HOST_DEVICE_FILE, "serial 0", "/dev/ttyS0")), WARN, "it is /dev/ttyS0 of"),
        ("a socket", tied(Tie(Bound.HOST_SOCKET, "channel a", "/run/a")), WARN, "connects to /run/a"),
        ("vhost-user", tied(Tie(Bound.VHOST_USER, NIC, "/run/ovs")), WARN, "serves it at /run/ovs"),
        ("a log", tied(Tie(Bound.HOST_FILE, "serial 0", "/var/log/web")), OK, "/var/log/web stays on h1"),
    ],
    "device.qemu-arguments": [
        ("none", PASSING, OK, "there is none"),
        ("two", tied(Tie(Bound.FREE_HAND, "qemu:commandline"), arguments=("-device", "x")), OK, "2 arguments"),
        ("overridden", tied(Tie(Bound.FREE_HAND, "qemu:override")), OK, "properties overridden"),
    ],
}
