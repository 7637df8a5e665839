"""The domain XML of a lab guest."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePath
from xml.sax.saxutils import quoteattr

from vmferry.lab.guest_plan import Disk, GuestPlan, Storage, mac_of
from vmferry.lab.storage_files import LOCAL_DIR, NFS_DIR, SHARED_DIR, TARGET

PROBE_NAMESPACE = "urn:vmferry:probe:1"

# Leaves out what only real hardware needs: 0.6 s of 3.0 s under TCG.
_KERNEL_OPTIONS = "console=ttyS0 quiet nokaslr mitigations=off no_timer_check cryptomgr.notests"


@dataclass(frozen=True, slots=True)
class Boot:
    """`directory` holds vmlinuz and initramfs, at the same path on every host."""

    directory: PurePath
    address: str
    prefix_length: int


def domain_xml(plan: GuestPlan, boot: Boot, disks: tuple[Disk, ...], mixed: bool = False) -> str:
    """For a lab whose hosts are `mixed`, or all of one release. Every value in it was checked or made by us; what could
    hold a quote is quoted all the same."""
    return f"""\
<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <name>{plan.name}</name>
  <metadata>
    <vmferry:probe xmlns:vmferry='{PROBE_NAMESPACE}' address='{boot.address}' url='http://{boot.address}/'/>
  </metadata>
  <memory unit='b'>{plan.memory_bytes}</memory>
  <vcpu>1</vcpu>
  <os>
    <type arch='x86_64' machine='{plan.machine}'>hvm</type>
    <kernel>{boot.directory}/vmlinuz</kernel>
    <initrd>{boot.directory}/initramfs</initrd>
    <cmdline>{command_line(plan, boot)}</cmdline>
  </os>
  <features><acpi/></features>
  <cpu mode='custom' match='exact'><model fallback='forbid'>qemu64</model></cpu>
  <on_crash>preserve</on_crash>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
{"".join(_disk(disk, f"vd{letter}") for disk, letter in zip(disks, "abcdefgh", strict=False))}\
    <interface type='network'>
      <source network='lab'/>
      <mac address='{mac_of(boot.address)}'/>
      <model type='virtio'/>
      <rom enabled='no'/>
    </interface>
    <serial type='file'>
      <source path='/var/log/libvirt/qemu/{plan.name}-serial.log' append='on'/>
    </serial>
    <controller type='usb' model='none'/>
    <memballoon model='virtio'><stats period='1'/></memballoon>
    <video><model type='none'/></video>
  </devices>
{_uneven_memory(plan.memory_bytes) if mixed else ""}\
</domain>
"""


def _uneven_memory(memory_bytes: int) -> str:
    """Without hardware virtualisation QEMU 7.2 as a source forgets pages that the guest wrote while they were copied,
    and the guest crashes at its target, but only where memory is a whole number of 256 KiB. libvirt makes all memory
    so; 8 KiB more go past it. QEMU 10 has no such fault."""
    size_kib = (memory_bytes >> 10) + 8
    arguments = (
        ("-m", f"size={size_kib}k"),
        ("-object", f"memory-backend-ram,id=uneven,size={size_kib}K"),
        ("-machine", "memory-backend=uneven"),
    )
    words = "".join(f"<qemu:arg value='{word}'/>" for pair in arguments for word in pair)
    return f"  <qemu:commandline>{words}</qemu:commandline>\n"


def command_line(plan: GuestPlan, boot: Boot) -> str:
    settings = {
        "name": plan.name,
        "address": f"{boot.address}/{boot.prefix_length}",
        "dirty_bytes_s": plan.dirty_bytes_s,
        "working_set_bytes": plan.working_set_bytes,
    }
    return " ".join([_KERNEL_OPTIONS, *(f"vmferry.{key}={value}" for key, value in settings.items())])


def _disk(disk: Disk, target: str) -> str:
    kind, image_format, source = _SOURCES[disk.storage](disk.place)
    return f"""\
    <disk type='{kind}' device='disk'>
      <driver name='qemu' type='{image_format}' cache='none'/>
      {source}
      <target dev='{target}' bus='virtio'/>
    </disk>
"""


def _iscsi(lun: str) -> tuple[str, str, str]:
    name = quoteattr(f"{TARGET}/{lun}")
    return "network", "raw", f"<source protocol='iscsi' name={name}><host name='storage' port='3260'/></source>"


def _nfs(file: str) -> tuple[str, str, str]:
    name, identity = quoteattr(f"{NFS_DIR}/{file}"), "<identity user='+0' group='+0'/>"
    return "network", "raw", f"<source protocol='nfs' name={name}><host name='storage'/>{identity}</source>"


def _file_in(directory: str, file: str) -> tuple[str, str, str]:
    return "file", "qcow2", f"<source file={quoteattr(f'{directory}/{file}')}/>"


_SOURCES: dict[Storage, Callable[[str], tuple[str, str, str]]] = {
    Storage.ISCSI: _iscsi,
    Storage.NFS: _nfs,
    Storage.SHARED: lambda file: _file_in(SHARED_DIR, file),
    Storage.LOCAL: lambda file: _file_in(LOCAL_DIR, file),
}
