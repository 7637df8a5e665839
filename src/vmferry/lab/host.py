"""One host: its root file system, its boot, and the loss of its power."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
import uuid
from pathlib import Path

from vmferry.errors import Failed
from vmferry.lab import access, cgroup, mounts, network, nspawn
from vmferry.lab.layout import Layout
from vmferry.lab.plan import STORAGE, HostPlan, LabPlan
from vmferry.lab.recipe import write
from vmferry.lab.shell import run, ssh
from vmferry.lab.state import Versions
from vmferry.lab.storage import configure_host, configure_storage
from vmferry.lab.storage_files import LOCAL_DIR, dir_pool

GUEST_FILES = "/usr/lib/vmferry-lab"
_STORAGE_DATA = "/srv"
_READY_S = 60.0
_SSH_PORT = 22

_LIBVIRT_NETWORK = "<network><name>lab</name><forward mode='bridge'/><bridge name='br0'/></network>\n"


def mount_root(layout: Layout, host: HostPlan, image: Path) -> None:
    directory = layout.host_dir(host.name)
    for name in ("upper", "work", "root"):
        (directory / name).mkdir(parents=True, exist_ok=True)
    options = f"lowerdir={image},upperdir={directory}/upper,workdir={directory}/work"
    run("mount", "-t", "overlay", layout.namespace(host.name), "-o", options, str(directory / "root"))


def configure(layout: Layout, plan: LabPlan, host: HostPlan) -> None:
    """What tells this host from the image, before its first boot."""
    root = layout.host_root(host.name)
    write(root, "etc/hostname", f"{host.name}\n")
    write(root, "etc/machine-id", f"{uuid.uuid4().hex}\n", mode=0o444)
    write(root, "etc/hosts", access.hosts_file(plan))
    _write_keys(layout, root)
    if host.name == STORAGE:
        configure_storage(root)
    else:
        _define(root, "qemu/networks", "lab", _LIBVIRT_NETWORK)
        _define(root, "storage", "local", dir_pool("local", LOCAL_DIR))
        configure_host(root, host.name)


def boot(layout: Layout, host: HostPlan) -> None:
    """Connects the host's cables and starts it. Returns at once; the host runs on when this process ends."""
    network.connect(layout, host)
    groups = cgroup.create(layout, host.name)

    def enter() -> None:
        for group in groups:
            (group / "cgroup.procs").write_text(str(os.getpid()))

    for directory in (layout.guest_dir, _storage_data(layout)):
        directory.mkdir(parents=True, exist_ok=True)
    with layout.console(host.name).open("ab") as console:
        subprocess.run(
            nspawn.command(layout, host.name, _binds(layout, host.name)),
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=subprocess.STDOUT,
            env=nspawn.ENVIRONMENT,
            preexec_fn=enter,
            check=True,
        )


def lose_power(layout: Layout, host: str) -> None:
    """Its processes end at once and its cables go dead; its disk stays as it was at that moment."""
    cgroup.kill(layout, host)
    nspawn.clean(layout.namespace(host))
    if layout.namespace(host) in network.namespaces(layout):
        network.disconnect(layout, host)


def is_running(layout: Layout, host: str) -> bool:
    return bool(cgroup.processes(layout, host))


def wait_reachable(layout: Layout, host: HostPlan) -> Versions | None:
    """Until the host lets us in and its libvirtd answers; what it told of itself. None of the storage host."""
    deadline = time.monotonic() + _READY_S
    while not _answers(host.address):
        if not is_running(layout, host.name):
            raise Failed(f"{host.name} ended while it booted; its console is {layout.console(host.name)}")
        if time.monotonic() > deadline:
            raise Failed(
                f"{host.name} does not answer after {_READY_S:.0f} s; its console is {layout.console(host.name)}"
            )
    if host.name == STORAGE:
        ssh(layout, host.name, "true")
        return None
    return parse_versions(ssh(layout, host.name, "virsh", "-c", "qemu:///system", "version"))


def parse_versions(text: str) -> Versions:
    """Of what `virsh version` prints."""
    last_words = {line.split(":")[0]: line.split()[-1] for line in text.splitlines() if ":" in line}
    return Versions(libvirt=last_words["Using library"], qemu=last_words["Running hypervisor"])


def is_mounted(layout: Layout, host: str) -> bool:
    return layout.host_root(host).is_mount()


def remove_root(layout: Layout) -> None:
    """Unmounts every host's file system and deletes what they wrote."""
    for point in mounts.below(layout.disks):
        run("umount", str(point))
    if mounted := mounts.below(layout.disks):
        raise Failed(f"{mounted[0]} is still mounted; unmount it, then lab down again")
    shutil.rmtree(layout.disks, ignore_errors=True)
    if layout.disks.exists():
        raise Failed(f"{layout.disks} cannot be removed; see what is in it, then lab down again")


def _binds(layout: Layout, host: str) -> list[str]:
    """What the host sees of the machine's files."""
    binds = ["--bind=/dev/net/tun", "--bind=/dev/fuse", f"--bind-ro={layout.guest_dir}:{GUEST_FILES}"]
    return [*binds, f"--bind={_storage_data(layout)}:{_STORAGE_DATA}"] if host == STORAGE else binds


def _storage_data(layout: Layout) -> Path:
    """Beside the storage host's root, since an overlay cannot be exported over NFS."""
    return layout.host_dir(STORAGE) / "data"


def _write_keys(layout: Layout, root: Path) -> None:
    private, host_private = layout.user_key.read_text(), layout.host_key.read_text()
    key = access.public(layout.user_key.with_suffix(".pub").read_text())
    write(root, "etc/ssh/ssh_host_ed25519_key", host_private, mode=0o600)
    write(root, "root/.ssh/authorized_keys", f"{key}\n", mode=0o600)
    write(root, "root/.ssh/id_ed25519", private, mode=0o600)
    write(root, "root/.ssh/known_hosts", layout.known_hosts.read_text())
    (root / "root/.ssh").chmod(0o700)


def _define(root: Path, kind: str, name: str, xml: str) -> None:
    """An object of libvirt's that is there, and started, when the daemon first comes up."""
    folder = f"etc/libvirt/{kind}"
    write(root, f"{folder}/{name}.xml", xml)
    autostart = root / folder / "autostart" / f"{name}.xml"
    autostart.parent.mkdir(parents=True, exist_ok=True)
    autostart.unlink(missing_ok=True)
    autostart.symlink_to(f"/{folder}/{name}.xml")


def _answers(address: str) -> bool:
    try:
        with socket.create_connection((address, _SSH_PORT), timeout=0.2):
            return True
    except ConnectionRefusedError:
        time.sleep(0.05)
        return False
    except OSError:
        return False
