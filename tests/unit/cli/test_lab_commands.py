"""What `vmferry lab` tells programs; the lab itself is not touched."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from vmferry.lab.guest import LabGuest

Vmferry = Callable[..., Any]

UP = {"hosts": [{"name": "h1"}], "storage": [], "guests": [], "config": "/run/vmferry/lab/config.toml"}


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that does whatever it is told."""
    for name in ("down", "kill_host", "start_host", "set_rate", "set_link", "opened"):
        monkeypatch.setattr(f"vmferry.cli.lab.control.{name}", lambda *given: True)
    monkeypatch.setattr("vmferry.cli.lab.status", lambda *given: UP)
    monkeypatch.setattr("vmferry.cli.lab_guest.remove_guest", lambda *given: None)
    monkeypatch.setattr(
        "vmferry.cli.lab_guest.create_guest", lambda *given, **more: LabGuest("web", "h1", "10.0.0.101")
    )


@pytest.mark.usefixtures("lab")
@pytest.mark.parametrize(
    ("arguments", "document"),
    [
        ("down", {"hosts": [], "storage": [], "guests": [], "config": None}),
        ("kill h1", UP),
        ("start h1", UP),
        ("link h1 --down", UP),
        ("link h1 --rate 1gbit", UP),
        ("guest web", {"guests": [{"name": "web", "host": "h1", "address": "10.0.0.101"}]}),
        ("guest web --remove", {"guests": [], "removed": ["web"]}),
    ],
)
def test_json_is_one_document(vmferry: Vmferry, arguments: str, document: dict[str, Any]) -> None:
    ran = vmferry("lab", *arguments.split(), "-o", "json")
    assert (ran.code, ran.err) == (0, "")
    assert json.loads(ran.out) == {"schema": "vmferry/1", **document}


@pytest.mark.usefixtures("lab")
@pytest.mark.parametrize(
    ("arguments", "text"),
    [("down", ""), ("kill h1", ""), ("link h1 --up", ""), ("guest web", "web h1 10.0.0.101\n")],
)
def test_people_get_what_is_new_to_them(vmferry: Vmferry, arguments: str, text: str) -> None:
    ran = vmferry("lab", *arguments.split())
    assert (ran.code, ran.out, ran.err) == (0, text, "")
