from __future__ import annotations

import pytest

from vmferry.xml.parse import parse
from vmferry.xml.units import size_bytes


@pytest.mark.parametrize(
    ("element", "expected"),
    [
        ("<memory unit='MiB'>512</memory>", 512 << 20),
        ("<memory>524288</memory>", 512 << 20),
        ("<memory unit='k'>2</memory>", 2048),
        ("<memory unit='KB'>2</memory>", 2000),
        ("<memory unit='bytes'>7</memory>", 7),
        ("<memory unit='G'>1</memory>", 1 << 30),
        ("<memory unit='T'> 1 </memory>", 1 << 40),
        ("<memory unit='furlong'>1</memory>", None),
        ("<memory unit=''>1</memory>", None),
        ("<memory>lots</memory>", None),
    ],
)
def test_libvirts_units(element: str, expected: int | None) -> None:
    assert size_bytes(parse(element, "it")) == expected


def test_a_missing_element_has_no_size() -> None:
    assert size_bytes(None) is None
