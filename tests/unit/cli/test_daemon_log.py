"""What a daemon says, as JSON."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from vmferry.cli.context import App
from vmferry.cli.daemon_log import use_log
from vmferry.wiring import real


def test_every_line_is_an_object(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text(f'[store]\npath = "{tmp_path / "vmferry.db"}"\n')
    program = (sys.executable, "-c", "from vmferry.cli.app import main; main()", "--config", str(config))
    process = subprocess.Popen(
        [*program, "worker", "--log", "json"], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    first = json.loads(process.stderr.readline())
    assert first["event"].endswith("takes jobs")
    assert first["level"] == "info"
    assert first["timestamp"].endswith("Z")
    process.send_signal(signal.SIGTERM)
    rest = [json.loads(line) for line in process.communicate(timeout=60)[1].splitlines()]
    assert process.returncode == 0
    assert rest[-1]["event"].endswith("has ended")


@pytest.mark.parametrize(
    ("message", "fields"),
    [
        ("job 2026-a1 of web: taken, planned", {"job": "2026-a1", "guest": "web", "event": "taken, planned"}),
        ("job 2026-a1: left: to somebody", {"job": "2026-a1", "event": "left: to somebody"}),
        ("worker x takes jobs", {"event": "worker x takes jobs"}),
    ],
)
def test_a_line_of_a_job_names_it(
    message: str, fields: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import logging

    import structlog

    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", list(root.handlers))
    app = App(real())
    use_log(app, "json")
    app.note(message)
    structlog.reset_defaults()
    told = json.loads(capsys.readouterr().err)
    assert {name: text for name, text in told.items() if name not in ("level", "timestamp")} == fields
