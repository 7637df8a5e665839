"""A host is emptied and filled again on real hosts; and one of its targets loses its power in the middle."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pytest

from vmferry.lab import control
from vmferry.lab.layout import Layout
from vmferry.lab.shell import ssh

from .conftest import VMFERRY, Run, environment
from .guests import all_verified_since, page_when

HOSTS = ("h1", "h2", "h3")
GUESTS = ("m1", "m2", "m3")
SMALL = ("--memory", "128MiB", "--dirty", "4MiB/s", "--working-set", "16MiB", "--disk", "iscsi", "--disk-size", "4MiB")
SLOW = "60mbit"
LIMIT_S = 120.0


@pytest.fixture
def addresses(vmferry: Run) -> Iterator[dict[str, str]]:
    """Three busy guests on h1, by name."""
    try:
        yield {name: vmferry("lab", "guest", name, *SMALL, "--on", "h1").stdout.split()[2] for name in GUESTS}
    finally:
        for host in HOSTS:
            vmferry("undrain", host, check=False)
        for name in GUESTS:
            vmferry("lab", "guest", name, "--remove", check=False)


def running(lab: Layout, *hosts: str) -> dict[str, list[str]]:
    """By guest, the hosts that run it."""
    found: dict[str, list[str]] = {name: [] for name in GUESTS}
    for host in hosts or HOSTS:
        for name in ssh(lab, host, "virsh", "list", "--state-running", "--name").split():
            if name in found:
                found[name].append(host)
    return found


def state(vmferry: Run, host: str) -> str:
    hosts = json.loads(vmferry("host", "list", "-o", "json").stdout)["hosts"]
    return next(str(each["state"]) for each in hosts if each["name"] == host)


def test_there_and_back(lab: Layout, vmferry: Run, addresses: dict[str, str]) -> None:
    before = {name: page_when(address, lambda page: page.errors == 0) for name, address in addresses.items()}
    told: dict[str, Any] = json.loads(vmferry("drain", "h1", "-o", "json").stdout)
    assert told["plan"]["feasible"]
    assert told["plan"]["makespan_s"] >= told["plan"]["bound_s"] > 0
    assert [job["outcome"] for job in told["jobs"]] == ["migrated"] * 3
    assert all(len(hosts) == 1 and hosts != ["h1"] for hosts in running(lab).values())
    assert state(vmferry, "h1") == "maintenance"
    refused = vmferry("migrate", "m1", "--to", "h1", check=False)
    assert refused.returncode == 3
    assert "host.open" in refused.stderr
    back = json.loads(vmferry("undrain", "h1", "--return", "-o", "json").stdout)
    assert [job["outcome"] for job in back["jobs"]] == ["migrated"] * 3
    assert running(lab) == {name: ["h1"] for name in GUESTS}
    assert state(vmferry, "h1") == "ready"
    for name, address in addresses.items():
        assert all_verified_since(before[name], address).errors == 0


def test_a_target_that_dies_in_the_middle(lab: Layout, vmferry: Run, addresses: dict[str, str]) -> None:
    """The guest that was on its way there is in doubt and stays untouched; the others go on. Later a second drain takes
    up what is left."""
    before = {name: page_when(address, lambda page: page.errors == 0) for name, address in addresses.items()}
    control.set_rate(lab, "h1", SLOW)
    drain = subprocess.Popen(
        [*VMFERRY, "drain", "h1", "-o", "json"],
        env=environment(lab),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    dead = _target_of_a_copy(vmferry)
    survivor = "h3" if dead == "h2" else "h2"
    try:
        control.kill_host(lab, dead)
        out, said = drain.communicate(timeout=LIMIT_S)
    finally:
        control.set_link(lab, "h1", up=True)
        control.start_host(lab, dead)
    outcomes = {job["guest"]: job["outcome"] for job in json.loads(out)["jobs"]}
    assert drain.returncode == 6, said
    assert sorted(outcomes.values()) == ["in_doubt", "migrated", "migrated"], said
    places = running(lab)
    assert places == {name: ["h1"] if outcomes[name] == "in_doubt" else [survivor] for name in GUESTS}
    assert state(vmferry, "h1") == "draining"
    again = vmferry("drain", "h1", "-o", "json")
    assert [job["outcome"] for job in json.loads(again.stdout)["jobs"]] == ["migrated"]
    assert all(len(hosts) == 1 and hosts != ["h1"] for hosts in running(lab).values())
    assert state(vmferry, "h1") == "maintenance"
    for name, address in addresses.items():
        assert all_verified_since(before[name], address).errors == 0


def _target_of_a_copy(vmferry: Run) -> str:
    deadline = time.monotonic() + LIMIT_S
    while time.monotonic() < deadline:
        jobs = json.loads(vmferry("job", "list", "-o", "json").stdout)["jobs"]
        targets = [str(job["target"]) for job in jobs if job["outcome"] is None and job["state"] == "copying"]
        if targets:
            return targets[0]
        time.sleep(0.2)
    raise AssertionError("no copy ever began")
