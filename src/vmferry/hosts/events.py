"""Libvirt's event loop in one daemon thread: keepalive of the connections needs it."""

from __future__ import annotations

import threading

import libvirt

_lock = threading.Lock()  # held to look at and set `_started`
_started = False


def start() -> None:
    """Before the first connection is opened; later calls do nothing. Also keeps libvirt off standard error."""
    global _started
    with _lock:
        if _started:
            return
        _started = True
        libvirt.registerErrorHandler(_quiet, None)
        libvirt.virEventRegisterDefaultImpl()
        threading.Thread(target=_run, name="libvirt-events", daemon=True).start()


def _quiet(_context: object, _error: object) -> None:
    """Every error is raised too; printing it would put it into the user's output a second time."""


def _run() -> None:
    while True:
        libvirt.virEventRunDefaultImpl()
