"""What one host answers when it is asked, at this moment, who has the guest."""

from __future__ import annotations

from dataclasses import dataclass

from vmferry.facts.guest import Reason
from vmferry.model.guest import GuestState

OUTGOING, INCOMING = "outgoing migration", "incoming migration"


@dataclass(frozen=True, slots=True)
class Look:
    """Of a guest that the host knows. One that it answers not to know is None."""

    state: GuestState
    reason: Reason | None = None
    """None: nothing out of the ordinary."""
    persistent: bool = True
    """The host keeps a definition that outlives a shutdown."""
    job: str | None = None
    """The kind of libvirt's job on it, as `outgoing migration`; None: none."""
    starts: bool = False
    """Shut off, it would be started with the host."""
