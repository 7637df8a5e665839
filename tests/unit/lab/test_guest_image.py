"""The pure parts of making what a lab guest boots."""

import io
import stat
from collections.abc import Sequence
from pathlib import Path

import pytest

from vmferry.errors import Failed
from vmferry.lab import guest_image
from vmferry.lab.guest_cpio import character_device, directory, file, newc
from vmferry.lab.guest_image import parse_depends
from vmferry.lab.guest_modules import dependencies, load_order


def read_newc(archive: bytes) -> list[tuple[str, int, bytes]]:
    """An independent reader of the format: (name, mode, content), trailer left out."""
    stream, found = io.BytesIO(archive), []
    while True:
        header = stream.read(110)
        assert header[:6] == b"070701"
        fields = [int(header[6 + 8 * i : 14 + 8 * i], 16) for i in range(13)]
        name = stream.read(fields[11])[:-1].decode()
        stream.seek(-stream.tell() % 4, io.SEEK_CUR)
        content = stream.read(fields[6])
        stream.seek(-stream.tell() % 4, io.SEEK_CUR)
        if name == "TRAILER!!!":
            return found
        found.append((name, fields[1], content))


def test_an_archive_reads_back() -> None:
    entries = [
        directory("dev"),
        character_device("dev/console", 5, 1),
        file("a", b"12345"),
        file("init", b"x" * 4, 0o755),
    ]
    found = read_newc(newc(entries))
    assert [name for name, _, _ in found] == ["dev", "dev/console", "a", "init"]
    assert stat.S_ISDIR(found[0][1])
    assert stat.S_ISCHR(found[1][1])
    assert found[2][2] == b"12345"
    assert found[3][1] == stat.S_IFREG | 0o755


def test_a_device_keeps_its_numbers() -> None:
    header = newc([character_device("dev/console", 5, 1)])[:110]
    assert (int(header[78:86], 16), int(header[86:94], 16)) == (5, 1)


def test_dependencies_come_from_the_module_itself() -> None:
    module = b"\x7fELF..\0license=GPL\0depends=net_failover,virtio-ring\0name=virtio_net\0"
    assert dependencies(module) == ["net_failover", "virtio_ring"]
    assert dependencies(b"\0license=GPL\0depends=\0") == []
    assert dependencies(b"\0license=GPL\0") == []


def test_every_module_loads_after_what_it_needs() -> None:
    depends = {
        "net": ["net_failover", "ring"],
        "net_failover": ["failover"],
        "failover": [],
        "ring": ["core"],
        "core": [],
    }
    order = load_order(["net", "ring"], depends)
    assert sorted(order) == sorted(depends)
    assert all(order.index(needed) < order.index(name) for name in depends for needed in depends[name])


def test_the_kernel_is_what_the_metapackage_depends_on() -> None:
    text = "linux-image-cloud-amd64\n  Depends: linux-image-6.1.0-1-cloud-amd64\n  Suggests: x\n"
    assert parse_depends(text) == "linux-image-6.1.0-1-cloud-amd64"
    assert parse_depends("") == ""


@pytest.mark.parametrize("lists_are_old", [True, False])
def test_a_package_that_the_mirror_has_no_more_is_looked_up_anew(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, lists_are_old: bool
) -> None:
    ran: list[str] = []

    def run(command: Sequence[str], cwd: Path | None = None) -> None:
        ran.append(next(word for word in command if word in ("download", "update", "dpkg-deb")))
        if ran[-1] == "download":
            if lists_are_old and "update" not in ran:
                raise Failed("404")
            (tmp_path / "kernel.deb").touch()

    monkeypatch.setattr(guest_image, "_run", run)
    monkeypatch.setattr(guest_image, "_ask_kernel_package", lambda: "linux-image")
    guest_image._unpack_kernel(tmp_path)
    assert ran == (["download", "update", "download", "dpkg-deb"] if lists_are_old else ["download", "dpkg-deb"])
