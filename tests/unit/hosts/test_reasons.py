"""The words of ssh and libvirt, as they came from real failures, each with the reason that a person reads."""

from __future__ import annotations

import pytest

from vmferry.hosts.reasons import reason

URI = "qemu+ssh://root@h1/system"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "Cannot recv data: root@10.0.0.1: Permission denied (publickey,password).: Connection reset by peer",
            "refuses the ssh key of root",
        ),
        ("Cannot recv data: Host key verification failed.: Connection reset by peer", "host key is not known"),
        (
            "@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\nHost key verification failed.",
            "its ssh host key has changed; if that was meant, ssh-keygen -R h1 ",
        ),
        (
            "Cannot recv data: ssh: connect to host h1 port 22: Connection refused: Connection reset by peer",
            "h1 refuses the connection",
        ),
        ("ssh: connect to host h1 port 22: No route to host: Connection reset by peer", "h1 does not answer"),
        ("ssh: connect to host h1 port 22: Connection timed out", "h1 does not answer"),
        ("ssh: Could not resolve hostname h1: Name or service not known", "the name h1 does not resolve"),
        (
            "Cannot recv data: virt-ssh-helper: cannot connect to '/run/libvirt/libvirt-sock': Failed to connect "
            "socket to '/run/libvirt/libvirt-sock': Connection refused: Connection reset by peer",
            "libvirt daemon does not run",
        ),
        (
            "Failed to connect socket to '/var/run/libvirt/libvirt-sock': No such file or directory",
            "libvirt daemon does not run",
        ),
        ("sh: 1: nc: not found: Connection reset by peer", "libvirt is not installed there"),
        ("unable to connect to server at 'h1:16514': Connection refused", "h1 refuses the connection"),
        ("Cannot read CA certificate '/etc/pki/CA/cacert.pem': No such file", "TLS certificate is not accepted"),
        ("no connection driver available for foo:///", "does not know such a URI"),
        ("Cannot write data: Broken pipe", "ended at once; see what ssh root@h1 says"),
        ("something new\nand more", "something new"),
        ("", "no reason"),
    ],
)
def test_each_failure_has_its_reason(text: str, expected: str) -> None:
    said = reason(URI, text)
    assert expected in said
    assert "\n" not in said


def test_ssh_knows_the_host_at_another_port_by_another_name() -> None:
    said = reason("qemu+ssh://root@h1:2222/system", "REMOTE HOST IDENTIFICATION HAS CHANGED")
    assert "ssh-keygen -R '[h1]:2222' " in said
