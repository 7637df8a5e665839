"""Hosts that cannot be asked at all."""

from __future__ import annotations

from .conftest import Check

GUEST_DISKS = ("shared",)


def test_the_lab_as_it_is_has_one_thing_to_warn_of(check: Check) -> None:
    """Its hosts have no lock manager."""
    checked = check(to="h2")
    said = {(found["rule"], found["severity"]) for found in checked.findings if found["severity"] != "info"}
    assert (checked.verdict, said) == ("warn", {("daemon.config.lock_manager", "warn")})
