"""Devices that cannot be moved as they are."""

from __future__ import annotations

from collections.abc import Iterator

from vmferry.facts.guest import GuestFacts
from vmferry.model.finding import Finding
from vmferry.rules.registry import Voice, guest_rule

MOST_VECTORS = 32


@guest_rule(
    "device.virtio-vectors",
    "no virtio device has more than 32 vectors",
    "guide 15.2: set the number of vectors on any virtio device on either platform to 32 or fewer",
)
def virtio_vectors(facts: GuestFacts, say: Voice) -> Iterator[Finding]:
    required = f"{MOST_VECTORS} or fewer"
    above = [(place, number) for place, number in facts.max_vectors if number > MOST_VECTORS]
    for place, number in above:
        remedy = f"lower it in virsh edit {facts.guest.name}, then shut the guest down and start it"
        yield say.refuse(place, f"{number} vectors", required, remedy)
    if not above:
        most = max((number for _, number in facts.max_vectors), default=0)
        observed = f"at most {most} set" if most else "none sets a number"
        yield say.ok(facts.guest.name, observed, required)
