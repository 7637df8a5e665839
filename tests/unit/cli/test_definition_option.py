"""`--xml FILE`: what is no definition is said before any host is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from vmferry.cli.definition_option import read_definition
from vmferry.errors import UserError
from vmferry.fakes import FakeWorld
from vmferry.xml.parse import MOST_BYTES

from .conftest import Vmferry

BOMB = "<!DOCTYPE d [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;'>]><domain>&b;</domain>"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"<domain>", "not well-formed"),
        (b"", "not well-formed"),
        (BOMB.encode(), "declares a document type"),
        (b"\xff\xfe\x00", "no UTF-8"),
        (b"<network><name>n</name></network>", "is a network, not a domain"),
        (b" " * (MOST_BYTES + 1), "more than 16 MiB"),
    ],
    ids=["malformed", "empty", "bomb", "binary", "network", "big"],
)
@pytest.mark.parametrize("command", ["check", "migrate"])
def test_what_is_no_definition(
    vmferry: Vmferry, world: FakeWorld, tmp_path: Path, command: str, data: bytes, words: str
) -> None:
    guest = world.add_guest("web", "alpha")
    file = tmp_path / "given.xml"
    file.write_bytes(data)
    ran = vmferry(command, "web", "--to", "beta", "--xml", str(file))
    assert ran.code == 2
    assert words in ran.err
    assert "Traceback" not in ran.err
    assert world.running_on(guest) == ("alpha",)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read: No such file"):
        read_definition(tmp_path / "none.xml")


def test_none_is_none() -> None:
    assert read_definition(None) is None


def test_what_the_guest_would_see_is_refused(vmferry: Vmferry, world: FakeWorld, tmp_path: Path) -> None:
    guest = world.add_guest("web", "alpha")
    file = tmp_path / "given.xml"
    file.write_text(f"<domain type='qemu'><name>www</name><uuid>{guest.uuid}</uuid></domain>")
    ran = vmferry("migrate", "web", "--to", "beta", "--xml", str(file))
    assert ran.code == 3
    assert "the guest has web, the given definition says www" in ran.err
    assert "the guest has kvm, the given definition says qemu" in ran.err
    assert world.running_on(guest) == ("alpha",)


def test_all_guests_have_no_definition_in_common(vmferry: Vmferry) -> None:
    assert vmferry("check", "--all", "--xml", "x").code == 2
