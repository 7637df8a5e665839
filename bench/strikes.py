"""What befalls a migration in the soak: each a way to break something, and what it takes to mend it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from tests.lab.faults.conftest import GUEST, Ground

from vmferry.lab import control
from vmferry.lab.network import Network

DAEMON = "libvirtd.service"
FREEZE_S = 3.0
FENCED_S = 18.0
"""Longer than a lease."""
RATE = "80mbit"
"""Of the way that memory takes."""
SHORT_S, LONG_S = 2.0, 40.0
"""Of a gap in the network: libvirt's keepalive gives a peer 30 s."""


@dataclass
class Scene:
    """One migration of the soak, under way."""

    ground: Ground
    source: str
    target: str
    told: list[str] = field(default_factory=list)
    """What the strike has to say of itself."""

    @property
    def pid(self) -> int:
        """Of the command that migrates."""
        assert self.ground.work is not None
        return self.ground.work.pid

    @property
    def runs(self) -> bool:
        assert self.ground.work is not None
        return self.ground.work.poll() is None

    def inside(self, host: str, script: str) -> None:
        """What is not there to be hit is no error: the moment is chance."""
        with contextlib.suppress(subprocess.CalledProcessError):
            self.ground.inside(host, script)


@dataclass(frozen=True, slots=True)
class Fault:
    name: str
    strike: Callable[[Scene], None]
    options: tuple[str, ...] = ()
    """Of the migration that it strikes."""
    weight: int = 2
    kills_guest: bool = False
    """It may end the guest itself."""


def _kill_qemu(scene: Scene, host: str) -> None:
    scene.inside(host, f"kill -KILL $(cat /run/libvirt/qemu/{GUEST}.pid)")


def _kill_daemon(scene: Scene, host: str) -> None:
    scene.inside(host, f"systemctl kill -s KILL --kill-whom=main {DAEMON}; sleep 0.2; systemctl start {DAEMON}")


def _freeze_daemon(scene: Scene, host: str) -> None:
    main = f"$(systemctl show -P MainPID {DAEMON})"
    scene.inside(host, f"kill -STOP {main}; sleep {FREEZE_S}; kill -CONT {main}")


@contextlib.contextmanager
def _without_link(scene: Scene, host: str, over: Network) -> Iterator[None]:
    control.set_link(scene.ground.lab, host, up=False, over=over)
    yield
    control.set_link(scene.ground.lab, host, up=True, over=over)
    if over is Network.MIGRATION:
        control.set_rate(scene.ground.lab, host, RATE)


def _gap(over: Network, duration_s: float) -> Callable[[Scene], None]:
    def strike(scene: Scene) -> None:
        with _without_link(scene, scene.target, over):
            time.sleep(duration_s)

    return strike


def _signal(scene: Scene, number: signal.Signals) -> None:
    if scene.runs:
        os.kill(scene.pid, number)


def _kill_controller(scene: Scene) -> None:
    _signal(scene, signal.SIGKILL)


def _freeze_controller(scene: Scene) -> None:
    """Meanwhile another command finds its lease run out."""
    _signal(scene, signal.SIGSTOP)
    time.sleep(FENCED_S)
    scene.ground.run("job", "list", check=False)
    _signal(scene, signal.SIGCONT)


def _cancel_from_elsewhere(scene: Scene) -> None:
    done = scene.ground.run("job", "cancel", scene.ground.last_job()["job"], check=False)
    scene.told.append(done.stderr.strip())


def _both(*strikes: Callable[[Scene], None]) -> Callable[[Scene], None]:
    def strike(scene: Scene) -> None:
        for each in strikes:
            each(scene)

    return strike


FAULTS = (
    Fault("none", lambda scene: None, weight=1),
    Fault("target's QEMU killed", lambda scene: _kill_qemu(scene, scene.target)),
    Fault("source's QEMU killed", lambda scene: _kill_qemu(scene, scene.source), weight=1, kills_guest=True),
    Fault("target's libvirtd killed", lambda scene: _kill_daemon(scene, scene.target)),
    Fault("source's libvirtd killed", lambda scene: _kill_daemon(scene, scene.source)),
    Fault("target's libvirtd frozen for 3 s", lambda scene: _freeze_daemon(scene, scene.target)),
    Fault("source's libvirtd frozen for 3 s", lambda scene: _freeze_daemon(scene, scene.source)),
    Fault("memory's way lost for 2 s", _gap(Network.MIGRATION, SHORT_S)),
    Fault("target's other network lost for 2 s", _gap(Network.LAB, SHORT_S)),
    Fault("target's other network lost for 40 s", _gap(Network.LAB, LONG_S), weight=1),
    Fault("copy on the target destroyed", lambda scene: scene.inside(scene.target, f"virsh destroy {GUEST}"),
          kills_guest=True),
    Fault("job aborted by virsh", lambda scene: scene.inside(scene.source, f"virsh domjobabort {GUEST}")),
    Fault("vmferry killed", _kill_controller, weight=4),
    Fault("vmferry frozen past its lease", _freeze_controller, weight=1),
    Fault("vmferry killed in post-copy", _kill_controller, ("--post-copy", "allow", "--max-time", "2"), weight=2),
    Fault("Ctrl-C", lambda scene: _signal(scene, signal.SIGINT)),
    Fault("job cancel", _cancel_from_elsewhere),
    Fault("vmferry and target's QEMU killed", _both(_kill_controller, lambda scene: _kill_qemu(scene, scene.target))),
    Fault("vmferry and target's libvirtd killed",
          _both(_kill_controller, lambda scene: _kill_daemon(scene, scene.target))),
    Fault("vmferry and source's libvirtd killed",
          _both(_kill_controller, lambda scene: _kill_daemon(scene, scene.source))),
    Fault("vmferry killed, memory's way lost for 2 s", _both(_kill_controller, _gap(Network.MIGRATION, SHORT_S))),
)  # fmt: skip
