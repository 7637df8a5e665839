"""Real hosts, and guests with disks that are their host's own.

What must hold after each test is looked at with nothing of the product: the guest's own checksums are whole, it runs
once, and the images on both sides are exactly those that should be there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from vmferry.lab.layout import Layout

from ..conftest import Run
from ..faults.conftest import GUEST, Ground, until
from ..guests import all_verified_since, page_when

IMAGES = "/var/lib/libvirt/images"
HOSTS = ("h1", "h2", "h3")
MEMORY = ("--memory", "192MiB", "--dirty", "1MiB/s", "--working-set", "4MiB")


@dataclass
class Disks(Ground):
    """With the guest's disks."""

    def images(self, host: str, place: str = IMAGES) -> set[str]:
        return set(self.on(host, f"ls {place} 2>/dev/null || true").split())

    def allocated(self, host: str, path: str) -> int:
        """Bytes; 0 where it is not there."""
        return 1024 * int(self.on(host, f"du -k {path} 2>/dev/null || echo 0").split()[0])

    def sources(self, host: str) -> dict[str, str]:
        """Disk to its source there, in the definition that runs; and the one that is kept has to say the same."""
        told = [self.on(host, f"virsh domblklist {GUEST} {which}") for which in ("", "--inactive")]
        assert told[0] == told[1]
        return dict(line.split(None, 1) for line in told[0].splitlines()[2:] if line)  # type: ignore[misc]

    def whole_on(self, host: str) -> None:
        """It runs there and nowhere else, and finds no damage in what it has written."""
        until(lambda: set(self.states_of(HOSTS)) == {host})
        assert self.states_of(HOSTS)[host].startswith("running")
        page = page_when(self.address, lambda page: True)
        assert all_verified_since(page, self.address).errors == 0

    def migrated(self, *options: str, to: str = "h2") -> dict[str, Any]:
        ran = self.run("migrate", GUEST, "--to", to, "-q", "-o", "json", *options, check=False)
        assert ran.returncode == 0, ran.stderr
        document: dict[str, Any] = json.loads(ran.stdout)
        assert (document["outcome"], document["error"]) == ("migrated", None)
        assert [check["ok"] for check in document["verification"]] == [True] * 4
        return document

    def refused(self, *options: str, to: str = "h2") -> str:
        """Why."""
        ran = self.run("migrate", GUEST, "--to", to, "-q", *options, check=False)
        assert ran.returncode == 3, (ran.returncode, ran.stderr)
        return ran.stderr

    def in_disks(self, host: str = "h2", name: str = f"{GUEST}-0.img") -> None:
        """Returns once its disk is being copied there."""
        until(lambda: self._goes_on() and self.allocated(host, f"{IMAGES}/{name}") > 1 << 20)

    def in_memory(self) -> None:
        """Returns once its memory is being sent."""
        until(lambda: self._goes_on() and self._sent_memory() > 0)

    def _sent_memory(self) -> float:
        told = self.on("h1", f"virsh domjobinfo {GUEST} 2>/dev/null || true")
        found = re.search(r"Memory processed:\s+([\d.]+)", told)
        return float(found[1]) if found else 0.0

    def small_pool(self, host: str, size: str) -> None:
        """A pool that is a file system of that size."""
        self.on(host, f"mkdir -p /srv/small; mount -t tmpfs -o size={size} tmpfs /srv/small; chmod 711 /srv/small")
        self.on(host, "virsh pool-create-as small dir --target /srv/small")
        self.undo.append(lambda: self.on(host, "virsh pool-destroy small; umount /srv/small; rmdir /srv/small"))


Make = Callable[..., Disks]


@pytest.fixture
def make(lab: Layout, vmferry: Run) -> Iterator[Make]:
    """make("local", "shared") -> the guest on h1, with these disks."""
    made: list[Disks] = []

    def make(*storages: str, size: str = "4MiB", memory: Sequence[str] = MEMORY) -> Disks:
        options = [word for storage in storages for word in ("--disk", storage)]
        line = vmferry("lab", "guest", GUEST, *memory, "--disk-size", size, *options, "--on", "h1").stdout
        made.append(Disks(lab, vmferry, line.split()[2]))
        return made[-1]

    yield make
    for ground in made:
        ground.leave()
        ground.fast()
        vmferry("job", "list", check=False)
        vmferry("lab", "guest", GUEST, "--remove")
        for undo in reversed(ground.undo):
            undo()
        for host in HOSTS:
            ground.on(host, f"rm -f {IMAGES}/{GUEST}-* /srv/shared/{GUEST}-*; virsh pool-refresh local >/dev/null")
