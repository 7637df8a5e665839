from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from vmferry.hosts.detached import detached


def test_it_runs_in_a_session_of_its_own_with_its_arguments(tmp_path: Path) -> None:
    program = tmp_path / "it's an ssh"
    program.write_text('#!/bin/sh\nprintf "%s\\n" "$(ps -o sid= -p $$)" "$@"\nexit 7\n')
    program.chmod(0o755)
    with detached(str(program)) as path:
        ran = subprocess.run([path, "-T", "a b", "$(x)"], capture_output=True, text=True, check=False)
    session, *arguments = ran.stdout.splitlines()
    assert int(session) != os.getsid(0)
    assert arguments == ["-T", "a b", "$(x)"]
    assert ran.returncode == 7
    assert not Path(path).exists()


def test_it_is_the_command_itself_where_no_file_can_be_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", "/nowhere")
    with detached("ssh", ["-v"]) as path:
        assert path == "ssh"
