"""What of a definition a guest can see of its machine, and so may not differ when it moves: libvirt's own list.

Rows, not functions: a fact is a place under an element with the words that libvirt uses of it; a group is every element
of one kind, with the facts that are compared in each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from lxml import etree

from vmferry.xml.units import size_bytes

Read = Callable[[etree._Element, str], str | None]
"""The value of a fact from the element that its path leads to, and the name of the attribute, empty for the text."""


@dataclass(frozen=True, slots=True)
class Fact:
    path: str
    """Under the group's element, `@` before an attribute: `target@bus`."""
    says: str
    read: Read
    default: str | None
    """What it means to leave it out."""
    filled: bool
    """Left out, it is libvirt that chooses, mostly as before: nothing follows from that."""
    breaks: bool
    """Libvirt lets it pass, and QEMU fails at it."""


@dataclass(frozen=True, slots=True)
class Group:
    path: str
    says: str
    facts: tuple[Fact, ...]
    key: str = ""
    """The fact by which two of them are one; without it they are matched by their order, as libvirt does."""
    implied: bool = False
    """Libvirt adds what is left out."""


def _plain(element: etree._Element, attribute: str) -> str | None:
    value = element.get(attribute) if attribute else element.text
    return (value or "").strip() or None


def _lower(element: etree._Element, attribute: str) -> str | None:
    return (_plain(element, attribute) or "").lower() or None


def _size(element: etree._Element, attribute: str) -> str | None:
    """In KiB, as libvirt counts it. An attribute's unit is that of its element."""
    if attribute:
        copied = etree.Element("size", unit=element.get("unit", "KiB"))
        copied.text = element.get(attribute)
        element = copied
    found = size_bytes(element)
    return f"{found >> 10} KiB" if found is not None else _plain(element, "")


def _number(element: etree._Element, attribute: str) -> str | None:
    value = _plain(element, attribute)
    try:
        return str(int(value, 0)) if value is not None else None
    except ValueError:
        return value


def _there(element: etree._Element, attribute: str) -> str | None:
    return "yes"


def _switch(element: etree._Element, attribute: str) -> str | None:
    """`<acpi/>` is on, and `<pmu state='off'/>` is off."""
    return element.get("state", "on")


_ADDRESSES = {
    "pci": ("domain", "bus", "slot", "function"),
    "drive": ("controller", "bus", "unit"),
    "virtio-serial": ("controller", "bus", "port"),
    "ccid": ("controller", "slot"),
    "isa": ("iobase", "irq"),
    "dimm": ("slot", "base"),
}
"""The kinds of addresses that libvirt compares, and what of them."""


def _address(element: etree._Element, attribute: str) -> str | None:
    """A PCI address of zeros is none: libvirt chooses another."""
    kind = element.get("type", "")
    parts = [_number(element, part) or "0" for part in _ADDRESSES.get(kind, ())]
    return None if kind == "pci" and set(parts) == {"0"} else " ".join([kind, *parts])


def _listed(name: str) -> Read:
    """Every child of that name in a word each, whatever their order."""

    def read(element: etree._Element, attribute: str) -> str | None:
        words = (
            f"{each.get('name')}={each.get('policy') or (each.text or '').strip()}" for each in element.iterfind(name)
        )
        return ", ".join(sorted(words)) or "none"

    return read


def _fact(
    path: str,
    says: str,
    read: Read = _plain,
    *,
    default: str | None = None,
    filled: bool = False,
    breaks: bool = False,
) -> Fact:
    return Fact(path, says, read, default, filled, breaks)


def _every(says: str, *names: str, read: Read = _plain, under: str = "") -> tuple[Fact, ...]:
    return tuple(_fact(f"{under}@{name}", f"{says} {name}", read) for name in names)


def _features() -> Iterator[Fact]:
    plain = (
        "acpi pae hap viridian privnet kvm xen pvspinlock pmu vmport smm vmcoreinfo htm nested-hv ccf-assist ras ps2"
    )
    for name in plain.split():
        yield _fact(f"features/{name}", f"feature {name}", _switch)
    for name, attribute in _FEATURE_ATTRIBUTES:
        yield _fact(f"features/{name}@{attribute}", f"feature {name} {attribute}")
    yield _fact("features/apic", "feature apic", _there)
    yield _fact("features/hyperv", "feature hyperv", lambda each, _: each.get("mode", "custom"))
    for name in _HYPERV:
        yield _fact(f"features/hyperv/{name}@state", f"Hyper-V enlightenment {name}")
    yield _fact("features/hyperv/spinlocks@retries", "Hyper-V spinlock retries", _number)
    yield _fact("features/hyperv/vendor_id@value", "Hyper-V vendor id")
    yield _fact("features/hyperv/stimer/direct@state", "Hyper-V stimer direct")
    for name in ("hidden", "hint-dedicated", "poll-control", "pv-ipi", "dirty-ring"):
        yield _fact(f"features/kvm/{name}@state", f"KVM feature {name}")
    yield _fact("features/kvm/dirty-ring@size", "KVM dirty ring size", _number)
    yield _fact("features/smm/tseg", "SMM TSEG size", _size, filled=True)


