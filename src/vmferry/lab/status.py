"""What a lab looks like from outside, in the shape of `vmferry lab status -o json`."""

from __future__ import annotations

from typing import Any

from vmferry.errors import Failed
from vmferry.lab import access, host
from vmferry.lab.layout import Layout
from vmferry.lab.parallel import side_by_side
from vmferry.lab.plan import RELEASES, HostPlan
from vmferry.lab.shell import ssh
from vmferry.lab.state import LabState, Versions

PROVIDES = ("iscsi", "nfs", "glusterfs")


def status(layout: Layout, lab: LabState) -> dict[str, Any]:
    """Hosts without power are listed as off; their guests, and those of a host that does not answer, are not listed."""
    hypervisors = lab.plan.hypervisors
    guests = side_by_side(lambda one: _guests(layout, one), hypervisors)
    return {
        "hosts": [_hypervisor(layout, one, lab.versions[one.name]) for one in hypervisors],
        "storage": [{**_common(layout, lab.plan.storage), "provides": PROVIDES}],
        "guests": [guest for listed in guests for guest in listed],
        "config": str(layout.config),
    }


def nothing() -> dict[str, Any]:
    """The same where no lab is up."""
    return {"hosts": [], "storage": [], "guests": [], "config": None}


def _hypervisor(layout: Layout, one: HostPlan, versions: Versions) -> dict[str, Any]:
    return {
        **_common(layout, one),
        "uri": access.uri(layout, one),
        "migration_address": one.migration_address,
        "qemu": versions.qemu,
        "libvirt": versions.libvirt,
    }


def _common(layout: Layout, one: HostPlan) -> dict[str, Any]:
    return {
        "name": one.name,
        "state": "running" if host.is_running(layout, one.name) else "off",
        "address": one.address,
        "release": RELEASES[one.release],
        "ssh": [str(layout.ssh), f"root@{one.address}"],
    }


def _guests(layout: Layout, one: HostPlan) -> list[dict[str, str]]:
    if not host.is_running(layout, one.name):
        return []
    try:
        names = ssh(layout, one.name, "virsh", "-c", "qemu:///system", "list", "--all", "--name").split()
    except Failed:
        return []
    return [{"name": name, "host": one.name} for name in names]
