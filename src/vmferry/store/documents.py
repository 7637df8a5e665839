"""Values as the database keeps them: JSON."""

from __future__ import annotations

from typing import TypeVar

from vmferry.errors import Failed

T = TypeVar("T")


def written(value: object) -> str:
    import msgspec  # only where there is something to read or write

    return msgspec.json.encode(value).decode()


def read(text: str, kind: type[T], store: str) -> T:
    """Raises Failed."""
    import msgspec

    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.DecodeError as error:
        wrong = f"{store} holds a record that cannot be read; move it away or put a backup in its place"
        raise Failed(wrong, detail=str(error)) from None
