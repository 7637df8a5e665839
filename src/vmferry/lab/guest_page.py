"""The page on which a lab guest tells its counters."""

import json
import time
import urllib.error
import urllib.request
from dataclasses import dataclass

from vmferry.errors import Failed


@dataclass(frozen=True, slots=True)
class DiskCounters:
    """Blocks of 4 KiB; `cycles` counts how often every block written so far was read back."""

    device: str
    writes: int
    verified: int
    cycles: int
    errors: int


@dataclass(frozen=True, slots=True)
class GuestPage:
    """`memory_verified` counts pages of 4 KiB. The guest's clock stands still while it is paused."""

    name: str
    heartbeat: int
    uptime_ms: int
    heartbeat_gap_max_ms: int
    working_set_bytes: int
    dirty_target_bytes_s: int
    memory_dirtied_bytes: int
    memory_verified: int
    memory_errors: int
    disks: tuple[DiskCounters, ...]

    @property
    def errors(self) -> int:
        return self.memory_errors + sum(disk.errors for disk in self.disks)


def parse_page(text: str) -> GuestPage:
    document = json.loads(text)
    disks = tuple(DiskCounters(**disk) for disk in document.pop("disks"))
    return GuestPage(**document, disks=disks)


def read_page(address: str, timeout_s: float = 2.0) -> GuestPage:
    """Raises OSError where there is no answer. A guest that found errors answers 503, with its page all the same."""
    try:
        with _DIRECT.open(f"http://{address}/", timeout=timeout_s) as answer:
            return parse_page(answer.read().decode())
    except urllib.error.HTTPError as error:
        if error.code != 503:
            raise
        return parse_page(error.read().decode())


def wait_for_page(name: str, address: str, limit_s: float) -> GuestPage:
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        try:
            return read_page(address, timeout_s=1.0)
        except OSError:
            time.sleep(0.05)
    raise Failed(f"guest {name} does not answer at {address} after {limit_s:.0f} s; see its serial log on its host")


# The lab is on this machine: a proxy in the environment does not lead there.
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
