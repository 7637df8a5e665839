"""The two hosts of a migration, either of which may be out of reach, and what both say of the guest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from vmferry.errors import HostError, HostUnreachable, VmferryError
from vmferry.facts.look import Look
from vmferry.flow.effects import Effect, Sighted, What
from vmferry.flow.sights import Sight, sight
from vmferry.model.bandwidth import each_disk
from vmferry.model.job import Plan
from vmferry.model.migration import MigrationOrder
from vmferry.model.storage import DiskCopy
from vmferry.ports import HostPort

ASK_LIMIT_S = 5.0

T = TypeVar("T")


class Together(Protocol):
    """As `service.parallel.all_at_once`."""

    def __call__(self, calls: Sequence[Callable[[], T]], timeout_s: float) -> list[T | Exception]: ...


@dataclass(frozen=True, slots=True)
class Sides:
    """`source` and `target` are None where there is no connection to them."""

    uuid: str
    source_name: str
    target_name: str
    source: HostPort | None
    target: HostPort | None
    together: Together

    def look(self) -> Sighted:
        """Ask both, at the same time."""
        here, there = self.together([self._asking(self.source), self._asking(self.target)], ASK_LIMIT_S)
        starts = isinstance(here, Look) and here.starts
        return Sighted(_sight(here, of_source=True), _sight(there), _keeps(here), _keeps(there), starts)

    def _asking(self, host: HostPort | None) -> Callable[[], Look | None]:
        def ask() -> Look | None:
            if host is None:
                raise HostUnreachable("", "there is no connection to it")
            return host.look(self.uuid)

        return ask

    def host(self, name: str) -> HostPort:
        """Raises HostUnreachable."""
        host = self.source if name == self.source_name else self.target
        if host is None:
            raise HostUnreachable(name, f"host {name} cannot be reached")
        return host

    def own_bandwidth(self, order: MigrationOrder) -> int | None:
        """The guest's own limit: libvirt hides it while a copy has one, which would seem to be it. None: not asked."""
        if order.bandwidth_bytes_s is None and order.disk_bandwidth_bytes_s is None:
            return None
        try:
            return self.host(self.source_name).max_bandwidth_bytes_s(self.uuid)
        except HostError:
            return None

    def set_bandwidth(self, plan: Plan, share_bytes_s: int) -> None:
        """Of the running copy, in all of its phases. Raises as `perform`."""
        host, limit = self.host(self.source_name), plan.bandwidth_bytes_s or share_bytes_s
        each = each_disk(replace(plan, share_bytes_s=share_bytes_s))
        if each is not None:
            host.limit_disks(self.uuid, [copy.disk for copy in plan.copies], each)
        if plan.post_copy:
            post_copy = plan.tuning.post_copy_bandwidth_bytes_s or limit
            host.set_max_bandwidth(self.uuid, min(post_copy, share_bytes_s), post_copy=True)
        host.set_max_bandwidth(self.uuid, min(limit, share_bytes_s))

    def perform(self, effect: Effect, copies: Sequence[DiskCopy] = ()) -> None:
        """Make it; `copies` are the plan's. Raises HostError, or HostUnreachable where it may have been made."""
        host, uuid = self.host(effect.host), self.uuid
        match effect.what:
            case What.MAKE_VOLUME:
                host.make_volume(next(copy for copy in copies if copy.thing == effect.thing))
            case What.REMOVE_VOLUME:
                pool, _, name = effect.thing.partition("/")
                host.remove_volume(pool, name, empty=bool(effect.value))
            case What.REMOVE_SOURCE:
                host.remove_image(effect.thing)
            case What.RENAME_SOURCE:
                path, _, new = effect.thing.partition("\t")
                host.rename_image(path, new)
            case What.SYNCHRONOUS_WRITES:
                host.write_synchronously(uuid)
            case What.LIMIT_DOWNTIME if effect.value is not None:
                host.set_max_downtime(uuid, effect.value)
            case What.LIMIT_BANDWIDTH if effect.value is not None:
                host.set_max_bandwidth(uuid, effect.value)
            case What.ABORT:
                host.abort(uuid)
            case What.TO_POST_COPY:
                host.start_post_copy(uuid)
            case What.SUSPEND:
                host.suspend_moving(uuid)
            case What.DESTROY_ARRIVING | What.DESTROY_STALE:
                host.destroy_held(uuid)
            case What.UNDEFINE_TARGET | What.UNDEFINE_SOURCE:
                host.undefine_off(uuid)
            case What.AUTOSTART_OFF:
                host.autostart_off(uuid)
            case What.RESUME_SOURCE:
                host.resume_held(uuid)
            case What.PAUSE:
                host.pause(uuid)
            case What.ANNOUNCE:
                host.announce(uuid)
            case What.KEEP_DEFINITION:
                host.keep_definition(uuid)
            case _:
                raise ValueError(f"{effect.what} is not made here")


def _sight(answer: Look | Exception | None, *, of_source: bool = False) -> Sight:
    if isinstance(answer, (VmferryError, TimeoutError)):
        return Sight.UNASKED
    if isinstance(answer, Exception):
        raise answer
    return sight(answer, of_source=of_source)


def _keeps(answer: Look | Exception | None) -> bool:
    return isinstance(answer, Look) and answer.persistent
