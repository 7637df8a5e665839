"""Ctrl-C, once and twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from vmferry.cli.interrupt import cancelling

STUCK = """
import sys, threading
from vmferry.cli.interrupt import cancelling
from vmferry.hosts.shared_ssh import SharedSsh

shared = SharedSsh([sys.argv[1]])
shared.begin()
shared.options(1000)
with cancelling("the migration of web") as cancel:
    print("ready", flush=True)
    cancel.wait()
    threading.Event().wait()
"""

SSH = """#!/bin/sh
echo $$ >"$0.pid"
touch "${2#-oControlPath=}"
exec cat
"""


def test_the_first_only_asks() -> None:
    before = signal.getsignal(signal.SIGINT)
    with cancelling("it") as cancel:
        os.kill(os.getpid(), signal.SIGINT)
        assert cancel.wait(10)
    assert signal.getsignal(signal.SIGINT) is before


def test_the_second_leaves_at_once_and_leaves_nothing(tmp_path: Path, run_dir: Path) -> None:
    ssh = tmp_path / "ssh"
    ssh.write_text(SSH)
    ssh.chmod(0o755)
    command = [sys.executable, "-c", STUCK, str(ssh)]
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(run_dir)}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=environment) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "ready\n"
        assert len(list(run_dir.iterdir())) == 1
        process.send_signal(signal.SIGINT)
        assert "cancelling" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        assert "detached" in process.stderr.readline()
        assert process.wait(30) == 130
    assert list(run_dir.iterdir()) == []
    assert not Path(f"/proc/{(tmp_path / 'ssh.pid').read_text().strip()}").exists()
