"""Time a command from outside, and say what machine it ran on."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Run:
    """One finished command. `peak_bytes` is of the largest single process of it."""

    wall_s: float
    cpu_s: float
    peak_bytes: int
    stdout: str


def run(*command: str, accept: Sequence[int] = (0,)) -> Run:
    """Raises RuntimeError with the command's own words where it ends with another code than these."""
    # As for any user, Python may keep what it compiled.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    began = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    stdout, stderr = process.stdout, process.stderr
    assert stdout is not None
    assert stderr is not None
    printed, said = stdout.read(), stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall_s = time.monotonic() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in accept:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}: {said.strip() or printed.strip()}")
    return Run(wall_s, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, printed)


def spread(values: Sequence[float], form: str = "{:.2f}") -> str:
    """`median (smallest to largest)`."""
    middle, low, high = statistics.median(values), min(values), max(values)
    return f"{form.format(middle)} ({form.format(low)} to {form.format(high)})"


def machine() -> str:
    """The machine, in a line; no name of it."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown CPU")
    memory_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    system = platform.freedesktop_os_release().get("PRETTY_NAME", "Linux")
    return f"{os.cpu_count()} cores ({model}), {memory_bytes / 2**30:.0f} GiB, {system}, Linux {platform.release()}"


def today() -> str:
    return datetime.now(UTC).date().isoformat()
