"""Libvirt's configuration syntax, as its parser is written.

Libvirtd 11.3 was given a file without separator, one without assignment and one with a key twice, and said the same.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmferry.facts.conf import ConfFile, ConfValue
from vmferry.hosts.told.conf import MOST_SETTINGS, read_conf


def read(text: str) -> tuple[dict[str, ConfValue], str | None]:
    settings, error = read_conf(list(enumerate(text.split("\n"), 1)))
    return {each.key: each.value for each in settings}, error


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("", {}),
        ("a = 1", {"a": 1}),
        ("a=-5", {"a": -5}),
        ('  a\t= "x y"  # why', {"a": "x y"}),
        ("a = 'it said \"no\"'", {"a": 'it said "no"'}),
        ('a = "# no comment"', {"a": "# no comment"}),
        ('a = """two\nlines"""', {"a": "two\nlines"}),
        ("a = 1; b = 2", {"a": 1, "b": 2}),
        ("a = [ ]", {"a": ()}),
        ('a = ["x","y",]', {"a": ("x", "y")}),
        ('a = [\n  "x", # one\n  # two\n  "y"\n]\nb = 1', {"a": ("x", "y"), "b": 1}),
        ("a_B2 = 7\r\nb = 1\r", {"a_B2": 7, "b": 1}),
        ("a = 1\n\n\n", {"a": 1}),
    ],
)
def test_what_libvirt_takes(text: str, values: dict[str, ConfValue]) -> None:
    assert read(text) == (values, None)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("max_clients = 77 max_queued_clients = 8", "line 1: expecting a separator"),
        ("a = 1\nsyntax error", "line 2: expecting an assignment"),
        ("a = ", "line 1: expecting a value"),
        ("a = yes", "line 1: expecting a value"),
        ("= 1", "line 1: expecting a name"),
        ("_a = 1", "line 1: expecting a name"),
        ('a = "x', "line 1: unterminated string"),
        ('a = "x\ny"', "line 1: unterminated string"),
        ('a = ["x" "y"]', "line 1: expecting a separator in list"),
        ('a = ["x",', "line 1: expecting a value"),
        ('a = ["x"\n', "line 2: list is not closed with ]"),
        ('a = [["x"]]', "line 1: expecting a value"),
        (f"a = {'9' * 5000}", "line 1: expecting a value"),
    ],
)
def test_what_libvirt_does_not_take(text: str, error: str) -> None:
    assert read(text)[1] == error


def test_what_stands_before_the_error_is_kept_with_its_lines() -> None:
    settings, error = read_conf([(3, "a = 1"), (90, 'b = "2"'), (412, "c")])
    assert [(each.key, each.line) for each in settings] == [("a", 3), ("b", 90)]
    assert error == "line 412: expecting an assignment"


def test_of_two_the_first_counts() -> None:
    settings, _ = read_conf([(1, "a = 1"), (2, "a = 2")])
    found = ConfFile("/x", settings).setting("a")
    assert found is not None
    assert found.value == 1


def test_a_file_without_end_is_not_read_to_its_end() -> None:
    settings, error = read_conf([(line, "a = 1") for line in range(1, 3 * MOST_SETTINGS)])
    assert len(settings) == MOST_SETTINGS + 1
    assert error == f"line {MOST_SETTINGS + 1}: more than {MOST_SETTINGS} settings"


PIECES = st.sampled_from(
    ["a", "=", " ", "\n", '"', "'", '"""', "[", "]", ",", "#", ";", "-", "1", "9" * 30, "\r", "\0"]
)


@given(st.lists(PIECES | st.text(max_size=3), max_size=40).map("".join))
def test_any_text_is_read(text: str) -> None:
    values, error = read(text)
    assert values is not None
    assert error is None or error.startswith("line ")
