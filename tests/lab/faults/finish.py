"""The instant of the switch on real hosts: libvirt on the source has sent all and waits for the word of the target.

It is hit without a race. Memory goes from QEMU to QEMU, so a daemon that is frozen meanwhile holds up nothing but the
switch itself; and the source's daemon writes down when it has come to it. The way from daemon to daemon is a process
of ssh, which is frozen to lose what is on it.
"""

from __future__ import annotations

from vmferry.lab.shell import ssh

from .conftest import GUEST, Ground, until
from .test_before import HOOK, RESTART

SENT = "perform3_done"
"""What the source's libvirt calls it."""
DAEMON = "$(cat /run/libvirtd.pid)"
WAY = f"$(pgrep -x ssh -P {DAEMON})"
"""On the source, to the target's daemon."""


def phase(ground: Ground, host: str) -> str:
    """Of libvirt's job on the guest there; empty: none."""
    return ground.on(host, f"grep -o \"phase='[a-z0-9_]*'\" /run/libvirt/qemu/{GUEST}.xml || true").strip()


def freeze(ground: Ground, host: str, what: str = DAEMON) -> str:
    """The process, which goes on when the test ends at the latest."""
    pid = ground.on(host, f"echo {what}").strip()
    assert pid.isdigit(), f"not one process: {pid}"
    ground.on(host, f"kill -STOP {pid}")
    ground.undo.append(lambda: ground.on(host, f"kill -CONT {pid} 2>/dev/null || true"))
    return pid


def thaw(ground: Ground, host: str) -> None:
    ground.on(host, f"kill -CONT {DAEMON}")


def stand_at_finish(ground: Ground, *, lost: bool = False) -> str:
    """All is sent, and the target's daemon is frozen before it hears of it. The process of the way between them.

    `lost`: the word to the target is on the frozen way; else it has come as far as the target's daemon.
    """
    ground.slow()
    ground.begin()
    freeze(ground, "h2")
    way = freeze(ground, "h1", WAY) if lost else ""
    ground.fast()
    until(lambda: SENT in phase(ground, "h1"))
    return way or freeze(ground, "h1", WAY)


def stand_after_finish(ground: Ground) -> str:
    """The guest runs on the target, and the source has not heard of it. The process of the way between them."""
    way = stand_at_finish(ground)
    thaw(ground, "h2")
    until(lambda: ground.states().get("h2", "").startswith("running"))
    return way


def end(ground: Ground, host: str, pid: str) -> None:
    ssh(ground.lab, host, "kill", "-KILL", pid)


def die_in_confirm(ground: Ground) -> None:
    """A migration, in which the source's daemon dies when it has heard that the guest runs and has ended its own QEMU.

    Returns with the daemon up again.
    """
    mend = f"rm -f {HOOK}; {RESTART}"
    ground.undo.append(lambda: ground.on("h1", f"test ! -e {HOOK} || {{ {mend}; }}"))
    hook = "#!/bin/sh\\n[ $2 = stopped ] && kill -KILL $PPID; cat\\n"
    ground.on("h1", f"printf '{hook}' >{HOOK}; chmod 755 {HOOK}; {RESTART}")
    daemon = ground.on("h1", f"echo {DAEMON}").strip()
    ground.start()
    until(lambda: ground.on("h1", f"kill -0 {daemon} 2>/dev/null && echo lives || true") == "")
    ground.on("h1", mend)
