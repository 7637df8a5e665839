from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from vmferry.hosts.detached import detached, until_unwritten


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


def test_one_that_a_starting_program_still_has_open_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "script"
    script.write_text("#!/bin/sh\nexit 0\n")
    script.chmod(0o700)
    passed_on = script.open("a")
    with pytest.raises(OSError, match="Text file busy"):
        subprocess.run([script], check=True)
    looks: list[float] = []

    def ends_its_start(duration_s: float) -> None:
        looks.append(duration_s)
        if len(looks) == 3:
            passed_on.close()

    monkeypatch.setattr(time, "sleep", ends_its_start)
    until_unwritten(script)
    assert len(looks) == 3
    subprocess.run([script], check=True)
