"""Files that go with the package: what systemd, Prometheus and Grafana make of them."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from vmferry.cli.notify import notify

from ...service_in_memory import Service

FOLDER = Path(__file__).parents[3] / "packaging"
METRIC = re.compile(r"\bvmferry_[a-z_]+\b")
MOST_EXPOSED = 35
"""Tenths of systemd's own measure, from 0 (shut off from everything) to 100."""


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """With a program that is there."""
    text = (FOLDER / "systemd/vmferry.service").read_text()
    assert "ExecStart=/usr/bin/vmferry serve\n" in text
    copy = tmp_path / "vmferry.service"
    copy.write_text(text.replace("/usr/bin/vmferry", sys.executable).replace("Documentation=", "#"))
    return copy


def test_systemd_finds_nothing_wrong(unit: Path) -> None:
    done = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False)
    about_it = [line for line in done.stderr.splitlines() if "vmferry" in line]
    assert about_it == []


def test_it_is_shut_off_from_most(unit: Path) -> None:
    command = ["systemd-analyze", "security", "--offline=yes", f"--threshold={MOST_EXPOSED}", unit]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-300:]


def told(service: Service) -> set[str]:
    """Every name in the metrics of a daemon that has just begun."""
    text = service.client(None, "127.0.0.1").get("/metrics").text
    families = list(text_string_to_metric_families(text))
    names = {sample.name for family in families for sample in family.samples}
    names |= {family.name for family in families}
    # One with labels has no samples before it has counted something.
    return names | {f"{each.name}_{end}" for each in families if each.type == "histogram" for end in ("sum", "count")}


def test_alerts_and_the_dashboard_name_what_there_is(service: Service) -> None:
    alerts = yaml.safe_load((FOLDER / "prometheus/vmferry.rules.yml").read_text())
    rules = [rule for group in alerts["groups"] for rule in group["rules"]]
    board = json.loads((FOLDER / "grafana/vmferry.json").read_text())
    asked = [rule["expr"] for rule in rules]
    asked += [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    named = {name for expression in asked for name in METRIC.findall(expression)}
    assert len(named) > 8
    assert named <= told(service)
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    for rule in rules:
        assert rule["annotations"]["summary"]
        assert rule["labels"]["severity"] in ("critical", "warning", "info")


def test_systemd_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    notify("READY=1")
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
        end.bind(str(path))
        end.settimeout(10)
        monkeypatch.setenv("NOTIFY_SOCKET", str(path))
        notify("READY=1")
        assert end.recv(100) == b"READY=1"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
        end.bind(f"\0vmferry-test-{path}")
        end.settimeout(10)
        monkeypatch.setenv("NOTIFY_SOCKET", f"@vmferry-test-{path}")
        notify("STOPPING=1")
        assert end.recv(100) == b"STOPPING=1"
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nobody"))
    notify("READY=1")
