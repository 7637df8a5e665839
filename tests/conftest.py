from __future__ import annotations

import os
import pwd
import signal
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis.configuration import set_hypothesis_home_dir

from .in_turn import Turns
from .postgres import Cluster

# Each user's own, and not in the checkout: what root's run leaves there, its owner could not remove.
set_hypothesis_home_dir(Path(pwd.getpwuid(os.geteuid()).pw_dir) / ".cache/vmferry-hypothesis")

LAB = Path(__file__).parent / "lab"
LONGEST = ("test_workers.py", "test_setup.py")
TURNS = Turns(Path(tempfile.gettempdir(), f"tests-in-turn-{os.environ.get('PYTEST_XDIST_TESTRUNUID', os.getpid())}"))


def pytest_configure() -> None:
    """Tests that run in the background may have Ctrl-C ignored, and with them every program that they start."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first, so that no process waits for one of them at the end."""
    items.sort(key=lambda item: item.path.name not in LONGEST)
    for item in items:
        if LAB in item.path.parents:
            item.add_marker("lab")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Tests run side by side in several processes, but for those that look at all of the machine."""
    with TURNS.alone() if item.get_closest_marker("alone") else TURNS.beside_others():
        return (yield)


def pytest_sessionfinish(session: pytest.Session) -> None:
    if not hasattr(session.config, "workerinput"):
        TURNS.remove()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Without root a lab test is an error, never a skip: what did not run must not look as if it had passed."""
    if item.get_closest_marker("lab") and os.geteuid() != 0:
        pytest.fail("the lab needs root: run script/test as root, or where sudo works", pytrace=False)


@pytest.fixture
def run_dir() -> Iterator[Path]:
    """In place of /run: the path of a socket in it is short."""
    with tempfile.TemporaryDirectory(prefix="run-") as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A running PostgreSQL."""
    made = Cluster()
    made.start()
    yield made
    made.remove()


@pytest.fixture
def database_url(cluster: Cluster) -> str:
    """Of a database of its own, empty."""
    return cluster.create()
