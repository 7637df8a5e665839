"""`/static`: styles, scripts and fonts, each by a name that changes with its content."""

from __future__ import annotations

import functools
import gzip
import hashlib
import mimetypes
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Header, Response

from vmferry.api.gate import Viewer
from vmferry.errors import Failed, Unknown

router = APIRouter()

HERE = Path(__file__).parent
FOLDERS = (HERE / "static", HERE / "assets")
"""Ours, and those that were fetched when the package was built."""
FOREVER = {"Cache-Control": "private, max-age=31536000, immutable"}
PACKED = frozenset({".css", ".js", ".svg"})


@functools.cache
def files() -> dict[str, Path]:
    """All that there are, by name. Raises Failed where the package was not built whole."""
    if not (FOLDERS[1] / ".made").exists():
        raise Failed("the pages' styles are not here: install vmferry again (script/setup, or a wheel)")
    found = ((folder, path) for folder in FOLDERS for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path for folder, path in found}


@functools.cache
def version_of(name: str) -> str:
    """Raises KeyError."""
    return hashlib.sha256(files()[name].read_bytes()).hexdigest()[:12]


@functools.cache
def _content(name: str, packed: bool) -> bytes:
    whole = files()[name].read_bytes()
    return gzip.compress(whole, mtime=0) if packed else whole


@router.get("/static/{name:path}")
def static(
    caller: Viewer, name: str, accept_encoding: Annotated[str, Header(include_in_schema=False)] = ""
) -> Response:
    if name not in files():
        raise Unknown(f"there is no file {name!a}")
    packed = "gzip" in accept_encoding and Path(name).suffix in PACKED
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    headers = {**FOREVER, "Vary": "Accept-Encoding"} | ({"Content-Encoding": "gzip"} if packed else {})
    return Response(_content(name, packed), 200, headers, kind)
