"""The images that QEMU gives a guest to boot from are of one size on both hosts."""

from __future__ import annotations

from collections.abc import Iterator

from vmferry.facts.guest import GuestFacts
from vmferry.facts.host import HostFacts
from vmferry.facts.move import MoveFacts
from vmferry.model.finding import Finding
from vmferry.rules.alike import of_the_same
from vmferry.rules.effective import LET_IN, NO_SHELL
from vmferry.rules.registry import Voice, move_rule

NETWORK = {
    "virtio": "virtio",
    "virtio-transitional": "virtio",
    "virtio-non-transitional": "virtio",
    "e1000": "e1000",
    "e1000e": "e1000e",
    "rtl8139": "rtl8139",
    "vmxnet3": "vmxnet3",
    "pcnet": "pcnet",
    "ne2k_pci": "ne2k_pci",
}
"""Model of a network card to the name that its boot ROM has."""
VIDEO = {
    "vga": "stdvga",
    "cirrus": "cirrus",
    "qxl": "qxl",
    "virtio": "virtio",
    "vmvga": "vmware",
    "bochs": "bochs-display",
    "ramfb": "ramfb",
}


@of_the_same
def _images(guest: GuestFacts) -> tuple[str, ...]:
    """Names of the images that this guest gets, or whole paths where its definition names them."""
    loaders = [file.path for file in guest.needs.files if file.role == "loader"]
    if guest.arch not in ("x86_64", "i686"):
        return tuple(loaders)
    cards = sorted({NETWORK[nic.model] for nic in guest.guest.nics if nic.model in NETWORK})
    videos = sorted({VIDEO[model] for model in guest.videos if model in VIDEO})
    roms = [f"{kind}-{card}.rom" for card in cards for kind in ("efi", "pxe")]
    return (*(loaders or ["bios-256k.bin"]), *roms, *(f"vgabios-{video}.bin" for video in videos))


@move_rule(
    "version.firmware",
    "boot ROMs and firmware of the guest are of one size on both hosts",
    "QEMU: Size mismatch: ...: 0x40000 != 0x20000: Invalid argument; Unknown ramblock; Missing section footer",
    key=lambda move: (id(move.source), _images(move.guest)),
)
def firmware(move: MoveFacts, say: Voice) -> Iterator[Finding]:
    """A ROM's room in the guest goes over with its memory; the images may differ inside as long as that is the same."""
    source, target = move.source, move.target.host
    required = "images of one size on both hosts"
    images = _images(move.guest)
    if not images:
        return
    here, there = _sizes(source), _sizes(target)
    if here is None or there is None:
        blind = source.name if here is None else target.name
        yield say.unknown(target.name, f"those of {blind} are not known: {NO_SHELL}", required, LET_IN)
        return
    both = _compared([name for name in images if name in here and name in there])
    for name in both:
        if not here[name] & there[name]:
            observed = f"{name}: {_told(here[name])} on {source.name}, {_told(there[name])} on {target.name}"
            remedy = f"install the same packages of ROMs and firmware on {target.name} as on {source.name}"
            yield say.refuse(target.name, observed, required, remedy)
    if all(here[name] & there[name] for name in both):
        compared = ", ".join(both) or "nothing that both hosts have in a usual place"
        yield say.ok(target.name, f"the same: {compared}", required)


def _compared(names: list[str]) -> list[str]:
    """Of a card's two boot ROMs QEMU takes the one for UEFI, which has the other in it, but for the oldest machines."""
    return [name for name in names if not (name.startswith("pxe-") and name.replace("pxe-", "efi-", 1) in names)]


def _firmware(host: HostFacts) -> tuple[tuple[str, int], ...] | None:
    return host.system.firmware if host.system is not None else None


@of_the_same
def _sizes(host: HostFacts) -> dict[str, set[int]] | None:
    """Name and path to the room that images of it take: one name may be in several directories."""
    firmware = _firmware(host)
    if firmware is None:
        return None
    sizes: dict[str, set[int]] = {}
    for path, size_bytes in firmware:
        name = path.rpartition("/")[2]
        for key in (name, path):
            sizes.setdefault(key, set()).add(_room(name, size_bytes))
    return sizes


def _room(name: str, size_bytes: int) -> int:
    rounded = name.endswith(".rom") or name.startswith("vgabios")
    return 1 << max(0, size_bytes - 1).bit_length() if rounded else size_bytes


def _told(sizes: set[int]) -> str:
    return " or ".join(f"{size >> 10} KiB" for size in sorted(sizes))
