"""Daemons, settings and hooks that are broken on purpose on h2, where the guest is to go."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from .conftest import Check, On

GUEST_DISKS = ("shared",)
LIBVIRTD_CONF, QEMU_CONF = "/etc/libvirt/libvirtd.conf", "/etc/libvirt/qemu.conf"
SOCKETS = "libvirtd.socket libvirtd-ro.socket libvirtd-admin.socket"
RESTART = "systemctl reset-failed libvirtd; systemctl restart libvirtd"
HOOK = "/etc/libvirt/hooks/qemu"

Edit = Callable[[str, str], None]


@pytest.fixture
def append(on: On) -> Iterator[Edit]:
    """append(FILE, TEXT): lines at the end of a file of h2; the test's end brings back what stood there before."""
    saved: set[str] = set()

    def append(path: str, text: str) -> None:
        if path not in saved:
            on("h2", f"cp -p {path} /run/{path.rpartition('/')[2]}.saved")
            saved.add(path)
        on("h2", f"cat >>{path} <<'E'\n{text}\nE")

    yield append
    for path in saved:
        on("h2", f"mv /run/{path.rpartition('/')[2]}.saved {path}; {RESTART}")


def written(path: str, line: str) -> str:
    """What `set` in a remedy means: this line in place of those of its key."""
    key = line.partition(" ")[0]
    return f"sed -i '/^{key} *=/d' {path}; echo '{line}' >>{path}; "


def test_a_daemon_that_is_stopped(host_check: Check, on: On) -> None:
    on("h2", f"systemctl stop {SOCKETS} libvirtd.service")
    try:
        found = host_check("h2").the("daemon.running", "refuse")
        assert found["subject"] == "h2"
        assert "systemctl enable --now libvirtd" in found["remedy"]
    finally:
        on("h2", "systemctl enable --now libvirtd")
    assert host_check("h2").passes("daemon.running")


def test_a_daemon_that_is_disabled(check: Check, on: On) -> None:
    on("h2", f"systemctl -q disable {SOCKETS} libvirtd.service")
    try:
        found = check().the("daemon.enabled", "warn")
        assert "libvirtd.service is disabled" in found["observed"]
        assert found["remedy"] == "on h2: systemctl enable --now libvirtd"
        on("h2", found["remedy"].removeprefix("on h2: "))
        assert check().passes("daemon.enabled")
    finally:
        on("h2", f"systemctl -q enable {SOCKETS} libvirtd.service")


def test_tcp_without_a_sign_in(check: Check, on: On, append: Edit) -> None:
    append(LIBVIRTD_CONF, 'listen_tcp = 1\nauth_tcp = "none"')
    on("h2", RESTART)
    found = check().the("daemon.config.auth_tcp", "refuse")
    assert 'auth_tcp = "none" and listen_tcp = 1' in found["observed"]
    assert 'set auth_tcp = "sasl"' in found["remedy"]
    on("h2", written(LIBVIRTD_CONF, 'auth_tcp = "sasl"') + RESTART)
    assert check().passes("daemon.config.auth_tcp")


def test_two_hosts_of_one_uuid(check: Check, on: On, append: Edit) -> None:
    uuid = on("h1", "virsh capabilities | sed -n 's:.*<uuid>\\(.*\\)</uuid>.*:\\1:p'").strip()
    append(LIBVIRTD_CONF, f'host_uuid = "{uuid}"')
    on("h2", RESTART)
    found = check().the("daemon.config.host_uuid", "refuse")
    assert uuid in found["observed"]
    assert "set host_uuid to the output of uuidgen" in found["remedy"]
    new = on("h2", "cat /proc/sys/kernel/random/uuid").strip()
    on("h2", written(LIBVIRTD_CONF, f'host_uuid = "{new}"') + RESTART)
    assert check().passes("daemon.config.host_uuid")


def test_lock_managers_that_differ(check: Check, on: On, append: Edit) -> None:
    """The daemon is not restarted with it: the lab's hosts have no lock manager, and it would not start."""
    append(QEMU_CONF, 'lock_manager = "lockd"')
    checked = check()
    found = checked.the("daemon.config.lock_manager", "refuse")
    assert found["observed"] == 'h1 has "nop", h2 "lockd"'
    assert "remove lock_manager, as on h1" in found["remedy"]
    assert "qemu.conf was changed" in checked.the("daemon.config.in-force", "warn")["observed"]
    on("h2", f"sed -i '/^lock_manager/d' {QEMU_CONF}; {RESTART}")
    mended = check()
    assert mended.of("daemon.config.lock_manager", "refuse") == ()
    assert mended.passes("daemon.config.in-force")


def test_a_file_with_a_syntax_error(check: Check, on: On, append: Edit) -> None:
    append(QEMU_CONF, "migration_port_min 49152")
    line = on("h2", f"wc -l <{QEMU_CONF}").strip()
    found = check().the("daemon.config.syntax", "refuse")
    assert found["observed"] == f"{QEMU_CONF}: line {line}: expecting an assignment"
    assert QEMU_CONF in found["remedy"]
    on("h2", f"sed -i 's/^migration_port_min /&= /' {QEMU_CONF}; {RESTART}")
    mended = check()
    assert mended.passes("daemon.config.syntax")
    assert mended.passes("daemon.config.migration_port_min")


def test_too_few_workers(check: Check, on: On, append: Edit) -> None:
    append(LIBVIRTD_CONF, "max_workers = 2")
    found = check().the("daemon.config.max_workers", "warn")
    assert found["observed"] == "max_workers = 2"
    assert "set max_workers = 20" in found["remedy"]
    on("h2", written(LIBVIRTD_CONF, "max_workers = 20") + RESTART)
    assert check().passes("daemon.config.max_workers")


def test_hooks_that_differ(check: Check, on: On) -> None:
    on("h2", f"printf '#!/bin/sh\\n' >{HOOK}; chmod 755 {HOOK}")
    try:
        found = check().the("host.hooks", "warn")
        assert found["observed"] == f"{HOOK} is only on h2"
        assert "remove both" in found["remedy"]
    finally:
        on("h2", f"rm {HOOK}")
    assert check().passes("host.hooks")


def test_the_offer_of_an_older_host(check: Check) -> None:
    """The lab's third host has the Debian before: a move there is one backward."""
    checked = check(to="h3")
    assert "a move backward" in checked.the("version.compatibility", "warn")["observed"]
    assert checked.the("version.same-release", "info")["observed"] == "h1 has debian 13, h3 debian 12"
    assert checked.passes("version.firmware")
    assert checked.passes("host.clock")
