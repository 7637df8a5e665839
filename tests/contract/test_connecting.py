"""Connections that come, that fail and that never end. Programs of our own stand where ssh would."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from vmferry.errors import HostUnreachable, UserError
from vmferry.hosts import LibvirtConnector
from vmferry.hosts.connector import EARLY_SHELLS
from vmferry.hosts.shared_ssh import SharedSsh
from vmferry.model.host import HostEntry

Ssh = Callable[[str], HostEntry]


@pytest.fixture
def ssh(tmp_path: Path) -> Ssh:
    """An entry whose ssh is this shell script; it leaves its process id in `pid`."""

    def ssh(script: str) -> HostEntry:
        path = tmp_path / "ssh"
        path.write_text(f"#!/bin/sh\necho $$ >>{tmp_path}/pid\n{script}\n")
        path.chmod(0o755)
        return HostEntry("h1", f"qemu+ssh://root@h1/system?command={path}")

    return ssh


def ended(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].startswith("Z")
    except FileNotFoundError:
        return True


def wait_until_all_ended(pids: list[int]) -> None:
    deadline = time.monotonic() + 10
    while not all(ended(pid) for pid in pids):
        assert time.monotonic() < deadline, f"{pids} still run"
        time.sleep(0.02)


def pids(directory: Path) -> list[int]:
    return [int(line) for line in (directory / "pid").read_text().split()]


def test_a_silent_host_is_given_up_and_its_ssh_ended(ssh: Ssh, tmp_path: Path) -> None:
    with pytest.raises(HostUnreachable, match=r"host h1 gave no answer within 0\.3 s"):
        LibvirtConnector().connect(ssh("exec sleep 1000"), 0.3)
    wait_until_all_ended(pids(tmp_path))


def test_a_process_that_ends_while_it_connects_leaves_no_ssh(ssh: Ssh, tmp_path: Path) -> None:
    uri = ssh("exec sleep 1000").uri
    program = (
        "import os, pathlib, signal, sys, threading, time\n"
        "from vmferry.hosts import LibvirtConnector\n"
        "from vmferry.model.host import HostEntry\n"
        "entry = HostEntry('h1', sys.argv[1])\n"
        "threading.Thread(target=LibvirtConnector().connect, args=(entry, 1000), daemon=True).start()\n"
        "pid = pathlib.Path(sys.argv[2])\n"
        "while not pid.exists() or not pid.read_text().split(): time.sleep(0.02)\n"
    )
    subprocess.run([sys.executable, "-c", program, uri, str(tmp_path / "pid")], check=True, timeout=60)
    wait_until_all_ended(pids(tmp_path))


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("echo 'root@h1: Permission denied (publickey).' >&2; exit 255", "refuses the ssh key of root"),
        ("echo 'ssh: connect to host h1 port 22: Connection refused' >&2; exit 255", "refuses the connection"),
        ("echo 'ssh: Could not resolve hostname h1: Name or service not known' >&2; exit 255", "does not resolve"),
        ("echo 'Host key verification failed.' >&2; exit 255", "ssh host key"),
    ],
)
def test_the_reason_is_told(ssh: Ssh, script: str, reason: str) -> None:
    # As ssh, which fails later than libvirt begins to write; the connection to share gets no word to wait for.
    heard = 'case " $* " in *" -M "*) ;; *) head -c 1 >/dev/null ;; esac'
    with pytest.raises(HostUnreachable) as caught:
        LibvirtConnector().connect(ssh(f"{heard}\n{script}"), 5)
    assert reason in caught.value.message
    assert "\n" not in caught.value.message
    assert caught.value.detail


def test_a_long_warning_of_ssh_is_not_lost(ssh: Ssh) -> None:
    """Libvirt gives up at more than 1 KiB of it, and tells none of it."""
    script = (
        "echo '@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @' >&2\n"
        "yes 'Someone could be eavesdropping on you right now (man-in-the-middle attack)!' | head -n 40 >&2\n"
        "echo 'Host key verification failed.' >&2\n"
        "exit 255"
    )
    with pytest.raises(HostUnreachable) as caught:
        LibvirtConnector().connect(ssh(script), 5)
    assert "its ssh host key has changed" in caught.value.message
    assert "ssh-keygen -R h1" in caught.value.message
    assert "eavesdropping" in caught.value.detail


def test_a_process_that_is_killed_leaves_an_empty_directory_at_most(ssh: Ssh, tmp_path: Path, run_dir: Path) -> None:
    program = (
        "import sys\n"
        "from vmferry.hosts.shared_ssh import SharedSsh\n"
        "shared = SharedSsh([sys.argv[1]])\n"
        "shared.begin()\n"
        "print(shared.options(1000)[0], flush=True)\n"
        "sys.stdin.read()\n"
    )
    # As ssh: a socket while it runs, which is until its input ends.
    script = 'path=${2#-oControlPath=}; touch "$path"; cat >/dev/null; rm "$path"'
    fake = ssh(script).uri.partition("command=")[2]
    process = subprocess.Popen(
        [sys.executable, "-c", program, fake],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "XDG_RUNTIME_DIR": str(run_dir)},
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(f"-oControlPath={run_dir}/vmferry-".encode())
        process.kill()
    wait_until_all_ended(pids(tmp_path))
    (left,) = run_dir.iterdir()
    assert list(left.iterdir()) == []


def test_without_a_place_for_the_socket_each_goes_its_own_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/nowhere")
    monkeypatch.setattr("tempfile.tempdir", "/nowhere")
    shared = SharedSsh(["ssh", "h1"])
    shared.begin()
    assert shared.options(5) == ()
    shared.close()


def test_libvirt_itself_writes_nothing(ssh: Ssh, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(HostUnreachable):
        LibvirtConnector().connect(ssh("exit 255"), 5)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "entry",
    [
        HostEntry("h1", "qemu+ssh://root@-oProxyCommand=reboot/system"),
        HostEntry("h1", "qemu+ssh://root@h1;reboot/system"),
        HostEntry("h1", "qemu+ssh://-x@h1/system"),
        HostEntry("-h1", "qemu+ssh://root@h1/system"),
        HostEntry("h1", "qemu+ssh://root@h1/system", peer_uri="qemu+ssh://$(reboot)/system"),
        HostEntry("h1", "qemu+ssh://root@h1/system", migration_address="-x"),
        HostEntry("h1", "qemu+ext://root@h1/system"),
    ],
    ids=lambda entry: entry.uri,
)
def test_dangerous_names_reach_no_command_line(entry: HostEntry) -> None:
    with pytest.raises(UserError, match="cannot be used"):
        LibvirtConnector().connect(entry, 5)


def test_ssh_is_out_of_reach_of_ctrl_c(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the user's own ssh, found on the path, which here never answers."""
    fake = tmp_path / "ssh"
    fake.write_text(f"#!/bin/sh\necho $$ >>{tmp_path}/pid\nexec sleep 1000\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    program = (
        "import sys\n"
        "from vmferry.hosts import LibvirtConnector\n"
        "from vmferry.model.host import HostEntry\n"
        "LibvirtConnector().connect(HostEntry('h1', 'qemu+ssh://root@h1/system'), 1000)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program], start_new_session=True)
    try:
        deadline = time.monotonic() + 30
        while not (tmp_path / "pid").exists() or not pids(tmp_path):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert {os.getpgid(pid) for pid in pids(tmp_path)}.isdisjoint({os.getpgid(process.pid)})
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)
    wait_until_all_ended(pids(tmp_path))


def test_a_big_fleet_is_spared_shells_that_nobody_asked_for(tmp_path: Path) -> None:
    command = tmp_path / "ssh"
    command.write_text(f"#!/bin/sh\necho $$ >>{tmp_path}/pid\nexec sleep 1000\n")
    command.chmod(0o755)
    connector = LibvirtConnector()
    entries = [HostEntry(f"h{n}", "test:///default", ssh=(str(command),)) for n in range(EARLY_SHELLS + 5)]
    hosts = [connector.connect(entry, 5) for entry in entries]
    try:
        deadline = time.monotonic() + 30
        while not (tmp_path / "pid").exists() or len(pids(tmp_path)) < EARLY_SHELLS:
            assert time.monotonic() < deadline
            time.sleep(0.02)
    finally:
        for host in hosts:
            host.close()
    assert len(pids(tmp_path)) == EARLY_SHELLS
    wait_until_all_ended(pids(tmp_path))
