"""What a host's shell said of one block device and what it rests on, as a sight."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from vmferry.facts.disk import BlockPath, BlockSight, DiskSight
from vmferry.hosts.told.files import Said
from vmferry.hosts.told.protocols import TRANSPORTS
from vmferry.xml.parse import number

_PAIR = re.compile(r'([A-Z]+)="([^"]*)"')
_MAPS = frozenset({"lvm", "mpath", "crypt", "dm", "part", "md"})
"""What lsblk calls devices that rest on others; its names for RAID begin with `raid`."""


def block_sight(blank: DiskSight, said: Said) -> DiskSight:
    devices = [dict(_PAIR.findall(line)) for line in said.get("device", ())]
    paths = tuple(_path(each, said) for each in devices if _ends(each.get("TYPE", "")))
    mapped = said["block"][0].strip() or None
    size_bytes = number(devices[0].get("SIZE")) if devices else None
    transports = {path.transport or "" for path in paths}
    shared = bool(paths) and all(each in TRANSPORTS for each in transports)
    names = sorted({TRANSPORTS[each] for each in transports if each in TRANSPORTS})
    protocol = " and ".join(names) + _over(mapped, len(paths)) if names else None
    return replace(
        blank,
        seen=True,
        identity=_identity(mapped, paths, devices),
        shared_kind=True if shared else None,
        protocol=protocol,
        block=BlockSight(size_bytes, mapped, tuple(dict.fromkeys(paths))),
    )


def _ends(kind: str) -> bool:
    return kind not in _MAPS and not kind.startswith("raid")


def _over(mapped: str | None, paths: int) -> str:
    if mapped is None:
        return ""
    if mapped.startswith("LVM-"):
        return " under LVM"
    return f" over {paths} path{'' if paths == 1 else 's'}" if mapped.startswith("mpath-") else ""


def _path(device: Mapping[str, str], said: Said) -> BlockPath:
    name = device.get("NAME", "")
    transport, address = device.get("TRAN") or None, None
    for words in _about(name, said.get("iscsi", ()), 3):
        transport, address = "iscsi", f"{words[1]}/{words[2]}"
    for _ in _about(name, said.get("srp", ()), 1):
        transport = "srp"
    for words in _about(name, said.get("nvme", ()), 4):
        transport, address = f"nvme-{words[1]}", f"{words[2]}/{words[3]}"
    return BlockPath(
        name=name,
        transport=transport,
        wwn=device.get("WWN") or None,
        serial=device.get("SERIAL") or None,
        address=address,
        state=device.get("STATE") or None,
    )


def _about(name: str, lines: Sequence[str], count: int) -> list[list[str]]:
    return [words for line in lines if len(words := line.split()) == count and words[0] == name]


def _identity(mapped: str | None, paths: Sequence[BlockPath], devices: Sequence[Mapping[str, str]]) -> str | None:
    """A map's UUID, else the LUN's WWN, else its address and serial: what names the same bytes on every host.

    Multipath's word for a disk is 3 and its WWN: a host with one path and one with two see the same. A partition's WWN
    is its disk's, so that its number belongs to it.
    """
    if mapped is not None:
        part, _, disk = mapped.removeprefix("part").partition("-") if mapped.startswith("part") else ("", "", mapped)
        known = re.sub("^mpath-(?:3(?=[0-9a-f]))?", lambda match: "0x" if match[0].endswith("3") else "", disk)
        return f"{known} partition {part}" if part else known
    wwn = next((path.wwn for path in paths if path.wwn), None)
    known = wwn or next((_address(path) for path in paths if path.address), "")
    return f"{known}{_part(devices)}" if known else None


def _address(path: BlockPath) -> str:
    return f"{path.address} serial {path.serial}" if path.serial else path.address or ""


def _part(devices: Sequence[Mapping[str, str]]) -> str:
    if not devices or devices[0].get("TYPE") != "part":
        return ""
    digits = re.search(r"\d+$", devices[0].get("NAME", ""))
    return f" partition {digits[0]}" if digits else ""
