"""What libvirt said last in this thread, to whatever test, is in every error that is raised after it."""

from __future__ import annotations

import libvirt
import pytest


@pytest.fixture(autouse=True)
def nothing_was_said() -> None:
    libvirt.virResetLastError()
