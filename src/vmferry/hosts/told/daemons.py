"""Units, services of an older init, and the processes of libvirt's daemons."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from vmferry.facts.system import Daemon, Unit
from vmferry.hosts.told.sections import Sections

SYSV = "init"
"""What process 1 calls itself under upstart and the init before it."""


def read_init(sections: Sections, first_process: str | None) -> str | None:
    if sections.get("units"):
        return "systemd"
    return "sysv" if first_process == SYSV else None


def read_units(sections: Sections, first_process: str | None) -> tuple[Unit, ...] | None:
    match read_init(sections, first_process):
        case "systemd":
            return tuple(_units(sections["units"]))
        case "sysv":
            return (_service(sections),)
    return None


def read_daemons(sections: Sections) -> tuple[Daemon, ...] | None:
    """Of each pid file whose process is of that name: a file may outlive its process."""
    if "daemons" not in sections:
        return None
    words = [line.split() for line in sections["daemons"]]
    return tuple(
        Daemon(said[0], tuple(said[2:])) for said in words if len(said) > 1 and said[1].rpartition("/")[2] == said[0]
    )


def _units(lines: Iterable[str]) -> Iterator[Unit]:
    said: dict[str, str] = {}
    for line in (*lines, ""):
        key, equals, value = line.partition("=")
        if equals:
            said[key] = value.strip()
        elif said:
            yield _unit(said)
            said = {}


def _unit(said: dict[str, str]) -> Unit:
    return Unit(*(said.get(key, "") for key in ("Id", "LoadState", "ActiveState", "UnitFileState")))


def _service(sections: Sections) -> Unit:
    """Libvirtd as upstart and the init before it keep it: on in a runlevel, and running."""
    linked = any("/etc/rc" in path for path in sections.get("exists", ()))
    running = any(daemon.name == "libvirtd" for daemon in read_daemons(sections) or ())
    return Unit("libvirtd.service", "loaded", "active" if running else "inactive", "enabled" if linked else "disabled")
