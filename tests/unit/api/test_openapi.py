"""The document, and that the service keeps to it whatever is sent."""

from __future__ import annotations

from dataclasses import replace

import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from vmferry.fakes import RealTime
from vmferry.model.access import Role

from ...service_in_memory import MIB, Service

EXAMPLES = 25
"""Of each operation."""
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


class Hurried(RealTime):
    """Measures for no longer than a moment, whatever was asked for."""

    def sleep(self, duration_s: float) -> None:
        super().sleep(min(duration_s, 0.01))


def test_it_keeps_to_what_it_says(service: Service) -> None:
    """Whatever is sent to any of its operations. Streams of news are left out: they do not end."""
    service.world.add_guest("web", "alpha", memory_bytes=4 * MIB)
    service.run()
    service.site.tools = replace(service.site.tools, clock=Hurried())
    service.client(Role.ADMIN)  # makes its token
    document = schemathesis.openapi.from_asgi("/openapi.json", service.app)
    seen: set[int] = set()
    for found in document.exclude(path_regex=".*events$").get_all_operations():
        operation = found.ok()

        @settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(operation.as_strategy())
        def keeps_to_it(case: schemathesis.Case) -> None:
            answer = case.call_and_validate(headers={"Authorization": "Bearer secret of admin"}, checks=CHECKS)
            seen.add(answer.status_code)

        keeps_to_it()
    assert {200, 404, 422} <= seen
    assert 401 not in seen


def test_every_answer_has_an_example_or_a_shape(service: Service) -> None:
    for path, operations in service.app.openapi()["paths"].items():
        for operation in operations.values():
            assert operation["summary"]
            for answer in operation["responses"].values():
                for content in answer.get("content", {}).values():
                    assert content["schema"] != {}, path
            if path.startswith("/api"):
                assert "default" in operation["responses"], path
