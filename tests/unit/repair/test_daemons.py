"""Which daemons a host goes by, and what it takes to have them on."""

from __future__ import annotations

import pytest

from vmferry.facts.system import Unit
from vmferry.repair.change import Kind
from vmferry.repair.daemons import daemon_changes, daemons_in_use, describe, read_description, units_of


def units(*daemons: str, active: str = "active", enabled: str = "enabled", load: str = "loaded") -> dict[str, Unit]:
    return {name: Unit(name, load, active, enabled) for daemon in daemons for name in units_of(daemon)}


OFF = {"active": "inactive", "enabled": "disabled"}


@pytest.mark.parametrize(
    ("found", "daemons"),
    [
        (units("libvirtd"), ("libvirtd",)),
        (units("libvirtd", **OFF), ("libvirtd",)),
        (units("virtqemud", "virtproxyd"), ("virtqemud", "virtproxyd")),
        (units("libvirtd") | units("virtqemud", **OFF), ("libvirtd",)),
        (units("libvirtd", **OFF) | units("virtqemud"), ("virtqemud",)),
        (units("libvirtd", **OFF) | units("virtqemud", **OFF), ("virtqemud",)),
        (units("libvirtd", load="not-found", **OFF), ()),
        ({}, ()),
    ],
)
def test_the_daemons_that_a_host_goes_by(found: dict[str, Unit], daemons: tuple[str, ...]) -> None:
    assert daemons_in_use(found) == daemons


def test_what_is_on_is_left_alone() -> None:
    assert daemon_changes(units("libvirtd")) == ((), ())
    assert daemon_changes(units("virtqemud", "virtproxyd", "virtnetworkd")) == ((), ())


def test_a_daemon_that_its_socket_starts_is_on() -> None:
    found = units("libvirtd")
    found["libvirtd.service"] = Unit("libvirtd.service", "loaded", "inactive", "disabled")
    assert daemon_changes(found) == ((), ())


def test_a_daemon_that_is_off_is_enabled_and_started() -> None:
    (change,), left = daemon_changes(units("libvirtd", **OFF))
    assert (change.kind, change.name, left) == (Kind.DAEMON, "libvirtd", ())
    assert [(item.before, item.after) for item in change.items] == [("no", "yes"), ("no", "yes")]
    running, enabled = read_description(change.after or "")
    assert running
    assert set(enabled.values()) == {"enabled"}
    assert change.reversed.after == describe(units("libvirtd", **OFF), "libvirtd")


def test_one_that_runs_but_is_not_enabled() -> None:
    (change,), _ = daemon_changes(units("libvirtd", enabled="disabled"))
    assert [item.what for item in change.items] == ["libvirtd starts with the host"]


def test_one_that_failed_is_not_running_whoever_listens_for_it() -> None:
    found = units("libvirtd")
    found["libvirtd.service"] = Unit("libvirtd.service", "loaded", "failed", "enabled")
    (change,), _ = daemon_changes(found)
    assert [item.what for item in change.items] == ["libvirtd runs"]


def test_no_port_is_ever_opened() -> None:
    sockets = {
        name: Unit(name, "loaded", "inactive", "disabled") for name in ("libvirtd-tcp.socket", "libvirtd-tls.socket")
    }
    (change,), _ = daemon_changes(units("libvirtd", **OFF) | sockets)
    assert "-tcp" not in (change.after or "")
    assert "-tls" not in (change.after or "")


def test_a_masked_daemon_is_somebodys_choice() -> None:
    changes, (left,) = daemon_changes(units("libvirtd", load="masked", active="inactive", enabled="masked"))
    assert changes == ()
    assert "masked" in left.why


def test_no_daemon_at_all() -> None:
    changes, (left,) = daemon_changes({})
    assert changes == ()
    assert "install" in left.why
