"""Making and removing the disks of lab guests, each kind where its storage is."""

from vmferry.lab.guest_plan import Disk, Storage
from vmferry.lab.layout import Layout
from vmferry.lab.plan import STORAGE
from vmferry.lab.shell import ssh
from vmferry.lab.storage_files import LUN_TOOL, NFS_DIR

_POOLS = {Storage.SHARED: "shared", Storage.LOCAL: "local"}


def create_disk(layout: Layout, storage: Storage, file: str, size_bytes: int, host: str) -> Disk:
    """`file` is its name where it is a file; `host` is where a local one goes."""
    if storage is Storage.ISCSI:
        lun = ssh(layout, STORAGE, LUN_TOOL, "add", str(size_bytes)).strip()
        return Disk(storage, lun, size_bytes)
    if storage is Storage.NFS:
        ssh(layout, STORAGE, "truncate", f"--size={size_bytes}", f"{NFS_DIR}/{file}")
    else:
        pool = _POOLS[storage]
        ssh(layout, host, "virsh", "vol-create-as", pool, file, str(size_bytes), "--format", "qcow2")
    return Disk(storage, file, size_bytes)


def remove_disk(layout: Layout, disk: Disk, hosts: tuple[str, ...]) -> None:
    """`hosts` are those to look at for a copy of a local or shared one. A disk that is not there is no error."""
    if disk.storage is Storage.ISCSI:
        ssh(layout, STORAGE, LUN_TOOL, "remove", disk.place)
    elif disk.storage is Storage.NFS:
        ssh(layout, STORAGE, "rm", "-f", f"{NFS_DIR}/{disk.place}")
    else:
        for host in hosts:
            pool = _POOLS[disk.storage]
            script = 'virsh pool-refresh "$1" && { ! virsh vol-info "$2" "$1" || virsh vol-delete "$2" "$1"; }'
            ssh(layout, host, "sh", "-c", script, "-", pool, disk.place)
