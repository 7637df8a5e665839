"""`serve` and `token`: what is typed. What is served is in tests/unit/api."""

from __future__ import annotations

import json

import pytest

from vmferry.cli.serve import read_listen
from vmferry.errors import UserError

from .conftest import Vmferry


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("127.0.0.1:8641", ("127.0.0.1", 8641)),
        ("[::1]:80", ("::1", 80)),
        ("0.0.0.0:1", ("0.0.0.0", 1)),
        ("none", None),
    ],
)
def test_where_it_listens(text: str, place: tuple[str, int] | None) -> None:
    assert read_listen(text) == place


@pytest.mark.parametrize("text", ["", "8641", "localhost:8641", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:65536", "::1"])
def test_where_it_cannot_listen(text: str) -> None:
    with pytest.raises(UserError, match="as 127"):
        read_listen(text)


def test_a_token_is_made_listed_and_removed(vmferry: Vmferry) -> None:
    assert "there is no token" in vmferry("token", "list").err
    made = json.loads(vmferry("token", "add", "ci", "--role", "operator", "--days", "3", "-o", "json").out)
    assert made["secret"].startswith("vmferry_")
    assert made["tokens"][0]["role"] == "operator"
    listed = vmferry("token", "list", "-o", "json").out
    assert made["secret"] not in listed
    assert json.loads(listed)["tokens"] == made["tokens"]
    assert vmferry("token", "add", "ci").code == 2
    assert vmferry("token", "remove", "ci").code == 0
    assert vmferry("token", "remove", "ci").code == 2
    assert vmferry("token", "add", "a b").code == 2


def test_people_see_the_secret_once(vmferry: Vmferry) -> None:
    shown = vmferry("token", "add", "ci")
    assert "vmferry_" in shown.out
    assert "vmferry_" not in shown.err
    assert "vmferry_" not in vmferry("token", "list").out
