"""Configuration files edited by Augeas. The lens stands in for libvirt's own, which hosts of the lab have."""

from __future__ import annotations

import pytest

from vmferry.errors import Failed
from vmferry.hosts import augeas
from vmferry.hosts.augeas import edited

LENS = r"""
module Trial =
  autoload xfm
  let eol = del /[ \t]*\n/ "\n"
  let sep = del /[ \t]*=[ \t]*/ " = "
  let str (kw:string) = [ del /[ \t]*/ "" . key kw . sep . del /"/ "\"" . store /[^"]*/ . del /"/ "\"" . eol ]
  let int (kw:string) = [ del /[ \t]*/ "" . key kw . sep . store /[0-9]+/ . eol ]
  let comment = [ label "#comment" . del /#[ \t]*/ "# " . store /([^ \t\n][^\n]*)?/ . del /\n/ "\n" ]
  let empty = [ label "#empty" . eol ]
  let lns = ( str "auth_tcp" | int "max_workers" | comment | empty )*
  let filter = incl "/etc/trial.conf"
  let xfm = transform lns filter
"""
TEXT = """\
# The way in.   Tabs\tand trailing blanks stay.  \n
  auth_tcp="none"   \n#max_workers = 20
# the end
"""


def test_nothing_but_the_value_is_changed() -> None:
    found = edited(TEXT, "Trial", LENS, [("auth_tcp", "sasl")])
    assert found.after == TEXT.replace("none", "sasl")
    assert (found.before, [(item.what, item.before, item.after) for item in found.items]) == (
        TEXT,
        [("auth_tcp", "none", "sasl")],
    )


def test_a_key_that_is_not_set_comes_after_its_own_comment() -> None:
    found = edited(TEXT, "Trial", LENS, [("max_workers", "20")])
    assert found.after == TEXT.replace("#max_workers = 20\n", "#max_workers = 20\nmax_workers = 20\n")
    assert found.items[0].before == "not set"


def test_every_one_of_a_key_is_set() -> None:
    text = 'auth_tcp = "none"\nauth_tcp = "none"\n'
    assert edited(text, "Trial", LENS, [("auth_tcp", "sasl")]).after == text.replace("none", "sasl")


def test_a_second_time_changes_nothing() -> None:
    once = edited(TEXT, "Trial", LENS, [("auth_tcp", "sasl")]).after
    again = edited(once, "Trial", LENS, [("auth_tcp", "sasl")])
    assert (again.after, again.items) == (once, ())


def test_a_file_that_is_not_there() -> None:
    found = edited(None, "Trial", LENS, [("max_workers", "20")])
    assert found.before is None
    assert (found.after or "").strip() == "max_workers = 20"


def test_looking_only() -> None:
    assert edited(TEXT, "Trial", LENS, []).after == TEXT


@pytest.mark.parametrize(
    "bad", ["auth_tcp = = 1\n", "\x00\x01\n", "# \udcff\n", "no line at all", "auth_tcp = 'none'\n"]
)
def test_a_file_that_is_broken_is_named_by_its_line(bad: str) -> None:
    found = edited(TEXT + bad, "Trial", LENS, [("auth_tcp", "sasl")])
    assert found.after is None
    assert found.problem.startswith(f"line {len(TEXT.splitlines()) + 1} ")


@pytest.mark.parametrize(
    "lens", ["module Trial = nonsense", "", LENS.replace("Trial", "Other"), f"(* Sys.getenv *){LENS}"]
)
def test_a_lens_that_is_none(lens: str) -> None:
    found = edited(TEXT, "Trial", lens, [("auth_tcp", "sasl")])
    assert found.after is None
    assert found.problem


@pytest.mark.parametrize(("key", "value"), [("auth_tcp", 'x"\nset /files/conf/a "b'), ('a"]', "sasl"), ("a b", "1")])
def test_only_plain_words_are_written(key: str, value: str) -> None:
    with pytest.raises(ValueError, match="is nothing that is written"):
        edited(TEXT, "Trial", LENS, [(key, value)])


def test_without_augeas_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(Failed, match="apt-get install augeas-tools"):
        augeas.edited(TEXT, "Trial", LENS, [])
