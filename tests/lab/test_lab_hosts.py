"""What the lab's hosts are and what can be done to them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from vmferry.config import load_config
from vmferry.lab import cgroup, control, host
from vmferry.lab.layout import Layout
from vmferry.lab.network import Network
from vmferry.lab.shell import ssh

from .conftest import Run

HYPERVISORS = ("h1", "h2", "h3")
MIB = 1 << 20


@pytest.fixture(scope="module")
def status(vmferry: Run) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(vmferry("lab", "status", "-o", "json").stdout)
    return document


@pytest.fixture
def h2(lab: Layout) -> Iterator[str]:
    """A host that a test may take the power of, or the links."""
    yield "h2"
    if not host.is_running(lab, "h2"):
        control.start_host(lab, "h2")
    for over in Network:
        control.set_link(lab, "h2", up=True, over=over)


def test_status_has_the_promised_shape(lab: Layout, status: dict[str, Any]) -> None:
    assert status["schema"] == "vmferry/1"
    assert [each["name"] for each in status["hosts"]] == list(HYPERVISORS)
    for each in status["hosts"]:
        assert {"name", "uri", "address", "release", "qemu", "libvirt", "ssh"} <= each.keys()
    assert [each["release"] for each in status["hosts"]] == ["Debian 13", "Debian 13", "Debian 12"]
    assert [each["qemu"].split(".")[0] for each in status["hosts"]] == ["10", "10", "7"]
    assert [each["name"] for each in status["storage"]] == ["storage"]
    assert status["guests"] == []
    assert status["config"] == str(lab.config)


@pytest.mark.parametrize("index", range(len(HYPERVISORS)))
def test_plain_virsh_and_ssh_take_what_status_says(status: dict[str, Any], index: int) -> None:
    each = status["hosts"][index]
    hostname = subprocess.run(["virsh", "-c", each["uri"], "hostname"], capture_output=True, text=True, check=True)
    assert hostname.stdout.strip() == each["name"]
    by_ssh = subprocess.run([*each["ssh"], "hostname"], capture_output=True, text=True, check=True)
    assert by_ssh.stdout.strip() == each["name"]


def test_the_config_file_is_an_ordinary_one(lab: Layout) -> None:
    config = load_config(None, {"VMFERRY_LAB": lab.name})
    assert config.source == lab.config
    assert [entry.name for entry in config.hosts] == list(HYPERVISORS)


def test_hosts_reach_each_other_on_both_networks(lab: Layout) -> None:
    for source, target in (("h1", "h3"), ("h3", "h2")):
        uri = ssh(lab, source, "virsh", "-c", f"qemu+ssh://root@{target}/system", "hostname")
        assert uri.strip() == target
        assert ssh(lab, source, "ssh", f"root@{target}-mig", "hostname").strip() == target


def test_every_host_is_somebody(lab: Layout) -> None:
    """libvirt refuses to migrate between hosts of one UUID."""
    identities = {ssh(lab, name, "cat", "/etc/machine-id") for name in (*HYPERVISORS, "storage")}
    assert len(identities) == len(HYPERVISORS) + 1
    for name in HYPERVISORS:
        machine_id = ssh(lab, name, "cat", "/etc/machine-id").strip()
        assert f"<uuid>{machine_id}</uuid>" in ssh(lab, name, "virsh", "capabilities").replace("-", "")


@pytest.mark.parametrize("name", [*HYPERVISORS, "storage"])
def test_no_unit_of_a_host_has_failed(lab: Layout, name: str) -> None:
    assert ssh(lab, name, "systemctl", "list-units", "--state=failed", "--no-legend", "--plain") == ""


def test_an_idle_host_is_small(lab: Layout) -> None:
    for name in HYPERVISORS:
        assert sum(_pss_bytes(pid) for pid in cgroup.processes(lab, name)) <= 100 * 10**6, name


def test_exec_runs_as_given_and_passes_on_the_exit_code(vmferry: Run) -> None:
    done = vmferry("lab", "exec", "h3", "--", "sh", "-c", 'echo "$0 $(hostname)"; exit 9', "a b", check=False)
    assert (done.stdout, done.returncode) == ("a b h3\n", 9)


def test_a_host_loses_its_power_and_gets_it_back(lab: Layout, vmferry: Run, h2: str) -> None:
    ssh(lab, h2, "touch", "/root/stays", "/run/goes")
    vmferry("lab", "kill", h2)
    assert cgroup.processes(lab, h2) == set()
    states = {each["name"]: each["state"] for each in _hosts(vmferry)}
    assert states == {"h1": "running", "h2": "off", "h3": "running"}
    refused = vmferry("lab", "exec", h2, "--", "true", check=False)
    assert (refused.returncode, refused.stderr) == (2, "vmferry: h2 has no power: vmferry lab start h2\n")
    ping = ssh(lab, "h1", "sh", "-c", "ssh -o ConnectTimeout=1 h2 true 2>&1 || echo silent")
    assert ping.endswith("silent\n")

    vmferry("lab", "start", h2)
    assert ssh(lab, h2, "ls", "/root/stays").strip() == "/root/stays"
    assert ssh(lab, h2, "sh", "-c", "test -e /run/goes || echo gone").strip() == "gone"
    assert vmferry("lab", "start", h2, check=False).stderr == "vmferry: h2 is running already\n"


def test_a_host_starts_while_another_and_the_storage_are_off(lab: Layout, vmferry: Run, h2: str) -> None:
    try:
        for name in (h2, "h1", "storage"):
            vmferry("lab", "kill", name)
        vmferry("lab", "start", "h1")
        assert ssh(lab, "h1", "hostname").strip() == "h1"
    finally:
        vmferry("lab", "up", "--hosts", "3", "--mixed")


def test_up_starts_hosts_without_power(lab: Layout, vmferry: Run, h2: str) -> None:
    others = {name: cgroup.leader(lab, name) for name in ("h1", "h3", "storage")}
    vmferry("lab", "kill", h2)
    vmferry("lab", "up", "--hosts", "3", "--mixed")
    assert cgroup.leader(lab, h2)
    assert {name: cgroup.leader(lab, name) for name in others} == others


@pytest.mark.parametrize(("network", "inside"), [("migration", "mig0"), ("lab", "lab0")])
def test_a_link_is_shaped_in_both_directions(lab: Layout, vmferry: Run, h2: str, network: str, inside: str) -> None:
    outside = {"mig0": "vm-h2", "lab0": "vb-h2"}[inside]
    vmferry("lab", "link", h2, "--rate", "200mbit", "--network", network)
    for queue in (_queue(lab.namespace(h2), inside), _queue(lab.prefix, outside)):
        assert " tbf " in queue
        assert " rate 200Mbit " in queue
    vmferry("lab", "link", h2, "--up", "--network", network)
    for queue in (_queue(lab.namespace(h2), inside), _queue(lab.prefix, outside)):
        assert " tbf " not in queue


def test_a_cable_is_pulled_and_put_back(lab: Layout, vmferry: Run, h2: str) -> None:
    vmferry("lab", "link", h2, "--down")
    assert "NO-CARRIER" in vmferry("lab", "exec", h2, "--", "ip", "link", "show", "mig0").stdout
    assert ssh(lab, h2, "hostname").strip() == h2
    vmferry("lab", "link", h2, "--up")
    assert "NO-CARRIER" not in vmferry("lab", "exec", h2, "--", "ip", "link", "show", "mig0").stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("link", "h1", "--rate", "2;reboot"), "'2;reboot' is no rate: give it as 200mbit, 10gbit or 64kbit"),
        (("link", "h1"), "say what to do with the link: one of --rate, --down and --up"),
        (("link", "storage", "--down"), "storage is not on the migration network: give --network lab"),
        (("kill", "../h1"), "the lab has no host '../h1': its hosts are h1, h2, h3, storage"),
    ],
)
def test_bad_input_is_one_line(vmferry: Run, arguments: tuple[str, ...], message: str) -> None:
    done = vmferry("lab", *arguments, check=False)
    assert (done.returncode, done.stderr) == (2, f"vmferry: {message}\n")


def _hosts(vmferry: Run) -> list[dict[str, Any]]:
    hosts: list[dict[str, Any]] = json.loads(vmferry("lab", "status", "-o", "json").stdout)["hosts"]
    return hosts


def _queue(namespace: str, link: str) -> str:
    shown = subprocess.run(
        ["tc", "-n", namespace, "qdisc", "show", "dev", link], capture_output=True, text=True, check=True
    )
    return shown.stdout


def _pss_bytes(pid: int) -> int:
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return next(int(line.split()[1]) * 1024 for line in rollup.splitlines() if line.startswith("Pss:"))
