"""The authority's files: for their owner's eyes, made once, and never half."""

from __future__ import annotations

from pathlib import Path

import pytest

from vmferry.errors import Failed, Refused
from vmferry.model.secret import Secret
from vmferry.store.chest import FileChest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state/tls"


@pytest.fixture
def chest(folder: Path) -> FileChest:
    return FileChest(folder)


def mode(path: Path) -> str:
    return f"{path.stat().st_mode & 0o777:o}"


def test_it_is_made_once_and_for_its_owner_only(chest: FileChest, folder: Path) -> None:
    assert chest.certificates() is None
    chest.make("certificate\n", Secret("key\n"))
    assert (chest.certificates(), chest.key().reveal()) == ("certificate\n", "key\n")
    assert (mode(folder), mode(folder / "ca-key.pem")) == ("700", "600")
    with pytest.raises(Refused, match="already"):
        chest.make("another\n", Secret("another\n"))
    assert (chest.certificates(), chest.key().reveal()) == ("certificate\n", "key\n")
    assert sorted(path.name for path in folder.iterdir()) == ["ca-cert.pem", "ca-key.pem"]


def test_its_certificates_are_renewed(chest: FileChest, folder: Path) -> None:
    chest.make("old\n", Secret("key\n"))
    chest.renew("new\nold\n")
    assert (chest.certificates(), chest.key().reveal()) == ("new\nold\n", "key\n")
    assert mode(folder / "ca-cert.pem") == "644"


def test_a_key_that_others_may_read(chest: FileChest, folder: Path) -> None:
    chest.make("certificate\n", Secret("key\n"))
    (folder / "ca-key.pem").chmod(0o640)
    with pytest.raises(Failed, match="chmod 600"):
        chest.key()


def test_a_key_that_is_not_there(chest: FileChest, folder: Path) -> None:
    chest.make("certificate\n", Secret("key\n"))
    (folder / "ca-key.pem").unlink()
    with pytest.raises(Failed, match="is not there"):
        chest.key()


def test_a_place_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Failed, match="store"):
        FileChest(tmp_path / "file/tls").make("certificate\n", Secret("key\n"))
