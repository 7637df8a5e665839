"""Lab guests from birth to removal."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePath

from vmferry.errors import Failed, UserError
from vmferry.lab import host
from vmferry.lab.control import need_machine, need_root, opened
from vmferry.lab.guest_disks import create_disk, remove_disk
from vmferry.lab.guest_image import prepare_guest_image
from vmferry.lab.guest_page import wait_for_page
from vmferry.lab.guest_plan import Disk, GuestPlan, Storage, check_name, check_plan
from vmferry.lab.guest_record import (
    GuestRecord,
    all_records,
    free_index,
    guests_locked,
    load_record,
    remove_record,
    save_record,
)
from vmferry.lab.guest_xml import Boot, domain_xml
from vmferry.lab.layout import Layout
from vmferry.lab.plan import STORAGE, SUBNET_BITS, LabPlan
from vmferry.lab.shell import ssh
from vmferry.lab.storage_files import LOCAL_DIR

_START_S = 60.0
_MAX_GUESTS = 100
_MAX_DISKS = 8


@dataclass(frozen=True, slots=True)
class LabGuest:
    name: str
    host: str
    address: str


def create_guest(
    layout: Layout, plan: GuestPlan, storages: Sequence[Storage] = (), *, disk_bytes: int = 64 << 20, on: str = ""
) -> LabGuest:
    """Defines and starts the guest and waits until its page answers. What a failure leaves half made is removed.

    `on` is the host's name; without it the first that has power. Raises UserError for a name that is taken.
    """
    need_machine()
    lab = opened(layout).plan
    first = _hypervisor(layout, lab, on)
    check_plan(plan)
    _check_disks(storages, disk_bytes)
    with guests_locked(layout):
        record = _reserve(layout, plan.name)
        try:
            record = _add_disks(layout, record, storages, disk_bytes, first)
            guest = _start(layout, lab, plan, record, first)
            wait_for_page(guest.name, guest.address, _START_S)
        except BaseException:
            with suppress(Failed):  # the record stays, for --remove; what is to be told is the first failure
                _remove(layout, lab, load_record(layout, plan.name) or record)
            raise
    return guest


def remove_guest(layout: Layout, name: str) -> None:
    """Ends it on whichever host it is and removes its disks, also what of it is on hosts without power."""
    need_root()
    lab = opened(layout).plan
    with guests_locked(layout):
        _remove(layout, lab, _recorded(layout, name))


def guest_address(layout: Layout, name: str) -> str:
    return opened(layout).plan.guest_address(_recorded(layout, name).index)


def _recorded(layout: Layout, name: str) -> GuestRecord:
    record = load_record(layout, check_name(name))
    if record is None:
        raise UserError(f"the lab made no guest {name!r}: `vmferry lab status` lists its guests")
    return record


def _hypervisor(layout: Layout, lab: LabPlan, name: str) -> str:
    names = [host.name for host in lab.hypervisors]
    if name and name not in names:
        raise UserError(f"guests run on {', '.join(names)}, not on {name!r}")
    running = [each for each in names if host.is_running(layout, each)]
    if (name and name not in running) or not running:
        raise UserError(f"{name or names[0]} has no power: vmferry lab start {name or names[0]}")
    return name or running[0]


def _check_disks(storages: Sequence[Storage], disk_bytes: int) -> None:
    if len(storages) > _MAX_DISKS:
        raise UserError(f"a lab guest has {_MAX_DISKS} disks at most, not {len(storages)}")
    if disk_bytes < 1 << 20 or disk_bytes % 512:
        raise UserError(f"a disk has 1MiB at least and whole sectors of 512 bytes, not {disk_bytes} bytes")


def _reserve(layout: Layout, name: str) -> GuestRecord:
    records = all_records(layout)
    if any(record.name == name for record in records):
        raise UserError(f"the lab has a guest {name!r} already: remove it with `vmferry lab guest {name} --remove`")
    index = free_index(records)
    if index >= _MAX_GUESTS:
        raise UserError(f"the lab has {_MAX_GUESTS} guests already: remove one")
    record = GuestRecord(name, index, ())
    save_record(layout, record)
    return record


def _add_disks(
    layout: Layout, record: GuestRecord, storages: Sequence[Storage], disk_bytes: int, on: str
) -> GuestRecord:
    """Recorded one by one, so that an interruption forgets none but the one being made."""
    disks: tuple[Disk, ...] = ()
    for number, storage in enumerate(storages):
        disks += (create_disk(layout, storage, f"{record.name}-{number}.img", disk_bytes, on),)
        record = GuestRecord(record.name, record.index, disks)
        save_record(layout, record)
    return record


def _start(layout: Layout, lab: LabPlan, plan: GuestPlan, record: GuestRecord, on: str) -> LabGuest:
    image = prepare_guest_image(layout.cache)
    address = lab.guest_address(record.index)
    boot = Boot(PurePath(host.GUEST_FILES) / image.directory.name, address, SUBNET_BITS)
    xml = domain_xml(plan, boot, record.disks, lab.mixed)
    ssh(layout, on, "sh", "-c", 'virsh define /dev/stdin && virsh start "$1"', "-", plan.name, stdin=xml)
    return LabGuest(plan.name, on, address)


_END = 'virsh destroy "$1"; virsh undefine "$1" --nvram; rm -f "/var/log/libvirt/qemu/$1-serial.log"'


def _remove(layout: Layout, lab: LabPlan, record: GuestRecord) -> None:
    _need_storage(layout, record)
    names = [one.name for one in lab.hypervisors]
    running = tuple(name for name in names if host.is_running(layout, name))
    for name in running:
        ssh(layout, name, "sh", "-c", f"{{ {_END}; }} >/dev/null 2>&1", "-", record.name)
    for name in set(names) - set(running):
        _remove_files(layout.host_root(name), record)
    for disk in record.disks:
        remove_disk(layout, disk, running)
    remove_record(layout, record.name)


def _need_storage(layout: Layout, record: GuestRecord) -> None:
    if not host.is_running(layout, STORAGE) and any(disk.storage is not Storage.LOCAL for disk in record.disks):
        raise Failed(f"disks of {record.name} are on the storage host, which has no power: vmferry lab start {STORAGE}")


def _remove_files(root: Path, record: GuestRecord) -> None:
    """Of a host without power, whose root stays mounted: what would come back with it."""
    local = [f"{LOCAL_DIR}/{disk.place}" for disk in record.disks if disk.storage is Storage.LOCAL]
    for name in (f"/etc/libvirt/qemu/{record.name}.xml", f"/var/log/libvirt/qemu/{record.name}-serial.log", *local):
        root.joinpath(name.lstrip("/")).unlink(missing_ok=True)