_FEATURE_ATTRIBUTES = (
    *(("apic", "eoi"), ("gic", "version"), ("ioapic", "driver"), ("capabilities", "policy"), ("hpt", "resizing")),
    *(("cfpc", "value"), ("sbbc", "value"), ("ibs", "value")),
)
_HYPERV = (
    *("relaxed", "vapic", "vpindex", "runtime", "synic", "stimer", "reset", "frequencies", "reenlightenment"),
    *("tlbflush", "ipi", "evmcs", "avic", "spinlocks", "vendor_id"),
)

DOMAIN = Group(
    ".",
    "domain",
    (
        _fact("@type", "virt type"),
        _fact("name", "name"),
        _fact("uuid", "uuid", _lower),
        _fact("genid", "genid", lambda each, _: _lower(each, "") or "any"),
        _fact("memory", "max memory", _size),
        _fact("maxMemory", "maximum memory size", _size),
        _fact("maxMemory@slots", "memory slots count", _number),
        _fact("vcpu", "vCPU max", _number, default="1"),
        _fact("vcpu@current", "vCPUs online", _number),
        _fact("os/type", "OS type"),
        _fact("os/type@arch", "architecture", filled=True),
        _fact("os/type@machine", "machine type"),
        _fact("os/smbios@mode", "SMBIOS mode", default="none"),
        *_features(),
        _fact("cpu@mode", "CPU mode", filled=True),
        _fact("cpu@check", "CPU check", filled=True),
        _fact("cpu/model", "CPU model", filled=True),
        _fact("cpu/model@vendor_id", "CPU model vendor id"),
        _fact("cpu/vendor", "CPU vendor"),
        *_every("CPU", "sockets", "cores", "threads", under="cpu/topology", read=_number),
        *(
            _fact(f"cpu/topology@{name}", f"CPU {name}", _number, default="1", filled=True)
            for name in ("dies", "clusters")
        ),
        *_every("CPU cache", "level", "mode", under="cpu/cache"),
        *_every("CPU address bits", "mode", "bits", under="cpu/maxphysaddr"),
        _fact("cpu", "CPU features", _listed("feature"), filled=True),
    ),
)

_ADDRESS = (
    _fact("address", "device address", _address, filled=True),
    _fact("acpi@index", "ACPI index", _number),
)
_VIRTIO = tuple(_fact(f"driver@{name}", f"device {name} option") for name in ("iommu", "ats", "packed", "page_per_vq"))
_OPTIONS = _fact("driver", "device virtio options", _there)
_MODEL = _fact("@model", "model")


def _group(tag: str, says: str, *facts: Fact, key: str = "", implied: bool = False) -> Group:
    return Group(f"devices/{tag}", says, (*facts, *_ADDRESS), key, implied)


