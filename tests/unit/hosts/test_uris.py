"""What is handed to libvirt and to ssh, made from what the user declared."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from vmferry.hosts.detached import detached
from vmferry.hosts.uris import ready, shell_command
from vmferry.model.host import HostEntry


def test_ssh_is_kept_from_asking_and_from_the_terminals_signals() -> None:
    uri = ready("qemu+ssh://root@h1:2222/system")
    assert uri.startswith("qemu+ssh://root@h1:2222/system?")
    assert parse_qs(urlsplit(uri).query) == {"no_tty": ["1"], "command": [detached("ssh")]}


def test_what_the_user_said_stays() -> None:
    uri = "qemu+ssh://h1/system?no_tty=0&command=/run/x/ssh&keyfile=/root/a%20b"
    query = parse_qs(urlsplit(ready(uri)).query)
    assert query == {"no_tty": ["0"], "command": [detached("/run/x/ssh")], "keyfile": ["/root/a b"]}


@pytest.mark.parametrize("uri", ["qemu:///system", "qemu+tls://h1/system?pkipath=/p", "test:///default"])
def test_other_transports_are_left_alone(uri: str) -> None:
    assert ready(uri) == uri


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
