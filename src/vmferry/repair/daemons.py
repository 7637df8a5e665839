"""Libvirt's daemons as systemd has them: which of them a host goes by, and what it takes to have them on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from vmferry.facts.system import Unit
from vmferry.repair.change import Change, Item, Kind, Left

MONOLITHIC = ("libvirtd",)
MODULAR = (
    "virtqemud",
    "virtproxyd",
    "virtnetworkd",
    "virtstoraged",
    "virtnodedevd",
    "virtsecretd",
    "virtnwfilterd",
    "virtinterfaced",
)
HELPERS = ("virtlogd", "virtlockd")
"""Enabling a daemon enables the sockets of these too."""

LOCAL = ("", "-ro", "-admin")
"""A daemon's sockets on the host itself. Those of the network (-tcp, -tls) are the administrator's to open."""

Units = Mapping[str, Unit]


def units_of(daemon: str) -> tuple[str, ...]:
    return (f"{daemon}.service", *(f"{daemon}{which}.socket" for which in LOCAL))


ALL_UNITS = tuple(unit for daemon in (*MONOLITHIC, *MODULAR, *HELPERS) for unit in units_of(daemon))


def daemons_in_use(units: Units) -> tuple[str, ...]:
    """Those that the host goes by: where both kinds are installed, the kind that is switched on."""
    old, new = (_installed(units, daemons) for daemons in (MONOLITHIC, MODULAR))
    if not new or "virtqemud" not in new:
        return old
    if old and any(_is_on(units, daemon) for daemon in old) and not _is_on(units, "virtqemud"):
        return old
    return new


def _installed(units: Units, daemons: Iterable[str]) -> tuple[str, ...]:
    return tuple(
        each for each in daemons if (unit := units.get(f"{each}.service")) is not None and unit.load == "loaded"
    )


def _is_on(units: Units, daemon: str) -> bool:
    return is_running(units, daemon) or is_enabled(units, daemon)


def is_running(units: Units, daemon: str) -> bool:
    """It runs, or is started by whoever connects. One that failed is not running, whoever listens for it."""
    service = units.get(f"{daemon}.service")
    if service is None or service.active == "failed":
        return False
    socket = units.get(f"{daemon}.socket")
    return service.active in ("active", "activating", "reloading") or (socket is not None and socket.active == "active")


def is_enabled(units: Units, daemon: str) -> bool:
    return any(
        unit is not None and unit.enabled in ("enabled", "enabled-runtime")
        for unit in (units.get(f"{daemon}.service"), units.get(f"{daemon}.socket"))
    )


def describe(units: Units, daemon: str) -> str:
    """The text of a change of this daemon: whether it runs, then each unit that enabling it may touch."""
    named = (*units_of(daemon), *(unit for helper in HELPERS for unit in units_of(helper)))
    known = (units[name] for name in named if name in units and units[name].enabled)
    lines = [f"{daemon}: {'running' if is_running(units, daemon) else 'stopped'}"]
    return "\n".join([*lines, *(f"{unit.name}: {unit.enabled}" for unit in known)]) + "\n"


def read_description(text: str) -> tuple[bool, dict[str, str]]:
    """(running, enablement by unit) of what `describe` wrote."""
    first, *lines = text.splitlines()
    pairs = (line.partition(": ") for line in lines)
    return first.endswith(": running"), {unit: enablement for unit, _, enablement in pairs}


def daemon_changes(units: Units) -> tuple[tuple[Change, ...], tuple[Left, ...]]:
    """What it takes to have every daemon of the host running now and after a boot."""
    daemons = daemons_in_use(units)
    changes = [change for daemon in daemons if (change := _change(units, daemon)) is not None]
    left = [
        Left(f"{name}.service", "it is masked: systemctl unmask it, if it was masked by mistake")
        for name in _masked(units)
    ]
    if not daemons and not left:
        left.append(Left("libvirt", "no daemon of libvirt is installed here that systemd knows; install it"))
    return tuple(changes), tuple(left)


def _masked(units: Units) -> list[str]:
    main = [units[name] for name in ("libvirtd.service", "virtqemud.service") if name in units]
    return (
        []
        if daemons_in_use(units)
        else [unit.name.removesuffix(".service") for unit in main if unit.enabled == "masked"]
    )


def _change(units: Units, daemon: str) -> Change | None:
    running, enabled = is_running(units, daemon), is_enabled(units, daemon)
    if running and enabled:
        return None
    before = describe(units, daemon)
    items = [] if enabled else [Item(f"{daemon} starts with the host", "no", "yes")]
    items += [] if running else [Item(f"{daemon} runs", "no", "yes")]
    return Change(Kind.DAEMON, daemon, before, _wanted(before, daemon), tuple(items))


def _wanted(before: str, daemon: str) -> str:
    """As `before` with the daemon running, and its own units enabled that can be."""
    _, enablement = read_description(before)
    own = units_of(daemon)
    lines = [
        f"{unit}: {'enabled' if unit in own and state == 'disabled' else state}" for unit, state in enablement.items()
    ]
    return "\n".join([f"{daemon}: running", *lines]) + "\n"
