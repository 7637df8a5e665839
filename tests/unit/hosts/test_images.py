"""URLs of network disks as QEMU's own words; nothing that is in one becomes anything but a value."""

from __future__ import annotations

import json
from typing import Any

import pytest

from vmferry.hosts.images import image_json


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            "iscsi://10.0.0.2/iqn.2026-01.x:t/3",
            {"driver": "iscsi", "transport": "tcp", "portal": "10.0.0.2:3260", "target": "iqn.2026-01.x:t", "lun": 3},
        ),
        (
            "iscsi://[fd00::2]:3261/iqn.x:t",
            {"driver": "iscsi", "transport": "tcp", "portal": "[fd00::2]:3261", "target": "iqn.x:t", "lun": 0},
        ),
        ("nfs://s/srv/a b.img", {"driver": "nfs", "server": {"type": "inet", "host": "s"}, "path": "/srv/a b.img"}),
        (
            'nbd://s/x","driver":"file',
            {
                "driver": "nbd",
                "server": {"type": "inet", "host": "s", "port": "10809"},
                "export": 'x","driver":"file',
            },
        ),
        (
            "gluster://s/vol/dir/i",
            {
                "driver": "gluster",
                "server": [{"type": "inet", "host": "s", "port": "24007"}],
                "volume": "vol",
                "path": "dir/i",
            },
        ),
        (
            "rbd://a,b:6790/pool/ns/image",
            {
                "driver": "rbd",
                "pool": "pool",
                "image": "image",
                "server": [{"host": "a", "port": "6789"}, {"host": "b", "port": "6790"}],
                "namespace": "ns",
                "auth-client-required": ["none"],
            },
        ),
        ("https://s/i.iso", {"driver": "https", "url": "https://s/i.iso"}),
    ],
)
def test_protocols(source: str, expected: dict[str, Any]) -> None:
    described = image_json(source)
    assert described is not None
    assert json.loads(described) == {"driver": "raw", "file": expected}
    assert "\n" not in described


@pytest.mark.parametrize(
    "source",
    [
        "rbd://s/image",
        "rbd:///p/i",
        "rbd://s/p/n/m/i",
        "sheepdog://s/i",
        "iscsi://s/iqn.x:t/many",
        "nbd+unix:///run/s/x",
        "nbd://s:port/x",
        "iscsi://[fd00/x",
    ],
)
def test_what_is_not_looked_at(source: str) -> None:
    assert image_json(source) is None
