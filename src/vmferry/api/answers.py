"""The contract's JSON as HTTP answers, and how each is described in the OpenAPI document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from fastapi import Response

from vmferry import SCHEMA
from vmferry.api import problems
from vmferry.model.access import Act, Token
from vmferry.model.finding import Finding
from vmferry.model.guest import Guest
from vmferry.model.host import Host
from vmferry.model.migration import Forecast, MigrationResult

TYPES = (Host, Guest, Finding, Forecast, MigrationResult, Token, Act)
"""Those that answers are made of."""
REF = "#/components/schemas/{name}"

Shape = dict[str, Any]


def answer(document: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    body = msgspec.json.encode({"schema": SCHEMA, **document})
    return Response(body, status, dict(headers or {}), "application/json")


def components() -> dict[str, Any]:
    """Schemas of the types, by name."""
    _, found = msgspec.json.schema_components(TYPES, ref_template=REF)
    return found


def ref(kind: type) -> Shape:
    return {"$ref": REF.format(name=kind.__name__)}


def many(items: Shape) -> Shape:
    return {"type": "array", "items": items}


def shape(required: Mapping[str, Shape], optional: Mapping[str, Shape] | None = None) -> Shape:
    """Of a whole answer."""
    properties = {"schema": {"const": SCHEMA}, **required, **(optional or {})}
    return {"type": "object", "required": ["schema", *required], "properties": properties}


TEXT: Shape = {"type": "string"}
NULLABLE: Shape = {"type": ["string", "null"]}
TARGET: Shape = {
    "type": "object",
    "required": ["host", "verdict", "findings"],
    "properties": {
        "host": TEXT,
        "verdict": {"enum": ["pass", "warn", "refuse", "unknown"]},
        "findings": many(ref(Finding)),
        "score": {"type": ["number", "null"]},
        "scores": many({"type": "object"}),
        "reasons": many(TEXT),
        "forecast": {"anyOf": [ref(Forecast), {"type": "null"}]},
        "xml_diff": TEXT,
    },
}
CHECKED: Shape = shape({"guest": TEXT, "source": TEXT, "targets": many(TARGET)}, {"policy": many({"type": "object"})})
JOB: Shape = {
    "allOf": [
        ref(MigrationResult),
        {"type": "object", "required": ["state", "worker"], "properties": {"state": TEXT, "worker": NULLABLE}},
    ]
}
JOBS: Shape = shape({"jobs": many(JOB)}, {"next": NULLABLE})


def told(schema: Shape, example: Mapping[str, Any] | None = None, status: int = 200) -> dict[int | str, dict[str, Any]]:
    """`responses` of a route: its own answer, and problems."""
    content: dict[str, Any] = {"schema": schema}
    if example is not None:
        content["example"] = {"schema": SCHEMA, **example}
    described = {"description": "As the command line's JSON", "content": {"application/json": content}}
    return {status: described, "default": PROBLEM}


PROBLEM: dict[str, Any] = {
    "description": "What went wrong, as RFC 9457",
    "content": {problems.MEDIA_TYPE: {"schema": problems.SCHEMA}},
}
