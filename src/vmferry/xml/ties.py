"""Everything of a definition that may bind the guest to its host, in one table of readers."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from lxml import etree

from vmferry.facts.needs import Bound, Tie

_QEMU = "{http://libvirt.org/schemas/domain/qemu/1.0}"

Reader = Callable[[etree._Element], Tie | None]


def ties(domain: etree._Element) -> Iterator[Tie]:
    for path, read in _READERS:
        for element in domain.iterfind(path):
            tie = read(element)
            if tie is not None:
                yield tie


def _attribute(element: etree._Element, path: str, name: str) -> str:
    found = element.find(path)
    return found.get(name, "") if found is not None else ""


def _hostdev(element: etree._Element) -> Tie:
    kind = element.get("type", "") if element.get("mode") != "capabilities" else "capabilities"
    subject = f"hostdev {kind} {_address(element)}".strip()
    if _attribute(element, "teaming", "type") == "transient":
        return Tie(Bound.TEAMED, subject)
    if _attribute(element, "source", "protocol") == "iscsi":
        return Tie(Bound.PASSED_LUN, f"{subject} {_attribute(element, 'source', 'name')}")
    driver = _driver(element) or ("vfio" if kind == "pci" else "")
    return Tie(Bound.PASSED_USB if kind == "usb" else Bound.PASSED_DEVICE, subject, driver)


def _driver(element: etree._Element) -> str:
    """A variant of VFIO's for one kind of device, by which it may be able to move, is the model."""
    return _attribute(element, "driver", "model") or _attribute(element, "driver", "name")


def _address(element: etree._Element) -> str:
    """As the host's own tools write it."""
    source = element.find("source/address")
    if source is None:
        adapter = element.find("source/adapter")
        vendor, product = _attribute(element, "source/vendor", "id"), _attribute(element, "source/product", "id")
        return adapter.get("name", "") if adapter is not None else f"{vendor}:{product}".strip(":")
    if source.get("uuid"):
        return source.get("uuid", "")
    parts = [source.get(name, "0").removeprefix("0x") for name in ("domain", "bus", "slot", "function")]
    if element.get("type") == "pci" or element.tag == "interface":
        return f"{parts[0]:0>4}:{parts[1]:0>2}:{parts[2]:0>2}.{parts[3]}"
    return ":".join(source.get(name, "") for name in ("bus", "target", "unit", "device") if source.get(name))


def _passed_nic(element: etree._Element) -> Tie | None:
    """Also one that a pool of virtual functions lent it: live XML then says hostdev."""
    if element.get("type") == "vdpa":
        return Tie(
            Bound.VDPA, f"interface {_attribute(element, 'mac', 'address')}", _attribute(element, "source", "dev")
        )
    if element.get("type") == "vhostuser":
        socket = _attribute(element, "source", "path")
        return Tie(Bound.VHOST_USER, f"interface {_attribute(element, 'mac', 'address')}", socket)
    if element.get("type") != "hostdev":
        return None
    bound = Bound.TEAMED if _attribute(element, "teaming", "type") == "transient" else Bound.PASSED_DEVICE
    return Tie(bound, f"interface {_attribute(element, 'mac', 'address')}", _address(element))


def _filesystem(element: etree._Element) -> Tie:
    tag, directory = _attribute(element, "target", "dir"), _attribute(element, "source", "dir")
    virtiofs = _attribute(element, "driver", "type") == "virtiofs"
    return Tie(Bound.VIRTIOFS if virtiofs else Bound.NINEP, f"filesystem {tag}", directory)


def _shmem(element: etree._Element) -> Tie | None:
    subject = f"shmem {element.get('name', '')}"
    if _attribute(element, "model", "type") == "ivshmem":
        return Tie(Bound.LEGACY_SHMEM, subject)
    return None if element.get("role") == "master" else Tie(Bound.SHMEM, subject, element.get("role", "peer"))


def _disk(element: etree._Element) -> Tie | None:
    subject = _attribute(element, "target", "dev") or "disk"
    if element.find("transient") is not None:
        return Tie(Bound.TRANSIENT_DISK, subject)
    if element.get("type") == "vhostvdpa":
        return Tie(Bound.VDPA, subject, _attribute(element, "source", "dev"))
    if element.get("type") == "vhostuser":
        return Tie(Bound.VHOST_USER, subject, _attribute(element, "source", "path"))
    if element.get("type") == "nvme":
        return Tie(Bound.PASSED_DEVICE, subject, f"NVMe {_address(element)}")
    return None


def _video(element: etree._Element) -> Tie | None:
    model = element.find("model")
    if model is None:
        return None
    if _attribute(model, "acceleration", "accel3d") == "yes":
        return Tie(Bound.RENDERING, f"video {model.get('type', '')}", "accel3d")
    return Tie(Bound.BLOB, f"video {model.get('type', '')}") if model.get("blob") == "on" else None


def _rendering(element: etree._Element) -> Tie | None:
    kind = element.get("type", "")
    if _attribute(element, "gl", "enable") == "yes" or kind == "egl-headless":
        return Tie(Bound.RENDERING, f"graphics {kind}", "OpenGL on the host")
    return None


def _memory(element: etree._Element) -> Tie | None:
    model = element.get("model", "")
    if model == "nvdimm":
        return Tie(Bound.HOST_FILE, "memory nvdimm", (element.findtext("source/path") or "").strip())
    address = element.find("address[@type='dimm']")
    placed = address is not None and address.get("slot") is not None and address.get("base") is not None
    return Tie(Bound.UNPLACED_MEMORY, f"memory {model}") if model == "dimm" and not placed else None


def _character(element: etree._Element) -> Tie | None:
    """A console that is a serial port's other name says nothing new."""
    kind = element.get("type", "")
    source = element.find("source")
    subject = f"{element.tag} {_attribute(element, 'target', 'name') or _attribute(element, 'target', 'port')}".strip()
    if source is None or (element.tag == "console" and _attribute(element, "target", "type") == "serial"):
        return None
    path, mode = source.get("path", ""), source.get("mode", "")
    if kind == "dev":
        return Tie(Bound.HOST_DEVICE_FILE, subject, path)
    if kind in ("file", "pipe"):
        return Tie(Bound.HOST_FILE, subject, path)
    if kind in ("unix", "tcp", "udp") and mode == "connect" and not path.startswith("/var/lib/libvirt/"):
        return Tie(Bound.HOST_SOCKET, subject, path or f"{source.get('host', '')}:{source.get('service', '')}")
    return None


_ANY: tuple[tuple[str, Reader], ...] = tuple(
    (f"devices/{tag}", _character) for tag in ("serial", "parallel", "console", "channel", "smartcard", "redirdev")
)
_READERS: tuple[tuple[str, Reader], ...] = (
    ("launchSecurity", lambda each: Tie(Bound.CONFIDENTIAL, f"launchSecurity {each.get('type', '')}")),
    ("devices/disk", _disk),
    ("devices/filesystem", _filesystem),
    ("devices/interface", _passed_nic),
    ("devices/hostdev", _hostdev),
    ("devices/shmem", _shmem),
    ("devices/memory", _memory),
    ("devices/video", _video),
    ("devices/graphics", _rendering),
    *_ANY,
    (f"{_QEMU}commandline", lambda _: Tie(Bound.FREE_HAND, "qemu:commandline")),
    (f"{_QEMU}override", lambda _: Tie(Bound.FREE_HAND, "qemu:override")),
)
