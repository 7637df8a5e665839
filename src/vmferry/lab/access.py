"""How the machine and the hosts reach each other: keys, names and vmferry's configuration for the lab."""

from __future__ import annotations

from collections.abc import Mapping

from vmferry.lab.layout import Layout
from vmferry.lab.plan import HostPlan, LabPlan
from vmferry.lab.shell import run


def write_access(layout: Layout, plan: LabPlan) -> None:
    """Fills the run directory. An existing key stays: hosts that are up know it."""
    for key in (layout.user_key, layout.host_key):
        if not key.exists():
            run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", layout.prefix, "-f", str(key))
    layout.known_hosts.write_text(known_hosts(public(layout.host_key.with_suffix(".pub").read_text())))
    layout.ssh_config.write_text(ssh_config(layout, plan))
    layout.ssh.parent.mkdir(parents=True, exist_ok=True)
    layout.ssh.write_text(f'#!/bin/sh\nexec ssh -F {layout.ssh_config} "$@"\n')
    layout.ssh.chmod(0o755)
    write_config(layout, plan, {})


def public(line: str) -> str:
    """A public key without its comment."""
    return " ".join(line.split()[:2])


def known_hosts(host_key: str) -> str:
    """Any name: only lab hosts are reached with this file, and all have the one key."""
    return f"* {host_key}\n"


def ssh_config(layout: Layout, plan: LabPlan) -> str:
    aliases = "".join(f"Host {host.name}\n  HostName {host.address}\n" for host in plan.hosts)
    return (
        f"{aliases}Host *\n  User root\n  IdentityFile {layout.user_key}\n  IdentitiesOnly yes\n"
        f"  UserKnownHostsFile {layout.known_hosts}\n  GlobalKnownHostsFile /dev/null\n"
        "  StrictHostKeyChecking yes\n  BatchMode yes\n  ConnectTimeout 4\n  LogLevel ERROR\n"
    )


def write_config(layout: Layout, plan: LabPlan, rates: Mapping[str, str]) -> None:
    """Whoever reads it sees the one before or this one, whole."""
    temporary = layout.config.with_suffix(".new")
    temporary.write_text(config(layout, plan, rates))
    temporary.replace(layout.config)


def config(layout: Layout, plan: LabPlan, rates: Mapping[str, str]) -> str:
    """vmferry's ordinary configuration file. `rates` as in `LabState`."""
    hosts = "".join(
        f"\n[hosts.{host.name}]\n"
        f'uri = "{uri(layout, host)}"\n'
        f'peer_uri = "qemu+ssh://root@{host.name}/system"\n'
        f'migration_address = "{host.migration_address}"\n'
        + (f'migration_rate = "{rates[host.name]}"\n' if host.name in rates else "")
        for host in plan.hypervisors
    )
    return f'[store]\npath = "{layout.run}/vmferry.db"\n{hosts}'


def uri(layout: Layout, host: HostPlan) -> str:
    return f"qemu+ssh://root@{host.address}/system?command={layout.ssh}"


def hosts_file(plan: LabPlan) -> str:
    """Every host's /etc/hosts: NAME on the lab network, NAME-mig on the migration network."""
    lines = ["127.0.0.1 localhost", "::1 localhost"]
    for host in plan.hosts:
        lines.append(f"{host.address} {host.name}")
        if host.migration_address:
            lines.append(f"{host.migration_address} {host.name}-mig")
    return "\n".join(lines) + "\n"