GROUPS = (
    DOMAIN,
    Group("vcpus/vcpu", "vCPU", _every("vCPU", "enabled", "order"), key="@id"),
    Group(
        "cpu/numa/cell",
        "NUMA cell",
        (_fact("@memory", "NUMA cell memory", _size), _fact("@cpus", "NUMA cell CPUs")),
        key="@id",
    ),
    Group(
        "clock/timer",
        "timer",
        (_fact("@present", "timer presence"), *_every("TSC timer", "frequency", "mode")),
        key="@name",
    ),
    *(
        Group(f"sysinfo/{part}", f"sysinfo {part}", (_fact("", f"sysinfo {part}", _listed("entry")),))
        for part in ("bios", "system", "baseBoard", "chassis", "oemStrings")
    ),
    _group(
        "disk",
        "disk",
        _fact("@device", "disk device", default="disk"),
        _fact("target@bus", "disk bus", filled=True),
        _fact("target@rotation_rate", "disk rotation rate", _number),
        _fact("serial", "disk serial"),
        _fact("wwn", "disk wwn", _lower),
        _fact("readonly", "disk access mode (readonly)", _there, default="no"),
        _fact("@model", "disk model"),
        _fact("driver@queues", "disk queue count", _number),
        _fact("driver@queue_size", "disk queue size", _number),
        *_every(
            "disk", "logical_block_size", "physical_block_size", "discard_granularity", under="blockio", read=_number
        ),
        *_VIRTIO,
        key="target@dev",
    ),
    _group(
        "controller",
        "controller",
        _fact("@type", "controller type"),
        _fact("@index", "controller index", _number, filled=True),
        _fact("@model", "controller model", filled=True),
        _fact("@ports", "controller ports", _number),
        _fact("@vectors", "controller vectors", _number),
        *_VIRTIO,
    ),
    _group(
        "filesystem",
        "filesystem",
        _fact("target@dir", "filesystem guest target"),
        _fact("readonly", "filesystem access mode (readonly)", _there, default="no"),
        _MODEL,
        *_VIRTIO,
    ),
    _group(
        "interface",
        "net card",
        _fact("mac@address", "network card mac", _lower),
        _fact("model@type", "network card model", filled=True),
        _fact("mtu@size", "network card MTU", _number),
        _OPTIONS,
        *_VIRTIO,
        _fact("driver@queues", "network card queues", _number, breaks=True),
        _fact("rom@enabled", "network card option ROM", default="yes", breaks=True),
    ),
    _group("input", "input device", *_every("input device", "type", "bus", "model"), *_VIRTIO),
    _group("sound", "sound card", _MODEL, _fact("@multichannel", "sound card multichannel setting")),
    _group(
        "video",
        "video card",
        _fact("model@type", "video card model"),
        *(_fact(f"model@{name}", f"video card {name}", _number, filled=True) for name in ("ram", "vram", "vram64")),
        *(_fact(f"model@{name}", f"video card {name}", _number, filled=True) for name in ("vgamem", "heads")),
        *_every("video card", "accel2d", "accel3d", under="model/acceleration"),
        *_VIRTIO,
    ),
    _group("hostdev", "host device", _fact("@mode", "host device mode"), _fact("@type", "host device subsystem")),
    _group("smartcard", "smartcard"),
    _group(
        "serial",
        "serial port",
        _fact("target@type", "serial type", filled=True),
        _fact("target/model@name", "serial model", filled=True),
        _fact("target@port", "serial port", _number, filled=True),
    ),
    _group("parallel", "parallel port", _fact("target@port", "parallel port", _number, filled=True)),
    _group(
        "channel",
        "channel",
        *_every("channel", "type", "name", "address", "port", under="target"),
    ),
    _group("console", "console", _fact("target@type", "console type", filled=True), implied=True),
    _group("hub", "hub device", _fact("@type", "hub device type")),
    _group("redirdev", "redirected device", *_every("redirected device", "bus", "type")),
    Group(
        "devices/redirfilter/usbdev",
        "USB redirection filter rule",
        _every("USB", "class", "vendor", "product", "version", "allow"),
    ),
    _group("watchdog", "watchdog device", _fact("@model", "watchdog model")),
    _group(
        "memballoon",
        "memory balloon",
        _fact("@model", "balloon model"),
        *_every("balloon", "autodeflate", "freePageReporting"),
        *_VIRTIO,
        implied=True,
    ),
    _group("rng", "RNG device", _MODEL, *_VIRTIO),
    _group("panic", "panic device", _fact("@model", "panic model", filled=True)),
    _group(
        "shmem",
        "shared memory device",
        _fact("@role", "shared memory role", filled=True),
        _fact("model@type", "shared memory model"),
        _fact("size", "shared memory size", _size),
        _fact("server", "shared memory server usage", _there),
        *_every("shared memory MSI", "vectors", "enabled", "ioeventfd", under="msi"),
    ),
    _group(
        "tpm",
        "TPM device",
        _fact("@model", "TPM device model", filled=True),
        _fact("backend@type", "TPM device type"),
        _fact("backend@version", "TPM version", filled=True),
        _fact("backend/active_pcr_banks", "active PCR banks", lambda e, _: " ".join(sorted(str(x.tag) for x in e))),
    ),
    _group(
        "memory",
        "memory device",
        _fact("@model", "memory device model"),
        _fact("uuid", "NVDIMM UUID", _lower),
        _fact("target/node", "memory device targetNode", _number),
        *(_fact(f"target/{name}", f"memory device {name}", _size) for name in ("size", "block", "requested")),
        _fact("target/label/size", "NVDIMM label size", _size),
        _fact("source/alignsize", "NVDIMM alignment", _size),
        _fact("source/pmem", "NVDIMM pmem flag", _there),
        _fact("target/readonly", "NVDIMM readonly flag", _there),
        _fact("target/address@base", "memory device address", _number),
    ),
    _group(
        "iommu",
        "IOMMU device",
        _MODEL,
        *_every("IOMMU device", "intremap", "caching_mode", "eim", "iotlb", "aw_bits", under="driver"),
    ),
    _group("vsock", "vsock device", _MODEL, *_VIRTIO),
)
