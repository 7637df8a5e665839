"""Two definitions of one guest compared: everything that a guest would see change, all at once.

Libvirt compares the same and names the first difference only, and over a peer-to-peer migration at times not even that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lxml import etree

from vmferry.xml.abi_table import GROUPS, Fact, Group
from vmferry.xml.parse import parse


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that the guest would find changed."""

    place: str
    """As `devices/disk[vda]/serial`."""
    says: str
    """What it is, in libvirt's words."""
    before: str | None
    """None: it is not said."""
    after: str | None
    breaks: bool = False
    """Libvirt lets it pass, and QEMU fails at it."""


def differences(migratable: str, given: str, live: str | None = None) -> tuple[Difference, ...]:
    """From the definition that libvirt migrates with to the given one. Raises BadXml.

    The live definition also shows what libvirt adds by itself and migrates without naming it, a keyboard as an example;
    the given one may have that or not.
    """
    source, target = parse(migratable, "the guest's definition"), parse(given, "the given definition")
    sources = [source] if live is None else [source, parse(live, "the guest's live definition")]
    found: list[Difference] = []
    for group in GROUPS:
        known = sources if group.path.startswith("devices/") else [source]
        found += _fewest([tuple(_compare(group, each, target)) for each in known])
    return tuple(found)


def _fewest(ways: Sequence[tuple[Difference, ...]]) -> tuple[Difference, ...]:
    return min(ways, key=lambda way: len(way))


def _compare(group: Group, source: etree._Element, target: etree._Element) -> Iterator[Difference]:
    before, after = source.findall(group.path), target.findall(group.path)
    if group.implied and not after:
        return
    if group.key:
        yield from _by_key(group, before, after)
        return
    if len(before) != len(after):
        yield Difference(group.path, f"{group.says} count", str(len(before)), str(len(after)))
    for number, (old, new) in enumerate(zip(before, after, strict=False)):
        yield from _facts(group, f"{group.path}[{number}]" if len(before) > 1 else group.path, old, new)


def _by_key(group: Group, before: Sequence[etree._Element], after: Sequence[etree._Element]) -> Iterator[Difference]:
    here = {_at(each, group.key): each for each in before}
    there = {_at(each, group.key): each for each in after}
    for key in {**here, **there}:
        place = f"{group.path}[{key}]"
        if key not in there or key not in here:
            yield Difference(place, group.says, _presence(key in here), _presence(key in there))
        else:
            yield from _facts(group, place, here[key], there[key])


def _presence(there: bool) -> str | None:
    return "there" if there else None


def _facts(group: Group, place: str, source: etree._Element, target: etree._Element) -> Iterator[Difference]:
    for fact in group.facts:
        before, after = _value(fact, source), _value(fact, target)
        chosen_by_libvirt = fact.filled and after is None
        if before != after and not chosen_by_libvirt:
            yield Difference(_joined(place, fact.path), fact.says, before, after, fact.breaks)


def _value(fact: Fact, element: etree._Element) -> str | None:
    path, _, attribute = fact.path.partition("@")
    found = element.find(path) if path else element
    value = fact.read(found, attribute) if found is not None else None
    return fact.default if value is None else value


def _at(element: etree._Element, path: str) -> str | None:
    path, _, attribute = path.partition("@")
    found = element.find(path) if path else element
    return found.get(attribute) if found is not None else None


def _joined(place: str, path: str) -> str:
    whole = f"{place}/{path}" if path and not path.startswith("@") else f"{place}{path}"
    return whole.removeprefix("./").removeprefix(".")
