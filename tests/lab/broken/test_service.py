"""Hosts that cannot be asked at all."""

from __future__ import annotations

from .conftest import Check

GUEST_DISKS = ("shared",)


def test_the_lab_as_it_is_has_two_things_to_warn_of(check: Check) -> None:
    """Its hosts have no lock manager, and no certificates to encrypt the data with."""
    checked = check(to="h2")
    said = {(found["rule"], found["severity"]) for found in checked.findings if found["severity"] != "info"}
    warned = {("daemon.config.lock_manager", "warn"), ("transport.tls-migration", "warn")}
    assert (checked.verdict, said) == ("warn", warned)
