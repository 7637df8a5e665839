"""Hostile documents end in one clear error: no entity is expanded, no file or network is touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from vmferry.xml.parse import MOST_BYTES, BadXml, number, parse, text_of

BOMB = "".join(f'<!ENTITY e{n + 1} "{f"&e{n};" * 10}">' for n in range(12))


@pytest.mark.parametrize(
    "xml",
    [
        f'<!DOCTYPE d [<!ENTITY e0 "ha">{BOMB}]><domain>&e12;</domain>',
        f'<!DOCTYPE d [<!ENTITY e0 "ha">{BOMB}]><domain name="&e12;"/>',
        '<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/hostname">]><domain>&x;</domain>',
        '<!DOCTYPE domain SYSTEM "http://192.0.2.1/d.dtd"><domain/>',
        "<a>" * 2000 + "</a>" * 2000,
        "<domain>",
        "",
        "\x00",
    ],
    ids=["bomb", "bomb in an attribute", "file", "remote DTD", "deep", "cut off", "empty", "NUL"],
)
def test_refuses(xml: str) -> None:
    with pytest.raises(BadXml, match="the definition of web"):
        parse(xml, "the definition of web")


def test_refuses_what_is_too_big() -> None:
    with pytest.raises(BadXml, match="more than"):
        parse(f"<a>{'x' * MOST_BYTES}</a>", "it")


def test_an_entity_reads_no_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hunter2")
    with pytest.raises(BadXml) as caught:
        parse(f'<!DOCTYPE d [<!ENTITY x SYSTEM "{tmp_path}/secret">]><domain>&x;</domain>', "it")
    assert "hunter2" not in caught.value.message + caught.value.detail


def test_says_what_is_wrong_in_the_detail() -> None:
    with pytest.raises(BadXml) as caught:
        parse("<domain><name></domain>", "it")
    assert "mismatch" in caught.value.detail


def test_a_declared_encoding_does_not_turn_the_text() -> None:
    assert parse('<?xml version="1.0" encoding="latin1"?><a>ü</a>', "it").text == "ü"


def test_text_is_stripped_and_empty_is_none() -> None:
    root = parse("<a><b> x </b><c> </c></a>", "it")
    assert (text_of(root, "b"), text_of(root, "c"), text_of(root, "d")) == ("x", None, None)


@pytest.mark.parametrize(
    ("text", "expected"), [("12", 12), ("-1", None), ("1x", None), ("٣", None), ("", None), (None, None)]
)
def test_number(text: str | None, expected: int | None) -> None:
    assert number(text) == expected
