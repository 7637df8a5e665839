"""Definitions of storage pools of every kind that has a server or a directory."""

from __future__ import annotations

import pytest

from vmferry.facts.pool import Pool
from vmferry.xml.parse import BadXml
from vmferry.xml.pools import read_pool

SIZES = "<capacity unit='bytes'>100</capacity><available unit='bytes'>40</available>"


def pool(kind: str, source: str = "", path: str = "") -> Pool:
    target = f"<target><path>{path}</path></target>" if path else ""
    xml = f"<pool type='{kind}'><name>p</name>{SIZES}<source>{source}</source>{target}</pool>"
    return read_pool(xml, "h1", active=True, autostart=False)


@pytest.mark.parametrize(
    ("found", "serves"),
    [
        (pool("dir", path="/srv/p"), "/srv/p"),
        (pool("netfs", "<host name='s'/><dir path='/export'/><format type='nfs'/>", "/srv/p"), "s:/export"),
        (pool("iscsi", "<host name='s'/><device path='iqn.x:t'/>", "/dev/disk/by-path"), "s:iqn.x:t"),
        (pool("rbd", "<name>rbdpool</name><host name='a' port='6789'/><host name='b'/>"), "a,b:rbdpool"),
        (pool("gluster", "<name>vol</name><host name='s'/><dir path='/'/>"), "s:/"),
        (pool("logical", "<device path='/dev/sdb'/><name>vg</name>", "/dev/vg"), "/dev/sdb"),
        (pool("scsi", "<adapter type='scsi_host' name='host5'/>", "/dev/disk/by-path"), "host5"),
    ],
)
def test_where_a_pool_has_its_bytes_from(found: Pool, serves: str) -> None:
    assert found.serves == serves
    assert (found.name, found.capacity_bytes, found.available_bytes) == ("p", 100, 40)


def test_an_inactive_pool_has_no_sizes() -> None:
    found = read_pool(f"<pool type='dir'><name>p</name>{SIZES}</pool>", "h1", active=False, autostart=True)
    assert (found.capacity_bytes, found.available_bytes, found.path) == (None, None, None)


def test_what_is_no_pool() -> None:
    with pytest.raises(BadXml):
        read_pool("<pool", "h1", active=True, autostart=True)
