"""`--xml FILE`: the user's own definition of the guest for the target."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from vmferry.errors import UserError

F = TypeVar("F", bound=Callable[..., Any])


def definition_option(command: F) -> F:
    return click.option(
        "--xml",
        "definition",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="The guest's definition for the target; begin with virsh dumpxml --migratable.",
    )(command)


def read_definition(path: Path | None) -> str | None:
    """Raises UserError where it cannot be read, is no XML, or is too big: no host is asked for that."""
    from vmferry.xml.parse import MOST_BYTES, BadXml, parse

    if path is None:
        return None
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
        text = data.decode("utf-8")
    except OSError as error:
        raise UserError(f"the definition {path} cannot be read: {error.strerror}; name another file") from None
    except UnicodeDecodeError:
        raise UserError(f"the definition {path} is no UTF-8 text; save it as such") from None
    if len(data) > MOST_BYTES:
        raise UserError(f"the definition {path} has more than {MOST_BYTES >> 20} MiB; a guest's has some kilobytes")
    try:
        root = parse(text, f"the definition {path}")
    except BadXml as error:
        raise UserError(error.message, detail=error.detail) from None
    if root.tag != "domain":
        raise UserError(f"the definition {path} is a {root.tag}, not a domain; begin with virsh dumpxml --migratable")
    return text
