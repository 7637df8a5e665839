"""Drains and returns that a daemon has in hand: begun by somebody who does not wait for them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from vmferry.errors import Refused, VmferryError
from vmferry.model.guest import Guest
from vmferry.model.migration import MigrationResult
from vmferry.service.drain import Drained
from vmferry.service.drain_plan import DrainPlan


@dataclass(slots=True)
class Errand:
    """Of one host. A watcher of its own migrations."""

    host: str
    """Empty: the whole fleet."""
    what: str
    """`drain`, `undrain` or `balance`."""
    begun: str
    """RFC 3339, in UTC."""
    plan: DrainPlan | None = None
    under_way: set[str] = field(default_factory=set)
    """Guests."""
    results: list[MigrationResult] = field(default_factory=list)
    cancel: threading.Event = field(default_factory=threading.Event)
    error: str | None = None
    over: bool = False

    @property
    def state(self) -> str:
        if not self.over:
            return "stopping" if self.cancel.is_set() else "running"
        return "failed" if self.error else "stopped" if self.cancel.is_set() else "done"

    def begins(self, guest: Guest, target: str, attempt: int) -> None:
        self.under_way.add(guest.name)

    def ended(self, result: MigrationResult) -> None:
        self.under_way.discard(result.guest)
        self.results.append(result)


class Errands:
    """One at a time for each host; the last one of each is remembered as long as the daemon runs."""

    def __init__(self) -> None:
        self._by_host: dict[str, Errand] = {}
        self._lock = threading.Lock()  # held to look for the one of a host and to put another one there

    def all(self) -> Sequence[Errand]:
        """By host."""
        with self._lock:
            return [self._by_host[host] for host in sorted(self._by_host)]

    def of(self, host: str) -> Errand | None:
        return self._by_host.get(host)

    def begin(self, errand: Errand, plan: Callable[[], DrainPlan], work: Callable[[DrainPlan], Drained]) -> Errand:
        """With its plan; the rest goes on behind. Raises what `plan` raises, and Refused where there is one already."""
        with self._lock:
            before = self._by_host.get(errand.host)
            if before is not None and not before.over:
                raise Refused(f"a {before.what}{_of(errand.host)} is under way; wait for its end, or stop it")
            self._by_host[errand.host] = errand
        try:
            errand.plan = plan()
        except BaseException:
            with self._lock:
                errand.over = True
                if before is None:
                    del self._by_host[errand.host]
                else:
                    self._by_host[errand.host] = before
            raise
        threading.Thread(target=_carried_out, args=(errand, errand.plan, work), daemon=True).start()
        return errand

    def stop(self, host: str) -> Errand:
        """Its migrations are cancelled, and no other begins. Raises Refused."""
        found = self.of(host)
        if found is None or found.over:
            raise Refused(f"nothing{_of(host)} is under way here")
        found.cancel.set()
        return found


def _of(host: str) -> str:
    return f" of {host}" if host else ""


def _carried_out(errand: Errand, plan: DrainPlan, work: Callable[[DrainPlan], Drained]) -> None:
    try:
        done = work(plan)
        if not done.whole and not done.cancelled:
            errand.error = "not every guest has arrived; see its migration"
    except VmferryError as error:
        errand.error = error.message
    except Exception as error:  # a fault of ours ends this errand, and is told
        errand.error = f"internal error: {error!r}"
    finally:
        errand.over = True
