"""What a host hands out can be read at all."""

from __future__ import annotations

from collections.abc import Iterator

from vmferry.facts.guest import GuestFacts
from vmferry.facts.host import HostFacts
from vmferry.model.finding import Finding
from vmferry.rules.registry import Voice, guest_rule, host_rule


@host_rule(
    "host.readable",
    "what libvirt tells of the host can be read",
    "libvirt: XML error: ...; what is malformed, over-long or has entities in it is refused and not guessed at",
)
def host_readable(host: HostFacts, say: Voice) -> Iterator[Finding]:
    required = "well-formed XML of a sensible size"
    for problem in host.unreadable:
        remedy = f"on {host.name}: virsh capabilities | head; restart libvirtd there, and look at its emulator"
        yield say.refuse(host.name, problem, required, remedy)
    if not host.unreadable:
        yield say.ok(host.name, "all of it was read", required)


@guest_rule(
    "guest.readable",
    "the guest's definition can be read",
    "libvirt: XML error: ...; nothing that is checked of a guest could be seen",
)
def guest_readable(facts: GuestFacts, say: Voice) -> Iterator[Finding]:
    guest, required = facts.guest, "a definition that is well-formed XML of a sensible size"
    if guest.problem is None:
        yield say.ok(guest.name, "it was read", required)
    else:
        yield say.refuse(guest.name, guest.problem, required, f"on {guest.host}: virsh dumpxml {guest.uuid} | head")
