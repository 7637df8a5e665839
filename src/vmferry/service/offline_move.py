"""A guest that is off moves: its disks are carried by us, byte for byte, and compared before its definition follows.

One migration's transaction with another copy in the middle. Nothing goes on by itself: where this process dies, the
guest is where it was, but for the moment between the two definitions, and then it is on its target.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from vmferry.errors import HostError, HostUnreachable
from vmferry.flow.effects import Effect, What
from vmferry.flow.settle import Cell
from vmferry.flow.sights import Sight
from vmferry.flow.states import Event
from vmferry.forecast.progress import Phase, Progress
from vmferry.model.image_bytes import Digest, Piece, digested
from vmferry.model.migration import DiskProgress, JobStats, Verified
from vmferry.model.storage import DiskCopy
from vmferry.service.guides import Arrival
from vmferry.service.record import Record
from vmferry.service.sides import Sides
from vmferry.service.transaction import Transaction
from vmferry.service.volumes import of_disks

SHOW_EVERY_S = 0.5
AGAIN_BYTES = 64 << 20
"""After a break so much is sent again: what was on its way then may not have arrived."""
PAUSES_S = (1.0, 3.0, 10.0, 30.0)
"""Before each time that it goes on after a break."""
TOLD = {
    Event.SAFE: "{guest} is on {source} as it was, and nothing of it is on {target}",
    Event.STOPPED: "{guest} is on {source} as it was, and nothing of it is on {target}",
    Event.ARRIVED: "{guest} is on {target}",
    Event.MOVING: "{guest} is being moved by somebody else",
    Event.DOUBT: (
        "it is not certain whether {guest} is whole on {target}: nothing was touched. Look at both (virsh domstate, "
        "virsh domblklist) before starting it on either"
    ),
}


STARTED = (
    "{guest} was started on {source}: what {target} has of it is old. Once it is sure that it stays on {source}, on "
    "{target}: virsh undefine {guest}, and remove its disks there"
)


class OfflineMove(Transaction):
    def _prepare(self) -> None:
        self._prepare_hosts()

    def _copy_effect(self) -> Effect:
        return Effect(What.COPY, self.sides.source_name)

    def _copy(self) -> HostError | None:
        try:
            self._carry_all()
            self._need_wanted()
            self._need_off()
            self.making.make(Effect(What.DEFINE_TARGET, self.sides.target_name))
            self._need_off()  # somebody may have started it in between: then what is there is old
        except HostError as error:
            return error
        return None

    def _adopt(self) -> None:
        """COPYING, of a copy that nobody makes any more."""
        self.record.enter(Event.BREAK, "its worker died")

    def _carry_all(self) -> None:
        """Raises HostError, also where the user has had enough or the guest was started meanwhile."""
        began_s, sent = self.guides.clock.now_s(), 0
        whole = sum(copy.needed_bytes for copy in self.record.job.plan.copies)
        for copy in self.record.job.plan.copies:
            sent += self._carry_one(copy, sent, whole)
        self.record.change(measured=of_disks(round(self.guides.clock.now_s() - began_s, 3), sent, sent))

    def _need_off(self) -> None:
        """Raises HostError where it is not, or that cannot be told."""
        seen, name = self.sides.look().source, self.sides.source_name
        if seen not in (Sight.PAUSED, Sight.OFF):
            raise HostError(name, f"the guest was touched meanwhile: {name} has it as {seen}")

    def _carry_one(self, copy: DiskCopy, before: int, whole: int) -> int:
        """Bytes that were sent, holes not counted."""
        source, target = self.sides.host(self.sides.source_name), self.sides.host(self.sides.target_name)
        assert copy.pool is not None
        here, there = Digest(), Digest()
        counter, name = _Counter(), copy.pool

        def send() -> None:
            at = max(0, here.size_bytes - AGAIN_BYTES)
            pieces = digested(source.read_image(copy.source_path, at), here, at)
            target.write_image(name, copy.volume, self._watched(pieces, copy, counter, before, whole), at)

        def compare() -> None:
            for piece in self._kept_alive(target.read_image(copy.path, there.size_bytes)):
                there.add(piece)

        self._through_breaks(send)
        self._through_breaks(compare)
        if here.hexdigest() != there.hexdigest():
            raise HostError(target.entry.name, f"what has arrived as {copy.path} is not what {copy.source_path} is")
        return counter.bytes

    def _through_breaks(self, part: Callable[[], None]) -> None:
        """A part that goes on where it was. Raises what it has raised where it breaks too often."""
        for pause_s in (*PAUSES_S, None):
            try:
                part()
            except HostUnreachable as error:
                if pause_s is None:
                    raise
                self.guides.note(f"{error.message}; going on in {pause_s:g} s")
                self.guides.clock.sleep(pause_s)
                self.record.renew()
            else:
                return

    def _watched(
        self, pieces: Iterable[Piece], copy: DiskCopy, counter: _Counter, before: int, whole: int
    ) -> Iterator[Piece]:
        shown_s = self.guides.clock.now_s()
        for piece in self._kept_alive(pieces):
            counter.bytes += 0 if isinstance(piece, int) else len(piece)
            if self.guides.clock.now_s() - shown_s >= SHOW_EVERY_S:
                shown_s = self.guides.clock.now_s()
                self._show(copy, counter.bytes, before, whole)
            yield piece

    def _kept_alive(self, pieces: Iterable[Piece]) -> Iterator[Piece]:
        """With the lease, and as long as the user wants it."""
        asked_s = self.guides.clock.now_s()
        for piece in pieces:
            now_s = self.guides.clock.now_s()
            if now_s - asked_s >= SHOW_EVERY_S:
                asked_s = now_s
                self.record.renew()
                self._need_wanted()
            yield piece

    def _need_wanted(self) -> None:
        """Raises HostError where the user has had enough."""
        if self._is_cancelled():
            self.record.change(cancelled=True)
            raise HostError(self.sides.source_name, "cancelled")

    def _show(self, copy: DiskCopy, sent: int, before: int, whole: int) -> None:
        left = max(0, whole - before - sent)
        percent = min(99.0, 100 * (before + sent) / whole) if whole else 0.0
        disk = DiskProgress(copy.disk, sent, max(sent, copy.needed_bytes))
        progress = Progress(Phase.DISKS, percent, None, left, None, 0, None, left, (disk,))
        self.guides.jobs.show(self.record.job.id, progress)
        self.guides.show(progress)

    def _verify(self) -> None:
        """SWITCHED: the source's definition goes, unless somebody has started it in this very moment."""
        with self.log.step("verify"):
            arrival = self.guides.verify(self.record, self.last)
            if arrival.error is not None:
                self._complete(silent=False)
                arrival = self.guides.verify(self.record, self.last)
            self.record.renew(now=True)
        self.problem, self.text, self._sure = None, arrival.error or "", arrival.sure
        self.record.enter(Event.GO, self.text)

    def _tidy(self) -> None:
        """TIDYING: also a definition on the target is left, where the guest was started on its source after all."""
        seen = self.sides.look()
        if seen.source in (Sight.OFF, Sight.ABSENT, Sight.UNASKED):
            super()._tidy()
            return
        names = {"source": self.sides.source_name, "target": self.sides.target_name}
        self.text = STARTED.format(guest=self.record.job.result.guest, **names)
        self._enter(Event.LEAVE, self.text)

    def _told(self, cell: Cell) -> str:
        names = {"source": self.sides.source_name, "target": self.sides.target_name}
        return TOLD[cell.event].format(guest=self.record.job.result.guest, **names)


class _Counter:
    bytes = 0


class Definitions:
    """Where the definition is, looked at after the move."""

    def __init__(self, sides: Sides) -> None:
        self.sides = sides

    def look(self, record: Record, last: JobStats | None) -> Arrival:
        seen = self.sides.look()
        target, source = self.sides.target_name, self.sides.source_name
        if Sight.UNASKED in (seen.source, seen.target):
            return Arrival(False, "not both hosts can be asked where its definition is")
        if seen.source not in (Sight.OFF, Sight.ABSENT):
            return Arrival(False, f"it was started on {source} meanwhile: do not start it on {target}")
        checks = (
            Verified("definition", seen.target_keeps, f"{target} keeps the definition"),
            Verified("source", seen.source is Sight.ABSENT, f"{source} has it as {seen.source}"),
        )
        record.change(verification=checks)
        wrong = [each.detail for each in checks if not each.ok]
        return Arrival(True, "; ".join(wrong) or None)
