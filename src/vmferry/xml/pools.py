"""A storage pool's XML read as a pool."""

from __future__ import annotations

from vmferry.facts.pool import Pool
from vmferry.xml.parse import parse, text_of
from vmferry.xml.units import size_bytes

_SOURCE = (("source/dir", "path"), ("source/device", "path"), ("source/adapter", "name"))


def read_pool(xml: str, host: str, *, active: bool, autostart: bool) -> Pool:
    """Raises BadXml."""
    pool = parse(xml, f"a storage pool's definition on {host}")
    elements = ((pool.find(path), key) for path, key in _SOURCE)
    named = (value for element, key in elements if element is not None and (value := element.get(key)))
    path = text_of(pool, "target/path")
    return Pool(
        name=text_of(pool, "name") or "",
        kind=pool.get("type", ""),
        active=active,
        autostart=autostart,
        path=path if path is not None and path.startswith("/") else None,
        servers=tuple(each.get("name", "") for each in pool.iterfind("source/host")),
        source=next(named, None) or text_of(pool, "source/name"),
        capacity_bytes=size_bytes(pool.find("capacity")) if active else None,
        available_bytes=size_bytes(pool.find("available")) if active else None,
    )
