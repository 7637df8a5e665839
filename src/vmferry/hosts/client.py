"""Libvirt's client library on this machine."""

from __future__ import annotations

import libvirt

from vmferry.hosts.inventory import version


def client_version() -> str:
    """As 11.3.0."""
    return version(libvirt.getVersion())
