"""Lab guests from birth to removal."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

from vmferry.errors import UserError
from vmferry.lab.control import opened
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
from vmferry.lab.plan import LabPlan
from vmferry.lab.shell import ssh

_ON_HOSTS = PurePath("/usr/lib/vmferry-lab")
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

    `on` is the host's name; without it the first. Raises UserError for a name that is taken.
    """
    lab = opened(layout).plan
    host = _hypervisor(lab, on)
    check_plan(plan)
    _check_disks(storages, disk_bytes)
    with guests_locked(layout):
        record = _reserve(layout, plan.name)
        try:
            record = _add_disks(layout, record, storages, disk_bytes, host)
            guest = _start(layout, lab, plan, record, host)
            wait_for_page(guest.name, guest.address, _START_S)
        except BaseException:
            _remove(layout, lab, load_record(layout, plan.name) or record)
            raise
    return guest


def remove_guest(layout: Layout, name: str) -> None:
    """Ends it on whichever host it is and removes its disks."""
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


def _hypervisor(lab: LabPlan, name: str) -> str:
    names = [host.name for host in lab.hypervisors]
    if name and name not in names:
        raise UserError(f"guests run on {', '.join(names)}, not on {name!r}")
    return name or names[0]


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
    layout: Layout, record: GuestRecord, storages: Sequence[Storage], disk_bytes: int, host: str
) -> GuestRecord:
    """Recorded one by one, so that an interruption forgets none but the one being made."""
    disks: tuple[Disk, ...] = ()
    for number, storage in enumerate(storages):
        disks += (create_disk(layout, storage, f"{record.name}-{number}.img", disk_bytes, host),)
        record = GuestRecord(record.name, record.index, disks)
        save_record(layout, record)
    return record


def _start(layout: Layout, lab: LabPlan, plan: GuestPlan, record: GuestRecord, host: str) -> LabGuest:
    image = prepare_guest_image(layout.cache)
    address = lab.guest_address(record.index)
    boot = Boot(_ON_HOSTS / image.directory.name, address, lab.lab_subnet.prefixlen)
    xml = domain_xml(plan, boot, record.disks, lab.mixed)
    ssh(layout, host, "sh", "-c", 'virsh define /dev/stdin && virsh start "$1"', "-", plan.name, stdin=xml)
    return LabGuest(plan.name, host, address)


_END = 'virsh destroy "$1"; virsh undefine "$1" --nvram; rm -f "/var/log/libvirt/qemu/$1-serial.log"'


def _remove(layout: Layout, lab: LabPlan, record: GuestRecord) -> None:
    hosts = tuple(host.name for host in lab.hypervisors)
    for host in hosts:
        ssh(layout, host, "sh", "-c", f"{{ {_END}; }} >/dev/null 2>&1", "-", record.name)
    for disk in record.disks:
        remove_disk(layout, disk, hosts)
    remove_record(layout, record.name)
