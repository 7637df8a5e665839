"""Hosts that cannot be asked at all."""

from __future__ import annotations

from .conftest import Check

GUEST_DISKS = ("shared",)


def test_the_lab_as_it_is_passes(check: Check) -> None:
    assert check(to="h2").verdict == "pass"
