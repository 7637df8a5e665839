"""Real hosts are broken, mended by `vmferry host fix`, and put back; a guest runs through all of it."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from vmferry.errors import Failed
from vmferry.hosts.mending import HostMender, HostMenders
from vmferry.lab.guest_page import read_page
from vmferry.lab.layout import Layout
from vmferry.lab.shell import ssh
from vmferry.repair.change import Change, Item, Kind, Plan, Record
from vmferry.service.fix import Fix

from .conftest import VMFERRY, Run, environment
from .test_pair import entry

CONF = "/etc/libvirt/libvirtd.conf"
UNITS = "libvirtd.socket libvirtd-ro.socket libvirtd-admin.socket libvirtd.service"
TEXT = (
    '# What this host\'s administrator wrote.\n\thost_uuid_source = "machine-id"\n#auth_tcp = "sasl"\n'
    '  auth_tcp="none"   \nmax_workers = 2\n\n# The end, with blanks   \n'
)
STATE = (
    "sha256sum /etc/libvirt/*.conf; stat -c '%a %U %G' /etc/libvirt/libvirtd.conf; ls /etc/libvirt/storage; "
    "systemctl is-enabled libvirtd.service libvirtd.socket virtlogd.socket; "
    "systemctl is-active libvirtd.service libvirtd.socket; find /srv -maxdepth 1; "
    "find /var/lib/libvirt/images | sort; true"
)
LEAN = ("--memory", "160MiB", "--working-set", "16MiB", "--dirty", "0", "--disk", "none")


@pytest.fixture(scope="module")
def guest(vmferry: Run) -> Iterator[str]:
    """Its address; it runs on h1."""
    yield vmferry("lab", "guest", "fix", *LEAN, "--on", "h1").stdout.split()[2]
    vmferry("lab", "guest", "fix", "--remove")


class Host:
    """h1, with a guest that must not notice anything."""

    def __init__(self, lab: Layout, vmferry: Run, address: str) -> None:
        self.lab, self.vmferry, self.address = lab, vmferry, address

    def on(self, script: str) -> str:
        return ssh(self.lab, "h1", "sh", "-c", script)

    def state(self) -> str:
        return self.on(STATE)

    def process(self) -> str:
        return self.on("pgrep -o qemu-system")

    def fix(self, *options: str) -> dict[str, Any]:
        ran = self.vmferry("host", "fix", "h1", *options, "-o", "json")
        found: dict[str, Any] = json.loads(ran.stdout)
        return found

    def whats(self, *options: str) -> list[str]:
        return [change["what"] for change in self.fix(*options)["changes"]]


@pytest.fixture
def host(lab: Layout, vmferry: Run, guest: str) -> Iterator[Host]:
    host = Host(lab, vmferry, guest)
    before = host.process()
    kept = host.on(f"cat {CONF}")
    yield host
    put(host, kept)
    host.on(
        f"rm -rf /var/lib/vmferry {CONF}.vmferry-*; systemctl enable -q libvirtd; systemctl reset-failed; "
        f"systemctl start {UNITS}; systemctl restart libvirtd; virsh pool-start iscsi || true"
    )
    assert host.process() == before
    assert read_page(guest, timeout_s=5.0).errors == 0


def put(host: Host, text: str) -> None:
    subprocess.run([str(host.lab.ssh), "h1", f"cat >{CONF}"], input=text, text=True, check=True)


def test_a_daemon_that_is_stopped_and_disabled(host: Host) -> None:
    # One that hung while it ended is "failed", and no fix puts that back.
    host.on(f"systemctl stop {UNITS}; systemctl disable -q {UNITS}; systemctl reset-failed")
    before = host.state()
    whats = ["libvirtd starts with the host", "libvirtd runs"]
    assert host.whats("--dry-run") == whats
    assert host.state() == before
    assert host.whats("--yes") == whats
    assert host.on("systemctl is-active libvirtd.socket; systemctl is-enabled libvirtd.service").split() == [
        "active",
        "enabled",
    ]
    assert host.whats("--yes") == []
    assert host.whats("--undo", "--yes") == whats
    assert host.state() == before


def test_keys_with_comments_and_order_kept(host: Host) -> None:
    host.on(f"chmod 640 {CONF}")
    put(host, TEXT)
    before = host.state()
    findings = {finding["rule"]: finding["severity"] for finding in host.fix("--dry-run")["findings"]}
    assert (findings["daemon.config.auth_tcp"], findings["daemon.config.max_workers"]) == ("warn", "warn")
    assert host.state() == before
    done = host.fix("--yes")
    assert [(change["before"], change["after"]) for change in done["changes"]] == [("none", "sasl"), ("2", "20")]
    assert done["restarted"] == ["libvirtd.service"]
    assert host.on(f"cat {CONF}") == TEXT.replace("none", "sasl").replace("max_workers = 2", "max_workers = 20")
    assert host.on(f"stat -c %a {CONF}").strip() == "640"
    assert host.on(f"cat {CONF}.vmferry-*") == TEXT
    assert host.fix("--dry-run")["changes"] == []
    host.fix("--undo", "--yes")
    host.on(f"rm -f {CONF}.vmferry-*")
    assert host.state() == before
    host.on(f"chmod 644 {CONF}")


def test_a_file_with_a_syntax_error_is_left(host: Host) -> None:
    host.on(f"systemctl stop {UNITS}")
    put(host, f"{TEXT}what = = 1\n")
    before = host.state()
    ran = host.vmferry("host", "fix", "h1", "--dry-run")
    assert f"left as it is: {CONF}: line {len(TEXT.splitlines()) + 1} " in ran.stdout
    assert host.state() == before


def test_a_pool_and_its_directory(host: Host) -> None:
    host.on("virsh pool-destroy local; virsh pool-undefine local; rmdir /var/lib/libvirt/images")
    before = host.on("ls /var/lib/libvirt")
    assert "storage pool local" in host.whats("--dry-run")
    assert host.on("ls /var/lib/libvirt") == before
    assert "directory /var/lib/libvirt/images" in host.whats("--yes")
    assert re.search(r"^ *local +active +yes", host.on("virsh pool-list --all"), re.MULTILINE)
    assert host.whats("--yes") == []
    host.fix("--undo", "--yes")
    assert host.on("ls /var/lib/libvirt") == before
    assert "local" not in host.on("virsh pool-list --all --name").split()
    host.fix("--yes")


def test_vectors_of_a_guest_that_is_kept(host: Host) -> None:
    xml = (
        "<domain type='qemu'><name>vectors</name><memory>65536</memory><os><type machine='pc-q35-7.2'>hvm</type></os>"
        "<devices><controller type='virtio-serial' index='0' vectors='33'/></devices></domain>"
    )
    host.on(f'echo "{xml}" >/tmp/vectors.xml; virsh define /tmp/vectors.xml; rm /tmp/vectors.xml')
    before = host.on("virsh dumpxml --inactive vectors")
    try:
        (change,) = host.fix("--yes")["changes"]
        assert (change["before"], change["after"]) == ("33", "32")
        assert host.on("virsh dumpxml --inactive vectors") == before.replace("vectors='33'", "vectors='32'")
        host.fix("--undo", "--yes")
        assert host.on("virsh dumpxml --inactive vectors") == before
    finally:
        host.on("virsh undefine vectors")


def test_what_was_changed_since_is_left(host: Host) -> None:
    put(host, TEXT)
    host.fix("--yes")
    host.on(f"echo '# by hand' >>{CONF}")
    after = host.on(f"cat {CONF}")
    assert [left["what"] for left in host.fix("--undo", "--yes")["left"]] == [CONF]
    assert host.on(f"cat {CONF}") == after


@pytest.fixture
def mender(lab: Layout, host: Host) -> Iterator[HostMender]:
    mender = HostMenders().open(entry(lab, "h1"), 10.0)
    yield mender
    mender.close()


def test_a_daemon_that_does_not_come_back_gets_its_old_file_back(host: Host, mender: HostMender) -> None:
    """No fix writes such a value: this one is made by hand."""
    before = host.on(f"cat {CONF}")
    bad = Change(Kind.FILE, CONF, before, f'{before}auth_unix_rw = "nonsense"\n', (), ("libvirtd.service",))
    with pytest.raises(Failed, match="everything is as it was before"):
        Fix(mender, Plan((bad,)), "trial", lambda message: None).run()
    assert host.on(f"cat {CONF}") == before
    assert host.on("systemctl is-active libvirtd; virsh list --name").split() == ["active", "fix"]


def test_a_crash_in_the_middle_is_put_back(host: Host, mender: HostMender) -> None:
    """The record is there, and one of two changes was made."""
    before = host.state()
    text = host.on(f"cat {CONF}")
    items = (Item("a comment", "missing", "there"),)
    file = Change(Kind.FILE, CONF, text, f"{text}# changed\n", items, ("libvirtd.service",))
    directory = Change(Kind.DIRECTORY, "/srv/never", None, "755", (Item("directory", "missing", "there"),))
    mender.keep(Record("trial", (file, directory)))
    mender.put(file)
    assert host.whats("--undo", "--yes") == ["a comment"]
    assert host.state() == before


def interrupted(process: subprocess.Popen[bytes]) -> int:
    """Its exit code after Ctrl-C; once more where Python misses one that comes just before it begins to read."""
    for _ in range(10):
        process.send_signal(signal.SIGINT)
        try:
            return process.wait(5)
        except subprocess.TimeoutExpired:
            continue
    process.kill()
    raise AssertionError(f"it goes on, and was ended: {process.wait()}")


def test_ctrl_c_at_the_question(host: Host, lab: Layout) -> None:
    put(host, TEXT)
    before = host.state()
    controller, terminal = pty.openpty()
    process = subprocess.Popen(
        [*VMFERRY, "host", "fix", "h1"],
        env=environment(lab),
        stdin=terminal,
        stdout=subprocess.DEVNULL,
        stderr=terminal,
        start_new_session=True,
    )
    os.close(terminal)
    seen = b""
    while b"[y/N]" not in seen:
        seen += os.read(controller, 4096)
    assert interrupted(process) == 130
    os.close(controller)
    assert host.state() == before
    assert "fixes" not in host.on("ls /var/lib/vmferry 2>/dev/null || true")


def test_a_user_who_is_not_root(host: Host, vmferry: Run, lab: Layout, tmp_path: Path) -> None:
    wrapper = tmp_path / "ssh"
    inner = "$(printf %s \"$1\" | sed \"s/'/'\\\\\\\\''/g\")"
    wrapper.write_text(f"#!/bin/sh\nquoted={inner}\nexec {lab.ssh} h1 \"runuser -u nobody -- sh -c '$quoted'\"\n")
    wrapper.chmod(0o755)
    found = entry(lab, "h1")
    config = tmp_path / "config.toml"
    config.write_text(f'[store]\npath = "{tmp_path}/db"\n[hosts.h1]\nuri = "{found.uri}"\nssh = ["{wrapper}"]\n')
    ran = vmferry("--config", str(config), "host", "fix", "h1", check=False)
    assert ran.returncode == 2
    assert "logs in as nobody, who may not change it" in ran.stderr
