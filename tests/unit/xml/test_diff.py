"""Two definitions line by line."""

from __future__ import annotations

from vmferry.xml.diff import MOST_BYTES, definition_diff

XML = "<domain><name>web</name><devices><graphics type='vnc' passwd='{}'/><disk file='/a'/></devices></domain>"


def test_the_same_in_another_hand() -> None:
    assert definition_diff("<domain><a b='c'/></domain>", '<domain>\n\n  <a b="c"></a></domain>', "x", "y") == ""


def test_what_differs() -> None:
    diff = definition_diff(XML, XML.replace("/a", "/b"), "h1/web", "h2").splitlines()
    assert diff[:2] == ["--- h1/web", "+++ h2"]
    assert [line.replace(" ", "") for line in diff if line.startswith(("- ", "+ "))] == [
        '-<diskfile="/a"/>',
        '+<diskfile="/b"/>',
    ]


def test_passwords_are_not_shown() -> None:
    diff = definition_diff(XML.format("secret"), XML.format("other").replace("/a", "/b"), "x", "y")
    assert "secret" not in diff
    assert "other" not in diff
    assert "***" in diff


def test_big_ones_are_not_compared() -> None:
    big = f"<domain>{'<a/>' * (MOST_BYTES // 4)}</domain>"
    assert definition_diff(big, big, "x", "y") == ""
    assert "too big" in definition_diff(big, big.replace("<a/>", "<b/>", 1), "x", "y")
