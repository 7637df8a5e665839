"""Cases of the rules of devices."""

from __future__ import annotations

from ..cases import (
    OK,
    PASSING,
    REFUSE,
    Cases,
    with_facts,
)

CASES: Cases = {
    "device.virtio-vectors": [
        ("ten", PASSING, OK, "at most 10"),
        ("thirty-two", with_facts(max_vectors=(("controller 0", 32),)), OK, "at most 32"),
        ("thirty-three", with_facts(max_vectors=(("controller 0", 33),)), REFUSE, "33 vectors"),
        ("none set", with_facts(max_vectors=()), OK, "none sets"),
    ],
}
