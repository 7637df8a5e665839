"""What is handed to libvirt and to ssh, made from what the user declared."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from vmferry.hosts.uris import ready, shell_command
from vmferry.model.host import HostEntry


def test_ssh_is_kept_from_asking_and_from_the_terminals_signals() -> None:
    with ready("qemu+ssh://root@h1:2222/system") as uri:
        assert uri.startswith("qemu+ssh://root@h1:2222/system?")
        query = parse_qs(urlsplit(uri).query)
        assert sorted(query) == ["command", "no_tty"]
        assert query["no_tty"] == ["1"]
        assert "exec setsid -w ssh " in Path(query["command"][0]).read_text()


def test_what_the_user_said_stays() -> None:
    with ready("qemu+ssh://h1/system?no_tty=0&command=/run/x/ssh&keyfile=/root/a%20b") as uri:
        query = parse_qs(urlsplit(uri).query)
        assert "exec setsid -w /run/x/ssh " in Path(query["command"][0]).read_text()
    assert (query["no_tty"], query["keyfile"]) == (["0"], ["/root/a b"])
    assert not Path(query["command"][0]).exists()


@pytest.mark.parametrize("uri", ["qemu:///system", "qemu+tls://h1/system?pkipath=/p", "test:///default"])
def test_other_transports_are_left_alone(uri: str) -> None:
    with ready(uri) as made:
        assert made == uri


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("qemu+ssh://h1/system", ("ssh", "-T", "-oBatchMode=yes", "-oConnectTimeout=5", "--", "h1")),
        (
            "qemu+ssh://ops@[fd00::1]:2222/system?keyfile=/k%20y&no_verify=1",
            (
                *("ssh", "-T", "-oBatchMode=yes", "-oConnectTimeout=5", "-oStrictHostKeyChecking=no"),
                *("-p", "2222", "-l", "ops", "-i", "/k y", "--", "fd00::1"),
            ),
        ),
        (
            "qemu+ssh://h1/system?command=/run/x/ssh",
            ("/run/x/ssh", "-T", "-oBatchMode=yes", "-oConnectTimeout=5", "--", "h1"),
        ),
        ("qemu:///system", ()),
        ("qemu+unix:///system", ()),
        ("qemu+tls://h1/system", None),
        ("test:///default", None),
    ],
)
def test_the_way_to_a_shell(uri: str, expected: tuple[str, ...] | None) -> None:
    assert shell_command(HostEntry("h1", uri), 4.5) == expected


def test_a_declared_command_line_is_taken_as_it_is() -> None:
    entry = HostEntry("h1", "qemu+tls://h1/system", ssh=("sudo", "ssh", "root@h1"))
    assert shell_command(entry, 5) == ("sudo", "ssh", "root@h1")
