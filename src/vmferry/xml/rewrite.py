"""A definition for another host: edited in place where it names what has another name there, and nowhere else."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from lxml import etree

from vmferry.model.edits import Edit, Naming
from vmferry.xml.parse import parse

PATH, POOL, NETWORK, BRIDGE, DEVICE = Naming


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a definition names something of its host."""

    path: str
    attribute: str | None
    """None: it is the element's text."""
    naming: Naming = PATH


_CHARACTER_DEVICES = ("serial", "parallel", "console", "channel", "smartcard", "redirdev")
_PLACES = (
    *(_Place(f"os/{name}", None) for name in ("kernel", "initrd", "dtb", "loader", "nvram")),
    _Place("os/nvram", "template"),
    _Place("os/nvram/source", "file"),
    _Place("os/nvram/source", "dev"),
    _Place("os/acpi/table", None),
    *(_Place("devices/disk//source", name) for name in ("file", "dev", "dir", "path")),
    _Place("devices/disk//source", "pool", POOL),
    *(_Place("devices/filesystem/source", name) for name in ("file", "dev", "dir", "socket")),
    _Place("devices/filesystem/source", "pool", POOL),
    _Place("devices/interface/source", "network", NETWORK),
    _Place("devices/interface/source", "bridge", BRIDGE),
    _Place("devices/interface/source", "dev", DEVICE),
    _Place("devices/interface/source", "path"),
    *(_Place(f"devices/{name}/source", "path") for name in _CHARACTER_DEVICES),
    *(_Place(f"devices/{name}/log", "file") for name in _CHARACTER_DEVICES),
    _Place("devices/tpm/backend/source", "path"),
    _Place("devices/tpm/backend/device", "path"),
    _Place("devices/rng/backend", None),
    _Place("devices/memory/source/path", None),
)


def rewritten(xml: str, edits: Sequence[Edit], live: str | None = None) -> str:
    """The definition with these names changed; raises BadXml where it is none.

    What an image rests on is written into the image itself, which no definition changes. With the `live` definition,
    a disk of which that is edited gets its chain written out, which libvirt then takes instead of the image's word.
    """
    domain = parse(xml, "the guest's definition")
    if live is not None:
        _write_out_chains(domain, parse(live, "the guest's live definition"), edits)
    after = {(edit.naming, edit.before): edit.after for edit in edits}
    for place, element, value in _names(domain):
        new = after.get((place.naming, value))
        if new is not None:
            _set(element, place.attribute, new)
    return etree.tostring(domain, encoding="unicode")


def renamed(before: str, after: str) -> tuple[Edit, ...]:
    """The edits that lead from one definition of a guest to another, as far as both name the same devices."""
    there = {_key(place, element): value for place, element, value in _names(parse(after, "the given definition"))}
    edits: Mapping[Edit, None] = {
        Edit(place.naming, value, there[key]): None
        for place, element, value in _names(parse(before, "the guest's definition"))
        if (key := _key(place, element)) in there and there[key] != value
    }
    return tuple(edits)


def paths(xml: str) -> tuple[tuple[str, str], ...]:
    """(what, path) of every file beside its disks that a guest is started from: kernel, firmware, variables."""
    domain = parse(xml, "the guest's definition")
    found = [(place, element, value) for place, element, value in _names(domain) if place.path.startswith("os/")]
    return tuple((place.path.split("/")[1], value) for place, _, value in found if value.startswith("/"))


def _names(domain: etree._Element) -> Iterator[tuple[_Place, etree._Element, str]]:
    """Every name of something of the host, with its place."""
    for place in _PLACES:
        for element in domain.iterfind(place.path):
            value = (element.text or "").strip() if place.attribute is None else element.get(place.attribute)
            if value:
                yield place, element, value


def _set(element: etree._Element, attribute: str | None, value: str) -> None:
    if attribute is None:
        element.text = value
    else:
        element.set(attribute, value)


def _key(place: _Place, element: etree._Element) -> tuple[str | None, ...]:
    """Which name of which device it is: the same in two definitions of one guest."""
    steps: list[str | None] = [place.path, place.attribute]
    while (parent := element.getparent()) is not None:
        steps.append(f"{element.tag} {_identity(parent, element)}")
        element = parent
    return tuple(steps)


_IDENTITY = {"disk": ("target", "dev"), "interface": ("mac", "address"), "filesystem": ("target", "dir")}


def _identity(parent: etree._Element, element: etree._Element) -> str:
    path, attribute = _IDENTITY.get(str(element.tag), ("", ""))
    named = element.find(path) if path else None
    if named is not None:
        return named.get(attribute, "")
    return str(parent.findall(str(element.tag)).index(element))


def _write_out_chains(domain: etree._Element, live: etree._Element, edits: Sequence[Edit]) -> None:
    chains = {_target(disk): disk.find("backingStore") for disk in live.iterfind("devices/disk")}
    changed = {edit.before for edit in edits if edit.naming in (PATH, POOL)}
    for disk in domain.iterfind("devices/disk"):
        chain, source = chains.get(_target(disk)), disk.find("source")
        if chain is None or source is None or disk.find("backingStore") is not None:
            continue
        if any(changed & set(each.attrib.values()) for each in chain.iter("source")):
            source.addnext(_tidy(chain, source.tail))


def _tidy(chain: etree._Element, tail: str | None) -> etree._Element:
    """Without the numbers that a running libvirt gives to nodes."""
    written = copy.deepcopy(chain)
    for each in written.iter("source", "backingStore"):
        if "index" in each.attrib:
            del each.attrib["index"]
    written.tail = tail
    return written


def _target(disk: etree._Element) -> str | None:
    target = disk.find("target")
    return target.get("dev") if target is not None else None
