from __future__ import annotations

from collections.abc import Iterator

import pytest

from ...service_in_memory import Service, made_service


@pytest.fixture
def service() -> Iterator[Service]:
    made = made_service()
    yield made
    made.end()
