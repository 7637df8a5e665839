from __future__ import annotations

import pytest

from vmferry.hosts.shares import at_home, share


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("storage:/vol", "storage:/vol"),
        ("Storage:vol/", "storage:/vol"),
        ("s:/export[/dir]", "s:/export"),
        ("[fd00::2]:/export", "[fd00::2]:/export"),
        ("10.0.0.1@tcp:/fs", "10.0.0.1@tcp:/fs"),
        ("a:6789,b:6789:/", "a:6789,b:6789:/"),
        ("admin@c.fs=/dir", "admin@c.fs:/dir"),
        ("/dev/sdb", None),
        ("/dev/disk/by-path/ip-10.0.0.2:3260-lun-1", None),
        ("tag", None),
        ("localhost:/vol", None),
        ("127.0.0.1:/vol", None),
        ("[::1]:/vol", None),
        ("", None),
    ],
)
def test_the_name_of_a_share(source: str, expected: str | None) -> None:
    assert share(source) == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("nbd://localhost/x", True),
        ("nbd://LOCALHOST.:10809/x", True),
        ("iscsi://127.0.0.2:3260/t/1", True),
        ("nbd://[::1]:10809/x", True),
        ("nbd://[::1]/x", True),
        ("nbd:///x", True),
        ("gluster://s,localhost:24007/v/i", True),
        ("nbd://s/localhost", False),
        ("iscsi://10.0.0.2:3260/t/1", False),
        ("nbd://[fd00::1]/x", False),
    ],
)
def test_servers_that_are_each_hosts_own(url: str, expected: bool) -> None:
    assert at_home(url) is expected
