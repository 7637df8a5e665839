"""What is done with a lab: the functions behind `vmferry lab`, for tests and demos too."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from vmferry.errors import Failed, UserError
from vmferry.lab import cgroup, host, image, network, state
from vmferry.lab.down import clear
from vmferry.lab.guest_image import prepare_guest_image
from vmferry.lab.layout import Layout
from vmferry.lab.lock import machine_lock
from vmferry.lab.network import Network
from vmferry.lab.plan import RELEASES, HostPlan
from vmferry.lab.rates import note_rates
from vmferry.lab.shell import missing_packages
from vmferry.lab.state import LabState
from vmferry.lab.up import Say, bring_up, recipe_of, start

_DEVICES = ("/dev/net/tun", "/dev/fuse")
_ENVIRONMENT = ("HOME=/root", "LANG=C.UTF-8", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")


def silent(message: str) -> None:
    """For callers that show no progress."""


def up(layout: Layout, hosts: int = 2, mixed: bool = False, say: Say = silent) -> LabState:
    """See vmferry.lab.up.bring_up."""
    need_machine()
    with machine_lock(say):
        return bring_up(layout, hosts, mixed, say)


def down(layout: Layout, say: Say = silent) -> bool:
    """Removes the lab, whole or half made. False if there was none."""
    need_root()
    with machine_lock(say):
        return clear(layout)


def prepare(layout: Layout, images: bool, say: Say = silent) -> None:
    """Builds what the first guest, and with `images` what the first lab, would otherwise have to wait for."""
    need_tools()
    prepare_guest_image(layout.cache)  # put in place whole, by a rename: it needs no lock
    if images:
        with machine_lock(say):
            image.ensure_images(layout.images, [recipe_of(release) for release in RELEASES], say)


def opened(layout: Layout) -> LabState:
    """The lab that is up. Raises Failed where there is none."""
    found = state.load(layout)
    if found is None or not found.is_up:
        raise Failed("no lab is up: start one with vmferry lab up")
    return found


def kill_host(layout: Layout, name: str, say: Say = silent) -> None:
    """Takes its power away."""
    need_root()
    with machine_lock(say):
        host.lose_power(layout, _running(layout, name).name)


def start_host(layout: Layout, name: str, say: Say = silent) -> None:
    """Gives a host power again, and returns when it can be used."""
    need_machine()
    with machine_lock(say):
        found = opened(layout)
        if host.is_running(layout, found.plan.host(name).name):
            raise UserError(f"{name} is running already")
        start(layout, found, [name])


def set_rate(layout: Layout, name: str, rate: str, over: Network = Network.MIGRATION) -> None:
    """Of a host's link in both directions, in tc's notation: 200mbit."""
    rate_bits_s = network.parse_rate(rate)
    need_root()
    with machine_lock(silent):
        network.shape(layout, _running(layout, name), over, rate_bits_s)
        if over is Network.MIGRATION:
            note_rates(layout, opened(layout), {name: rate})


def set_link(layout: Layout, name: str, up: bool, over: Network = Network.MIGRATION) -> None:
    """Pulls a host's cable, or puts it back at full rate."""
    need_root()
    with machine_lock(silent):
        network.set_link(layout, _running(layout, name), over, up)
        if up and over is Network.MIGRATION:
            note_rates(layout, opened(layout), {name: None})


def command_on(layout: Layout, name: str, command: Sequence[str]) -> list[str]:
    """The arguments that run `command` on a host as its root, its network up or not."""
    need_root()
    leader = cgroup.leader(layout, _running(layout, name).name)
    if leader is None:
        raise Failed(f"{name} is just starting or ending; try again")
    terminal = [f"TERM={os.environ.get('TERM', 'dumb')}"]
    enter = [
        "nsenter",
        f"--target={leader}",
        "--mount",
        "--uts",
        "--ipc",
        "--net",
        "--pid",
        "--cgroup",
        "--root",
        "--wd",
    ]
    return [*enter, "--", "env", "-i", *_ENVIRONMENT, *terminal, *command]


def need_root() -> None:
    if os.geteuid() != 0:
        raise Failed("the lab needs root, for namespaces and mounts: run the command again with sudo")


def need_tools() -> None:
    """To be called by what builds: the machine has the programs, and what is made can be read by the lab's hosts."""
    need_root()
    os.umask(0o022)
    if missing := missing_packages():
        raise Failed(f"the lab needs packages that are not installed: apt-get install {' '.join(missing)}")


def need_machine() -> None:
    """To be called by what starts hosts: what they need of the machine's kernel is there too."""
    need_tools()
    if absent := [device for device in _DEVICES if not Path(device).exists()]:
        raise Failed(f"the lab needs {' and '.join(absent)}: use a machine, or a container, that has its kernel's")


def _running(layout: Layout, name: str) -> HostPlan:
    found = opened(layout).plan.host(name)
    if not host.is_running(layout, name):
        raise UserError(f"{name} has no power: vmferry lab start {name}")
    return found
