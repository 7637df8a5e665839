"""What a page sends, and what it is answered with."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar
from urllib.parse import parse_qsl

import msgspec
from fastapi import Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

from vmferry.web.render import html, rendered

Values = dict[str, str]
Filled = TypeVar("Filled", bound=BaseModel)


async def read_form(request: Request) -> Values:
    """Its fields; those left empty are left out."""
    return dict(parse_qsl((await request.body()).decode("utf-8", "replace"), max_num_fields=100))


Form = Annotated[Values, Depends(read_form)]


def filled(kind: type[Filled], form: Values) -> Filled:
    """Raises RequestValidationError."""
    try:
        return kind.model_validate(form)
    except ValidationError as error:
        raise RequestValidationError(error.errors()) from error


def done(answer: Response, to: str) -> Response:
    """Where what was asked for has been done, htmx goes there; else it shows what stands against it."""
    if answer.status_code < 400:
        return Response(status_code=204, headers={"HX-Redirect": to})
    return trouble(answer)


def trouble(answer: Response) -> Response:
    """A problem document, as people read it. 200, for htmx shows nothing else."""
    return html(rendered("trouble.html", {"problem": content(answer)}))


def content(answer: Response) -> dict[str, Any]:
    """The document of the API's answer."""
    document: dict[str, Any] = msgspec.json.decode(bytes(answer.body))
    return document
