"""What one host answered of the guest, as far as it matters who runs it."""

from __future__ import annotations

import enum

from vmferry.facts.guest import Reason
from vmferry.facts.look import INCOMING, OUTGOING, Look
from vmferry.model.guest import GuestState


class Sight(enum.StrEnum):
    RUNS = "runs"
    MOVING = "is being copied away"
    """It runs and libvirt is sending it."""
    SWITCHING = "stopped for its switch"
    """Libvirt is sending it and holds it still, or waits for the target's word."""
    POST_COPY = "in post-copy"
    """Of a source: its memory is still being sent. Of a target: it runs, and its memory is still coming."""
    POST_COPY_BROKEN = "in a broken post-copy"
    ARRIVING = "being received"
    """Libvirt is receiving it: its CPUs have not been started."""
    HELD = "paused by a migration"
    """And no job of libvirt's goes on with it."""
    PAUSED = "paused"
    """By a user, an error of a disk, a crash: not by a migration."""
    OFF = "off"
    ABSENT = "absent"
    UNASKED = "cannot be asked"


_STILL = (GuestState.PAUSED, GuestState.SUSPENDED, GuestState.CRASHED)


def sight(look: Look | None, *, of_source: bool = False) -> Sight:
    """None: the host answered that it does not know the guest.

    A guest that libvirt could not resume has been stopped for its switch on the source, where it failed, as where its
    images are locked by the target; elsewhere it may have run.

    A state that libvirt itself calls unknown was answered, but says nothing: as if the host were not asked. Of a
    crashed guest QEMU is kept, and with it the images: it is there, and does not run.
    """
    if look is None:
        return Sight.ABSENT
    if look.state is GuestState.UNKNOWN:
        return Sight.UNASKED
    if look.reason is Reason.POST_COPY_FAILED:
        return Sight.POST_COPY_BROKEN
    if look.reason is Reason.POST_COPY:
        return Sight.POST_COPY
    if look.state in _STILL:
        return _still(look, of_source)
    if not look.state.active:
        return Sight.OFF
    return Sight.MOVING if look.job == OUTGOING else Sight.RUNS


def _still(look: Look, of_source: bool) -> Sight:
    if look.job == INCOMING:
        return Sight.ARRIVING
    if look.job == OUTGOING:
        return Sight.SWITCHING if look.reason is Reason.MIGRATION else Sight.MOVING
    if look.reason is Reason.RESUME_FAILED:
        return Sight.HELD if of_source else Sight.PAUSED
    return Sight.HELD if look.reason in (Reason.MIGRATION, Reason.STARTING_UP) else Sight.PAUSED
