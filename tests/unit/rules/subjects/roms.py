"""Cases of the rules of roms."""

from __future__ import annotations

from vmferry.facts.needs import HostFile, Needs

from ..cases import OK, PASSING, REFUSE, UNKNOWN, Cases, with_facts, with_source
from ..passing_system import with_system

PXE = ("/usr/share/qemu/pxe-virtio.rom", 65537)
BIOS, ROM = ("/usr/share/seabios/bios-256k.bin", 262144), ("/usr/share/qemu/efi-virtio.rom", 262144)
CODE = "/usr/share/OVMF/OVMF_CODE.fd"
UEFI = with_facts(needs=Needs(files=(HostFile("loader", CODE),)))
SMALL_UEFI = with_system(with_system(UEFI, firmware=((CODE, 1966080),)), "source", firmware=((CODE, 3653632),))
SMALL_PXE = (PXE[0], 65536)
ONLY_PXE = with_system(with_system(PASSING, "source", firmware=(PXE,)), firmware=(SMALL_PXE,))

CASES: Cases = {
    "version.firmware": [
        ("the same", PASSING, OK, "bios-256k.bin, efi-virtio.rom"),
        ("smaller, in the same room", with_system(PASSING, firmware=(BIOS, (ROM[0], 180000))), OK, "efi-virtio.rom"),
        ("a larger room", with_system(PASSING, firmware=(BIOS, (ROM[0], 262145))), REFUSE, "512 KiB on h2"),
        (
            "the ROM without UEFI",
            with_system(with_system(PASSING, "source", firmware=(BIOS, ROM, PXE)), firmware=(BIOS, ROM, SMALL_PXE)),
            OK,
            "the same: bios-256k.bin, efi-virtio.rom",
        ),
        ("only the ROM without UEFI", ONLY_PXE, REFUSE, "pxe-virtio.rom: 128 KiB on h1, 64 KiB on h2"),
        (
            "another BIOS",
            with_system(PASSING, firmware=((BIOS[0], 131072), ROM)),
            REFUSE,
            "bios-256k.bin: 256 KiB on h1",
        ),
        ("nothing in its place", with_system(PASSING, firmware=()), OK, "nothing that both hosts have"),
        ("a graphics card", with_facts(videos=("cirrus",)), OK, "the same"),
        ("another UEFI", SMALL_UEFI, REFUSE, "3568 KiB on h1"),
        ("not told", with_system(PASSING, firmware=None), UNKNOWN, "those of h2"),
        ("not told here", with_source(system=None), UNKNOWN, "those of h1"),
    ],
}
