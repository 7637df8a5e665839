"""A network disk's source as QEMU's own description of where its bytes are."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import SplitResult, urlsplit

_PORTS = {"iscsi": 3260, "nbd": 10809, "gluster": 24007, "rbd": 6789}


def image_json(source: str) -> str | None:
    """For `qemu-img info json:...`; None for a protocol that is not looked at.

    The image's format is not probed, since a guest can write any format's header into its disk: the bytes are raw.
    """
    try:
        parts = urlsplit(source)
        described = _describe(parts)
    except ValueError:  # a port or a unit number that is none
        return None
    if described is None:
        return None
    return json.dumps({"driver": "raw", "file": {"driver": parts.scheme, **described}}, separators=(",", ":"))


def _describe(parts: SplitResult) -> dict[str, Any] | None:
    name = parts.path.lstrip("/")
    if parts.scheme == "iscsi":
        target, _, lun = name.rpartition("/") if "/" in name else (name, "", "0")
        portal = f"{_bracketed(parts)}:{_port(parts)}"
        return {"transport": "tcp", "portal": portal, "target": target, "lun": int(lun)}
    if parts.scheme == "nfs":
        return {"server": {"type": "inet", "host": parts.hostname or ""}, "path": f"/{name}"}
    if parts.scheme == "nbd":
        return {"server": _server(parts), "export": name}
    if parts.scheme == "gluster":
        volume, _, path = name.partition("/")
        return {"server": [_server(parts)], "volume": volume, "path": path}
    if parts.scheme in ("http", "https"):
        return {"url": parts.geturl()}
    if parts.scheme == "rbd":
        return _rbd(parts, name)
    return None


def _rbd(parts: SplitResult, name: str) -> dict[str, Any] | None:
    """The monitors, and `pool/image` or `pool/namespace/image`. Without credentials, as libvirt asks for it then."""
    pool, *namespace, image = name.split("/") if "/" in name else ("", "")
    if not pool or len(namespace) > 1 or not parts.netloc:
        return None
    monitors = [_server(urlsplit(f"rbd://{monitor}")) for monitor in parts.netloc.split(",")]
    named = {
        "pool": pool,
        "image": image,
        "server": [{k: v for k, v in each.items() if k != "type"} for each in monitors],
    }
    return {**named, **({"namespace": namespace[0]} if namespace else {}), "auth-client-required": ["none"]}


def _server(parts: SplitResult) -> dict[str, str]:
    return {"type": "inet", "host": parts.hostname or "", "port": str(_port(parts))}


def _port(parts: SplitResult) -> int:
    return parts.port or _PORTS[parts.scheme]


def _bracketed(parts: SplitResult) -> str:
    host = parts.hostname or ""
    return f"[{host}]" if ":" in host else host
