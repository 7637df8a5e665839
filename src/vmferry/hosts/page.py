"""One look at a guest's page over HTTP: the status alone, with every wait and every size bounded."""

from __future__ import annotations

import http.client
from urllib.parse import urlsplit

MOST_BYTES = 4096


def status(url: str, timeout_s: float) -> tuple[int, str]:
    """(status, the beginning of the body). A redirect is not followed. Raises OSError, HTTPException or ValueError."""
    parts = urlsplit(url)
    kinds = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}
    if parts.scheme not in kinds or not parts.hostname:
        raise ValueError(f"{url!a} is no http address")
    connection = kinds[parts.scheme](parts.hostname, parts.port, timeout=timeout_s)
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("GET", path, headers={"Connection": "close"})
        response = connection.getresponse()
        return response.status, response.read(MOST_BYTES).decode("utf-8", "replace")
    finally:
        connection.close()
