"""Cases of the rules of the definition."""

from __future__ import annotations

from dataclasses import replace

from vmferry.facts.move import MoveFacts
from vmferry.facts.needs import HostFile, Needs
from vmferry.facts.system import Hook, SystemFacts
from vmferry.facts.wish import MoveWish
from vmferry.model.edits import Edit, Naming
from vmferry.model.guest import Disk

from ..cases import FACTS, GUEST, OK, PASSING, REFUSE, SIGHT, WARN, Cases, with_target
from ..passing_definition import MIGRATABLE

ELSEWHERE = Edit(Naming.PATH, "/srv/shared/web.img", "/mnt/nas/web.img")
BASE = Edit(Naming.PATH, "/srv/shared/base.img", "/mnt/nas/base.img")
BY_ITSELF = MoveWish()


def moved(
    *edits: Edit, disks: tuple[Disk, ...] = GUEST.disks, wish: MoveWish = BY_ITSELF, libvirt: str | None = "11.3.0"
) -> MoveFacts:
    """The passing move to a target that has it elsewhere."""
    host = replace(PASSING.target.host, libvirt=libvirt)
    target = replace(PASSING.target, edits=edits, host=host)
    facts = replace(FACTS, guest=replace(GUEST, disks=disks))
    return replace(PASSING, guest=facts, target=target, wish=wish)


def chain() -> tuple[Disk, ...]:
    return (replace(GUEST.disks[0], format="qcow2", backing=("/srv/shared/base.img",)),)


def kernel(*edits: Edit) -> MoveFacts:
    file = HostFile("kernel", "/srv/shared/vmlinuz")
    target = replace(PASSING.target, edits=edits, disks=(SIGHT, replace(SIGHT, target="kernel")))
    return replace(PASSING, guest=replace(FACTS, needs=Needs(files=(file,))), target=target, wish=BY_ITSELF)


def given(old: str = "", new: str = "", **changes: object) -> MoveFacts:
    """The passing move with a definition in which some words are others."""
    assert old in MIGRATABLE
    facts = replace(FACTS, **changes)  # type: ignore[arg-type]
    return replace(PASSING, guest=facts, wish=MoveWish(definition=MIGRATABLE.replace(old, new, 1)))


def hooked(*paths: str) -> MoveFacts:
    return with_target(system=SystemFacts(hooks=tuple(Hook(path, "0" * 64) for path in paths)))


CASES: Cases = {
    "storage.same-path": [
        ("the same path", PASSING, OK, "/srv/shared/web.img on both"),
        ("elsewhere", moved(ELSEWHERE), WARN, "h2 has /srv/shared/web.img at /mnt/nas/web.img"),
        ("vmferry says it", moved(ELSEWHERE), WARN, "the definition that vmferry gives the target says so"),
        ("the user says it", moved(ELSEWHERE, wish=PASSING.wish), WARN, "the given definition says so"),
        ("its base too", moved(ELSEWHERE, BASE, disks=chain()), WARN, "the image itself names /srv/shared/base.img"),
        ("its base on an old libvirt", moved(BASE, disks=chain(), libvirt="5.9.0"), REFUSE, "libvirt 5.9.0 there"),
        ("its base on one that is not known", moved(BASE, disks=chain(), libvirt=None), WARN, "spells out"),
        ("kernel at the same path", kernel(), OK, "/srv/shared/vmlinuz on both"),
        (
            "kernel elsewhere",
            kernel(Edit(Naming.PATH, "/srv/shared/vmlinuz", "/mnt/vmlinuz")),
            WARN,
            "at /mnt/vmlinuz",
        ),
        (
            "a pool of another name",
            moved(Edit(Naming.POOL, "fast", "ssd"), disks=(Disk("vda", "disk", "volume", "fast/web"),)),
            WARN,
            "h2 has fast at ssd",
        ),
    ],
    "definition.abi": [
        ("the same", PASSING, OK, "differs in nothing"),
        ("another path", given("/srv/shared", "/mnt"), OK, "differs in nothing"),
        ("another network", given("network='lab'", "network='prod'"), OK, "differs in nothing"),
        ("another MAC", given("00:01'", "00:99'"), REFUSE, "the guest has 52:54:00:00:00:01"),
        ("an MTU", given("<model type", "<mtu size='1400'/><model type"), REFUSE, "card MTU: the guest has none"),
        ("less memory", given("'GiB'>1<", "'MiB'>512<"), REFUSE, "1048576 KiB, the given definition says 524288 KiB"),
        ("no ROM", given("<model type", "<rom enabled='no'/><model type"), REFUSE, "QEMU may not"),
        ("against the live one", given("00:01'", "00:99'", migratable_xml=None, live_xml=MIGRATABLE), REFUSE, "mac"),
        ("malformed", given("</domain>", ""), REFUSE, "not well-formed"),
    ],
    "definition.hook": [
        ("none", PASSING, OK, "no hook"),
        ("of something else", hooked("/etc/libvirt/hooks/network"), OK, "no hook"),
        ("one", hooked("/etc/libvirt/hooks/qemu"), OK, "/etc/libvirt/hooks/qemu on h2 may change"),
        ("one of several", hooked("/etc/libvirt/hooks/qemu.d/10-names"), OK, "10-names on h2 may change"),
    ],
}  # fmt: skip
