from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ..service_in_memory import Service


@pytest.fixture
def service() -> Iterator[Service]:
    """The API and the pages over hosts in memory."""
    from ..service_in_memory import made_service  # what few tests need is not loaded for all

    made = made_service()
    yield made
    made.end()
