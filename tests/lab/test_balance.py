"""Busy guests of one real host are spread over the others, by what they really use, and then rest."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from vmferry.lab.layout import Layout
from vmferry.lab.shell import ssh

from .conftest import Run
from .guests import all_verified_since, page_when

HOSTS = ("h1", "h2", "h3")
GUESTS = ("even1", "even2")
BUSY = ("--memory", "128MiB", "--dirty", "8MiB/s", "--working-set", "16MiB", "--disk", "iscsi", "--disk-size", "4MiB")


@pytest.fixture
def addresses(vmferry: Run) -> Iterator[dict[str, str]]:
    """Both on h1, by name."""
    try:
        yield {name: vmferry("lab", "guest", name, *BUSY, "--on", "h1").stdout.split()[2] for name in GUESTS}
    finally:
        for name in GUESTS:
            vmferry("lab", "guest", name, "--remove", check=False)


def places(lab: Layout) -> dict[str, list[str]]:
    listed = {host: ssh(lab, host, "virsh", "list", "--state-running", "--name").split() for host in HOSTS}
    return {name: [host for host, names in listed.items() if name in names] for name in GUESTS}


def test_two_busy_guests_part(lab: Layout, vmferry: Run, addresses: dict[str, str]) -> None:
    before = {name: page_when(address, lambda page: page.errors == 0) for name, address in addresses.items()}
    told = json.loads(vmferry("balance", "--yes", "--sample", "3", "-o", "json").stdout)
    assert [job["outcome"] for job in told["jobs"]] == ["migrated"] * len(told["plan"]["moves"])
    assert told["plan"]["moves"]
    assert all(move["reason"] for move in told["plan"]["moves"])
    assert told["plan"]["score_after"] < told["plan"]["score_before"]
    found = places(lab)
    assert all(len(hosts) == 1 for hosts in found.values())
    assert found["even1"] != found["even2"]
    rests = json.loads(vmferry("balance", "--dry-run", "--sample", "1", "-o", "json").stdout)
    moved = {move["guest"] for move in told["plan"]["moves"]}
    assert moved <= {each["guest"] for each in rests["plan"]["held"]}
    for name, address in addresses.items():
        assert all_verified_since(before[name], address).errors == 0
