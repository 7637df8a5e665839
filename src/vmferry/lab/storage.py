"""The storage host: an iSCSI target (tgt), an NFS server (nfs-ganesha) and a GlusterFS volume, and what hosts need
to use them. Everything is made by units at boot, so a storage host that lost its power comes back by itself."""

from collections.abc import Sequence
from pathlib import Path

from vmferry.errors import Failed
from vmferry.lab import storage_files as files
from vmferry.lab.layout import Layout
from vmferry.lab.parallel import side_by_side
from vmferry.lab.plan import STORAGE, HostPlan
from vmferry.lab.recipe import write
from vmferry.lab.shell import run, ssh

STORAGE_PACKAGES = ("tgt", "nfs-ganesha", "nfs-ganesha-vfs", "rpcbind", "glusterfs-server")
CLIENT_PACKAGES = ("glusterfs-client", "libvirt-daemon-driver-storage-iscsi-direct")
STORAGE_UNITS = ("tgt.service", "nfs-ganesha.service", "rpcbind.service", "rpcbind.socket", "glusterd.service")

_NOT_FOR_STORAGE = (
    "libvirtd.service",
    "libvirtd.socket",
    "libvirtd-ro.socket",
    "libvirtd-admin.socket",
    "libvirt-guests.service",
    "virtlogd.service",
    "virtlogd.socket",
    "virtlogd-admin.socket",
    "nfs-ganesha-lock.service",
    "nfs-ganesha-config.service",
)
_GEO_REPLICATION = "usr/lib/x86_64-linux-gnu/glusterfs/gsyncd"
"""Where it is there, glusterd's first start configures it, for 4 s."""

_READY_S = 20
_SERVES = "systemctl --quiet is-active vmferry-luns vmferry-volume && rpcinfo -T tcp 127.0.0.1 nfs 3 >/dev/null 2>&1"
_CAN_USE = "systemctl --quiet is-active vmferry-pools"
_POOLS = "etc/libvirt/storage"


def configure_storage(root: Path) -> None:
    """`root` is the storage host's, before its boot."""
    write(root, "etc/ganesha/ganesha.conf", files.GANESHA)
    write(root, "etc/vmferry-target", files.TARGET)
    write(root, files.LUN_TOOL[1:], files.lun_script(), mode=0o755)
    _write_unit(root, "vmferry-luns.service", files.LUN_UNIT)
    _write_unit(root, "vmferry-volume.service", files.VOLUME_UNIT)
    write(root, "etc/tmpfiles.d/vmferry.conf", files.DIRECTORIES)
    (root / _GEO_REPLICATION).unlink(missing_ok=True)
    run("systemctl", f"--root={root}", "--quiet", "enable", *STORAGE_UNITS)
    run("systemctl", f"--root={root}", "--quiet", "mask", *_NOT_FOR_STORAGE)


def configure_host(root: Path, host: str) -> None:
    """`root` is a hypervisor's, before its boot."""
    (root / files.SHARED_DIR[1:]).mkdir(parents=True, exist_ok=True)
    _write_unit(root, "vmferry-shared.service", files.MOUNT_UNIT)
    _write_unit(root, "vmferry-pools.service", files.POOLS_UNIT)
    write(root, f"{_POOLS}/iscsi.xml", files.iscsi_pool("iscsi", host))
    write(root, f"{_POOLS}/shared.xml", files.dir_pool("shared", files.SHARED_DIR))


def after_boot(layout: Layout, started: Sequence[HostPlan], storage_is_on: bool) -> None:
    """Waits until those that were started can be used, of the pools only what there is a storage host for."""
    hosts = [host.name for host in started if host.name == STORAGE or storage_is_on]
    side_by_side(lambda host: _wait(layout, host, _SERVES if host == STORAGE else _CAN_USE), hosts)


def _wait(layout: Layout, host: str, condition: str) -> None:
    try:
        ssh(layout, host, "timeout", str(_READY_S), "sh", "-c", f"until {condition}; do sleep 0.1; done")
    except Failed as error:
        raise Failed(
            f"storage is not ready on host {host} after {_READY_S} s;"
            f" see `vmferry lab exec {host} -- journalctl -u 'vmferry-*'`",
            detail=error.detail,
        ) from error


def _write_unit(root: Path, name: str, content: str) -> None:
    write(root, f"etc/systemd/system/{name}", content)
    run("systemctl", f"--root={root}", "--quiet", "enable", name)
