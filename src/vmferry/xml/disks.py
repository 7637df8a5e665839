"""A guest's `<disk>` elements, each with its source as one word."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from vmferry.model.guest import Disk, ImageEncryption

_PATH_ATTRIBUTE = {"file": "file", "block": "dev", "dir": "dir", "vhostuser": "path", "vhostvdpa": "dev"}


def disks(domain: etree._Element) -> tuple[Disk, ...]:
    return tuple(_disk(element) for element in domain.iterfind("devices/disk"))


def _disk(element: etree._Element) -> Disk:
    driver, target = element.find("driver"), element.find("target")
    source = element.find("source")
    word = _source(element.get("type", "file"), source)
    below = tuple(_backing(element))
    return Disk(
        target=target.get("dev", "") if target is not None else "",
        device=element.get("device", "disk"),
        kind=element.get("type", "file") if word else "empty",
        source=word,
        format=driver.get("type") if driver is not None else None,
        cache=driver.get("cache") if driver is not None else None,
        read_only=element.find("readonly") is not None,
        needs_secret=element.find("auth") is not None or element.find("source/auth") is not None,
        backing=tuple(word for word, _ in below),
        backing_formats=tuple(form for _, form in below),
        shareable=element.find("shareable") is not None,
        encryption=_encryption(element),
    )


def _encryption(disk: etree._Element) -> ImageEncryption | None:
    """Libvirt writes it in the source; older definitions have it beside."""
    for place in ("source/encryption", "encryption"):
        found = disk.find(place)
        if found is not None:
            secret = found.find("secret")
            named = (None, None) if secret is None else (secret.get("uuid"), secret.get("usage"))
            return ImageEncryption(found.get("format", "default"), *named)
    return None


def _backing(disk: etree._Element) -> Iterator[tuple[str, str]]:
    """(source, format) of those under the top image, nearest first. Libvirt lists them for running guests."""
    layer = disk.find("backingStore")
    while layer is not None:
        word = _source(layer.get("type", ""), layer.find("source"))
        if word:
            form = layer.find("format")
            yield word, form.get("type", "") if form is not None else ""
        layer = layer.find("backingStore")


def _source(kind: str, source: etree._Element | None) -> str | None:
    if source is None:
        return None
    if kind == "network":
        return network_source(source)
    if kind == "volume":
        return f"{source.get('pool', '')}/{source.get('volume', '')}"
    return source.get(_PATH_ATTRIBUTE.get(kind, "file"))


def network_source(source: etree._Element) -> str:
    """`protocol://host[:port][,host...]/name`, as qemu-img writes URLs; a socket is given as `protocol+unix://PATH/name`."""
    protocol, name = source.get("protocol", ""), source.get("name", "")
    hosts = source.findall("host")
    sockets = [host.get("socket", "") for host in hosts if host.get("transport") == "unix"]
    if sockets:
        return f"{protocol}+unix://{sockets[0]}/{name.lstrip('/')}"
    return f"{protocol}://{','.join(_address(host) for host in hosts)}/{name.lstrip('/')}"


def _address(host: etree._Element) -> str:
    name, port = host.get("name", ""), host.get("port")
    shown = f"[{name}]" if ":" in name else name
    return f"{shown}:{port}" if port else shown
