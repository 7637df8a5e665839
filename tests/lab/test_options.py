"""Options of a migration on real hosts: parallel streams, compression, and a bandwidth that two of them share."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator

import pytest

from vmferry.lab.layout import Layout
from vmferry.lab.shell import ssh

from .conftest import VMFERRY, Run, environment
from .guests import all_verified_since, page_when

GUESTS = ("o1", "o2")
BUSY = (
    "--memory",
    "128MiB",
    "--dirty",
    "512KiB/s",
    "--working-set",
    "16MiB",
    "--disk-size",
    "4MiB",
    "--disk",
    "shared",
)
LIMIT_S = 120.0
MIB = 1 << 20
CAP = 6 * MIB


@pytest.fixture
def addresses(vmferry: Run) -> Iterator[dict[str, str]]:
    """Of both guests, on h1."""
    lines = [vmferry("lab", "guest", name, *BUSY, "--on", "h1").stdout for name in GUESTS]
    matches = [re.fullmatch(r"(\S+) h1 (\d+\.\d+\.\d+\.\d+)\n", line) for line in lines]
    yield {match[1]: match[2] for match in matches if match}
    for name in GUESTS:
        vmferry("lab", "guest", name, "--remove")


def test_streams_and_compression(vmferry: Run, addresses: dict[str, str]) -> None:
    address = addresses["o1"]
    page_when(address, lambda page: page.disks[0].cycles >= 1)
    for target, options in (
        ("h2", ("--parallel", "--parallel-connections", "2")),
        ("h1", ("--comp-methods", "xbzrle", "--comp-xbzrle-cache", "64MiB")),
        ("h2", ("--parallel", "--comp-methods", "zstd")),
    ):
        document = json.loads(vmferry("migrate", "o1", "--to", target, *options, "-o", "json").stdout)
        assert (document["outcome"], document["target"], document["error"]) == ("migrated", target, None)
    assert all_verified_since(page_when(address, lambda page: True), address).errors == 0


def begin(lab: Layout, guest: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*VMFERRY, "migrate", guest, "--to", "h2", "--bandwidth", "6MiB/s", "-o", "json"],
        env=environment(lab),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_two_migrations_share_the_bandwidth_of_their_link(lab: Layout, vmferry: Run, addresses: dict[str, str]) -> None:
    for address in addresses.values():
        page_when(address, lambda page: page.disks[0].cycles >= 1)
    first = begin(lab, "o1")
    assert first.stderr is not None
    for line in first.stderr:
        if re.search(r"copying .*MiB left", line):
            break
    second = begin(lab, "o2")
    documents = []
    for work in (first, second):
        shown, told = work.communicate(timeout=LIMIT_S)
        assert work.returncode == 0, told
        documents.append(json.loads(shown))
    assert [document["outcome"] for document in documents] == ["migrated"] * 2
    shown = vmferry("job", "show", documents[0]["job"], "-o", "json").stdout
    limits = [
        entry["effect"]["value"]
        for entry in json.loads(shown)["jobs"][0]["journal"]
        if entry["kind"] == "done" and entry["effect"]["what"] == "set the bandwidth limit"
    ]
    assert limits[:1] == [CAP // 2]
    for name, address in addresses.items():
        assert name in ssh(lab, "h2", "virsh", "list", "--name").split()
        assert all_verified_since(page_when(address, lambda page: True), address).errors == 0
