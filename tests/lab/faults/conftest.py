"""Real hosts with a fault in the middle of a migration: what all of these tests share.

Each test is a row of the fault matrix, by its number. What must hold after it is looked at here by virsh and by the
guest itself, with nothing of the product: exactly one running copy, no residue on the other host, the definition in one
place, no error that the guest found in its memory or on its disks, QEMU's settings as they were.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from vmferry.lab import control
from vmferry.lab.layout import Layout
from vmferry.lab.shell import ssh

from ..conftest import VMFERRY, Run, environment
from ..guests import all_verified_since, page_when

GUEST = "f1"
SIZE = ("--memory", "192MiB", "--dirty", "1MiB/s", "--working-set", "4MiB", "--disk-size", "4MiB")
"""All of the working set is verified in 4 s."""
PAIR = ("h1", "h2")
SLOW = "40mbit"
MUCH = 1 << 20
LIMIT_S = 90.0
DOWNTIME_MS = "300"
"""QEMU's own limit."""

Document = dict[str, Any]


@dataclass
class Ground:
    """One guest on h1, its way to h2, and the means to break things."""

    lab: Layout
    run: Run
    address: str
    work: subprocess.Popen[str] | None = None
    undo: list[Callable[[], object]] = field(default_factory=list)

    def on(self, host: str, script: str) -> str:
        """As root, over the lab's network."""
        return ssh(self.lab, host, "sh", "-ec", script)

    def inside(self, host: str, script: str) -> str:
        """As root, its network up or not."""
        argv = control.command_on(self.lab, host, ["sh", "-ec", script])
        return subprocess.run(argv, capture_output=True, text=True, check=True).stdout

    def slow(self, rate: str = SLOW) -> None:
        for host in PAIR:
            control.set_rate(self.lab, host, rate)

    def fast(self) -> None:
        for host in PAIR:
            control.set_link(self.lab, host, up=True)

    # The migration, as its user has it

    def start(self, *options: str, to: str = "h2", program: Sequence[str] = VMFERRY) -> None:
        """`program`: the command, or one that stands for it."""
        self.launch("migrate", GUEST, "--to", to, *options, program=program)

    def launch(self, *command: str, program: Sequence[str] = VMFERRY) -> None:
        """Any command that ends with a document."""
        self.work = subprocess.Popen(
            [*program, *command, "-q", "-o", "json"],
            env=environment(self.lab),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def configured(self, folder: Path, text: str) -> tuple[str, ...]:
        """The command, with this after what the lab's configuration says."""
        place = folder / "config.toml"
        given = Path(self.document("lab", "status")["config"]).read_text(encoding="utf-8")
        place.write_text(f"{given}\n{text}\n", encoding="utf-8")
        return (*VMFERRY, "--config", str(place))

    def begin(self, *options: str, held: bool = False, program: Sequence[str] = VMFERRY) -> None:
        """Returns once memory is being sent; `held`: once the guest stands still for it."""
        sent = self.sent()
        self.start(*options, program=program)
        until(lambda: self._goes_on() and self.sent() > sent + MUCH)
        if held:
            until(lambda: self._goes_on() and self.states().get("h1", "").startswith("paused"))

    def _goes_on(self) -> bool:
        assert self.work is not None
        assert self.work.poll() is None, f"it ended too early: {self.work.communicate()}"
        return True

    def sent(self) -> int:
        """Bytes, by the card of the migration network: libvirt itself may be too busy to say."""
        return int(self.on("h1", "cat /sys/class/net/mig0/statistics/tx_bytes"))

    def end(self) -> tuple[int, Document, str]:
        """Its exit code, its document, and what it said."""
        assert self.work is not None
        out, err = self.work.communicate(timeout=3 * LIMIT_S)
        return self.work.returncode, json.loads(out) if out else {}, err

    def leave(self) -> None:
        """What a test has begun and not seen the end of."""
        if self.work is not None and self.work.stdout is not None and not self.work.stdout.closed:
            self.kill()

    def kill(self) -> None:
        assert self.work is not None
        self.work.kill()
        self.work.communicate(timeout=LIMIT_S)

    def jobs(self) -> list[Document]:
        """As the next command of anybody has them, which first puts dead ones right."""
        listed: list[Document] = self.document("job", "list")["jobs"]
        return listed

    def document(self, *command: str) -> Document:
        """What a command says as JSON."""
        document: Document = json.loads(self.run(*command, "-o", "json").stdout)
        return document

    def last_job(self) -> Document:
        return self.jobs()[0]

    def settled(self) -> Document:
        """The last job, once it is at its end."""
        until(lambda: self.last_job()["outcome"] is not None)
        return self.last_job()

    # What is the case, by virsh and the guest

    def states(self) -> dict[str, str]:
        """Host to state, of those that know the guest."""
        return self.states_of(PAIR)

    def states_of(self, hosts: Sequence[str]) -> dict[str, str]:
        asked = dict.fromkeys(hosts, f"virsh domstate {GUEST} --reason 2>/dev/null || true")
        with ThreadPoolExecutor(2) as pool:
            told = pool.map(lambda host: self.on(host, asked[host]).strip(), asked)
            return {host: state for host, state in zip(asked, told, strict=True) if state}

    def qemu_pid(self, host: str) -> str:
        return self.on(host, f"cat /run/libvirt/qemu/{GUEST}.pid").strip()

    def kill_qemu(self, host: str) -> None:
        self.on(host, f"kill -KILL $(cat /run/libvirt/qemu/{GUEST}.pid)")

    def kill_daemon(self, host: str) -> None:
        """Systemd starts it anew at the next connection."""
        self.on(host, "systemctl kill -s KILL --kill-whom=main libvirtd.service; sleep 0.2; systemctl start libvirtd")

    def safe_on(self, host: str, *, state: str = "running") -> None:
        """It is there whole, and nothing of it is anywhere else."""
        other = next(each for each in PAIR if each != host)
        until(lambda: set(self.states()) == {host})
        assert self.states()[host].startswith(state)
        assert "yes" in self.on(host, f"virsh dominfo {GUEST} | grep Persistent")
        assert self.residue(other) == []
        assert self.on(host, f"virsh domjobinfo {GUEST} | head -1").split() == ["Job", "type:", "None"]
        if state == "running":
            assert self.on(host, f"virsh migrate-getmaxdowntime {GUEST}").strip() == DOWNTIME_MS
            page = page_when(self.address, lambda page: True)
            assert all_verified_since(page, self.address).errors == 0

    def residue(self, host: str) -> list[str]:
        """What is there of a guest that is not."""
        files = f"ls -d /run/libvirt/qemu/{GUEST}.* /etc/libvirt/qemu/{GUEST}.* 2>/dev/null || true"
        processes = f"pgrep -f 'guest=[{GUEST[0]}]{GUEST[1:]}' || true"
        ports = "ss -Hltn 'sport >= 49152 and sport <= 49215'"
        return self.on(host, f"{files}; {processes}; {ports}").splitlines()

    def can_move(self) -> None:
        """A retry is safe: it goes there and back."""
        self.fast()
        here = next(iter(self.states()))
        there = next(each for each in PAIR if each != here)
        for target in (there, here):
            assert json.loads(self.run("migrate", GUEST, "--to", target, "-o", "json").stdout)["outcome"] == "migrated"


def until(condition: Callable[[], bool]) -> None:
    """Returns once it holds."""
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < deadline, "it never came to pass"
        time.sleep(0.1)


@pytest.fixture
def ground(lab: Layout, vmferry: Run) -> Iterator[Ground]:
    """A guest of its own for each test, with a disk that both hosts share."""
    line = vmferry("lab", "guest", GUEST, *SIZE, "--disk", "shared", "--on", "h1").stdout
    ground = Ground(lab, vmferry, line.split()[2])
    yield ground
    ground.leave()
    for undo in reversed(ground.undo):
        undo()
    ground.fast()
    vmferry("job", "list", check=False)
    vmferry("lab", "guest", GUEST, "--remove")
