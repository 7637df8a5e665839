"""One lab for all tests of a process: h1 and h2 with Debian 13, h3 with Debian 12, and storage.

Tests leave it as they found it: hosts with power, links up and unshaped, no guests.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from vmferry.lab import control
from vmferry.lab.layout import Layout, layout_of_environment

Run = Callable[..., "subprocess.CompletedProcess[str]"]

WORKERS = {"gw0": "a", "gw1": "b", "gw2": "c", "gw3": "d"}
TEST_LAB = os.environ.get("VMFERRY_TEST_LAB", "test") + WORKERS.get(os.environ.get("PYTEST_XDIST_WORKER", ""), "")
"""Of each of the processes that run tests side by side, its own."""
VMFERRY = (sys.executable, "-c", "from vmferry.cli.app import main; main()")


def cache() -> str:
    return os.environ.get("VMFERRY_CACHE", "/var/cache/vmferry")


def layout_of(name: str) -> Layout:
    return layout_of_environment({"VMFERRY_LAB": name, "VMFERRY_CACHE": cache()})


def environment(layout: Layout) -> dict[str, str]:
    return {**os.environ, "VMFERRY_LAB": layout.name, "VMFERRY_CACHE": str(layout.cache)}


def command(layout: Layout) -> Run:
    """Runs `vmferry` against a lab: run("lab", "status") -> the finished process."""

    def run(*arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [*VMFERRY, *arguments],
            env=environment(layout),
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        assert not check or done.returncode == 0, f"vmferry {arguments}: {done.returncode}: {done.stderr}"
        return done

    return run


@pytest.fixture(scope="session", autouse=True)
def alone() -> Iterator[None]:
    """A second run would take this one's labs down. The name that is held ends with the process, whatever ends it."""
    with socket.socket(socket.AF_UNIX) as held:
        try:
            held.bind(f"\0vmferry-tests-{TEST_LAB}")
        except OSError:
            pytest.exit(f"another run of these tests has the lab {TEST_LAB}: wait for its end", returncode=1)
        yield


@pytest.fixture(scope="session")
def lab() -> Iterator[Layout]:
    layout = layout_of(TEST_LAB)
    control.down(layout)
    control.up(layout, hosts=3, mixed=True)
    yield layout
    control.down(layout)


@pytest.fixture(scope="session")
def vmferry(lab: Layout) -> Run:
    """The command, pointed at the session's lab."""
    return command(lab)


@pytest.fixture
def other_lab() -> Iterator[Layout]:
    """The name of a lab that is not there, and will not be afterwards."""
    layout = layout_of(f"{TEST_LAB}2")
    control.down(layout)
    yield layout
    control.down(layout)
    assert not Path(layout.run).exists()
