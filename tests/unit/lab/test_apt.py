"""Machines name their mirrors in many ways. The hosts here are nobody's."""

from __future__ import annotations

from pathlib import Path

import pytest

from vmferry.errors import Failed
from vmferry.lab.apt import Source, machine_sources, parse_deb822, parse_one_line, render

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"

DEB822 = f"""\
# as Debian's own installer writes it
Types: deb deb-src
URIs: http://mirror.test/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: {KEYRING}

Types: deb
URIs: http://mirror.test/security
Suites: bookworm-security
Components: main
"""


def test_deb822() -> None:
    assert parse_deb822(DEB822) == [
        Source("http://mirror.test/debian", "", KEYRING),
        Source("http://mirror.test/debian", "-updates", KEYRING),
        Source("http://mirror.test/security", "-security", ""),
    ]


@pytest.mark.parametrize(
    "change",
    [
        ("Types: deb deb-src", "Types: deb-src"),
        ("Types: deb deb-src", "Types: deb\nEnabled: no"),
        ("Components: main contrib", "Components: contrib"),
        ("Suites: bookworm bookworm-updates", "Suites: bookworm-pgdg nodistro bookworm-backports"),
        (KEYRING, "/usr/share/keyrings/vendor.gpg"),
    ],
)
def test_what_is_no_debian_mirror_is_left_out(change: tuple[str, str]) -> None:
    stanza = DEB822.split("\n\n")[0]
    assert parse_deb822(stanza)
    assert parse_deb822(stanza.replace(*change)) == []


def test_a_key_inside_the_file_is_kept_whole() -> None:
    key = "Signed-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n abc\n -----END PGP PUBLIC KEY BLOCK-----"
    text = f"Types: deb\nURIs: http://mirror.test/debian\nSuites: trixie\nComponents: main\n{key}\n"
    (source,) = parse_deb822(text)
    assert parse_deb822(render([source], "trixie")) == [source]
    assert " -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n abc\n" in render([source], "trixie")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("deb http://mirror.test/debian bookworm main", [Source("http://mirror.test/debian", "", "")]),
        ("deb http://mirror.test/debian stable main contrib # x", [Source("http://mirror.test/debian", "", "")]),
        (
            f"deb [arch=amd64 signed-by={KEYRING}] https://mirror.test/s trixie-security main",
            [Source("https://mirror.test/s", "-security", KEYRING)],
        ),
        ("deb [signed-by=/etc/apt/keyrings/x.gpg] http://vendor.test/ bookworm main", []),
        ("deb-src http://mirror.test/debian bookworm main", []),
        ("# deb http://mirror.test/debian bookworm main", []),
        ("deb http://mirror.test/flat ./", []),
    ],
)
def test_one_line(line: str, expected: list[Source]) -> None:
    assert parse_one_line(f"\n{line}\n") == expected


def test_sources_are_rewritten_for_another_release() -> None:
    text = render(parse_deb822(DEB822), "trixie")
    assert [line for line in text.splitlines() if line.startswith("Suites")] == [
        "Suites: trixie",
        "Suites: trixie-updates",
        "Suites: trixie-security",
    ]


def test_a_mirror_named_twice_is_asked_once() -> None:
    assert render(parse_deb822(DEB822 + "\n" + DEB822), "trixie") == render(parse_deb822(DEB822), "trixie")


def test_no_mirror_at_all_is_said() -> None:
    with pytest.raises(Failed, match="no Debian mirror"):
        render([], "trixie")


def test_both_kinds_of_file_are_read(tmp_path: Path) -> None:
    parts = tmp_path / "sources.list.d"
    parts.mkdir()
    (tmp_path / "sources.list").write_text("deb http://one.test/debian bookworm main\n")
    (parts / "debian.sources").write_text(DEB822)
    (parts / "old.list.save").write_text("deb http://two.test/debian bookworm main\n")
    assert {source.uri for source in machine_sources(tmp_path)} == {
        "http://one.test/debian",
        "http://mirror.test/debian",
        "http://mirror.test/security",
    }
