"""`migrate --offline`: what is asked for, checked and begun."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from vmferry.errors import UserError
from vmferry.facts.host import HostFacts
from vmferry.facts.move import MoveFacts
from vmferry.facts.wish import MoveWish
from vmferry.flow.effects import What
from vmferry.flow.journal import may_be_made
from vmferry.model.finding import Finding, Severity
from vmferry.model.guest import Guest, GuestState
from vmferry.model.job import Plan
from vmferry.model.migration import MigrationResult
from vmferry.model.storage import DiskCopy, StorageWish
from vmferry.ports import HostPort
from vmferry.rules.copies import copies, resolved
from vmferry.rules.judge import Judge
from vmferry.rules.policy import NO_POLICY, Policy
from vmferry.service.migrate import Listener, Tools
from vmferry.service.moving import Moving, told
from vmferry.service.offline_move import Definitions, OfflineMove
from vmferry.service.offline_sides import OfflineSides
from vmferry.service.record import Record
from vmferry.service.request import with_disks
from vmferry.service.survey import survey
from vmferry.xml.placing import placed
from vmferry.xml.rewrite import rewritten

OF_RUNNING_ONES = (
    "guest.running",
    "guest.no-job",
    "guest.block-job",
    "host.userfaultfd",
    "device.",
    "transport.",
    "daemon.peer-uri",
    "daemon.config.migrat",
    "options.",
    "storage.cache",
    "storage.growing",
    "storage.known-to-libvirt",
    "storage.format",
    "storage.driver",
    "version.firmware",
    "memory.free",
)
"""Rules, by how their ids begin, of what matters only to a guest that runs: it starts anew on its target."""


@dataclass(frozen=True, slots=True)
class OfflineWish:
    storage: StorageWish
    policy: Policy = NO_POLICY
    accept_unknown: bool = False


class OfflineMoving(Moving):
    def __init__(
        self,
        guest: Guest,
        source: HostPort,
        targets: Sequence[HostPort],
        wish: OfflineWish,
        tools: Tools,
        listener: Listener,
        cancel: threading.Event,
    ) -> None:
        """Raises UserError for a guest that is not off."""
        if guest.state is not GuestState.SHUT_OFF:
            raise UserError(f"{guest.name} is {guest.state.value} on {guest.host}: without --offline it moves live")
        self.guest, self.source, self.targets, self.wish = guest, source, targets, wish
        self.move: MoveFacts | None = None
        plan = Plan(
            guest_uuid=guest.uuid,
            paused=True,
            persistent=True,
            memory_bytes=0,
            source_volumes=wish.storage.source_volumes,
            offline=True,
        )
        result = MigrationResult(tools.new_job(), guest.name, source.entry.name, None, None)
        super().__init__(result, plan, tools, listener, cancel)

    def _check(self, record: Record) -> tuple[HostFacts | None, list[str]]:
        snapshot = survey(self.source, self.guest, self.targets)
        judge = Judge(self.wish.policy)
        wish = with_disks(MoveWish(persistent=True), self.wish.storage)
        moves = [resolved(move) for move in snapshot.moves(snapshot.guests[0], wish=wish)]
        wrong = [[*map(told, filter(self._matters, judge.move(move).open)), *not_carried(move)] for move in moves]
        fitting = [move for move, problems in zip(moves, wrong, strict=True) if not problems]
        if not fitting:
            reasons = [f"{move.target.host.name}: {why[0]}" for move, why in zip(moves, wrong, strict=True)]
            return None, reasons or ["there is no other host to go to: add one with vmferry host add"]
        self.move = min(fitting, key=_cost)
        host = self.move.target.host
        record.job = replace(record.job, plan=replace(self.plan, copies=copies(self.move)))
        record.change(target=host.name)
        return host, []

    def _matters(self, finding: Finding) -> bool:
        stops = finding.severity is Severity.REFUSE or (
            finding.severity is Severity.UNKNOWN and not self.wish.accept_unknown
        )
        return stops and not finding.rule.startswith(OF_RUNNING_ONES)

    def _carry(self, record: Record) -> MigrationResult:
        assert self.move is not None
        name = self.move.target.host.name
        target = next(each for each in self.targets if each.entry.name == name)
        look = self.source.look(self.guest.uuid)
        kept = self.source.kept_definition(self.guest.uuid)
        xml, starts = definition(self.move, kept), look is not None and look.starts
        sides = sides_of(record, self.source, target, self.tools, xml, starts=starts)
        return OfflineMove(record, sides, self.log, self._guides(Definitions(sides).look)).run()


def _cost(move: MoveFacts) -> tuple[int, int, str]:
    """Least is best: what has to be carried, then the memory that is used there already."""
    host = move.target.host
    carried = sum(copy.needed_bytes for copy in copies(move))
    return carried, -(host.memory_free_bytes or 0), host.name


def sides_of(
    record: Record,
    source: HostPort | None,
    target: HostPort | None,
    tools: Tools,
    xml: str = "",
    *,
    starts: bool = False,
) -> OfflineSides:
    result = record.job.result
    names = (result.source, result.target or "")
    return OfflineSides(
        record.job.plan.guest_uuid,
        *names,
        source,
        target,
        tools.together,
        lambda: may_be_made(What.DEFINE_TARGET, record.entries),
        xml,
        starts,
    )


def definition(move: MoveFacts, kept: str) -> str:
    """What the source keeps, as the target is to keep it. Raises BadXml."""
    return placed(rewritten(kept, move.target.edits, kept), copies(move), running=False)


def not_carried(move: MoveFacts) -> Iterator[str]:
    """What a guest that is off has, and this does not carry."""
    for copy in copies(move):
        yield from _not_copied(copy, move.source.name)
    if move.guest.needs.tpm is not None:
        yield f"it has a TPM, whose state on {move.source.name} is not carried: start the guest and move it live"
    for file in move.guest.needs.files:
        if file.role == "nvram":
            yield (
                f"its {file.role} is in {file.path} of {move.source.name}, which is not carried: copy it to "
                f"{move.target.host.name} by hand, and move the guest with virsh dumpxml and virsh define"
            )


def _not_copied(copy: DiskCopy, source: str) -> Iterator[str]:
    if copy.format != copy.source_format:
        yield f"{copy.disk} stays {copy.source_format}: drop :{copy.format}, or start the guest and move it live"
    if copy.encryption is not None:
        yield f"{copy.disk} is encrypted, and libvirt carries no such image: start the guest and move it live"
    if copy.flattened:
        yield (
            f"{copy.disk} rests on an image that the target does not have: start the guest and move it live, which "
            f"copies that into it, or on {source}: qemu-img rebase -b ''"
        )
    if copy.pool is None:
        yield f"{copy.disk} is not written over an image that is there: drop --onto-existing"
