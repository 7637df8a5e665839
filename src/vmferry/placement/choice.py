"""The best of very many targets, without a look at each.

Theory of operation. What a target is worth is the room on it, less what its check leaves open (`rank.py`). The room is
known of all of them at once; a check can only take away. So targets are judged in the order of what each is worth if
its check takes away no more than what the guest, its source and the host by itself lose it already; once the best that
was judged is worth more than the next could be, no other is better. In a fleet of hosts that are alike that is the
first. Where every target loses something to a check of the pair, as where no host has TLS, the order stays, but the
proof does not come: after `PATIENCE` of those next in order that were no better, the best so far is taken.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from vmferry import native
from vmferry.facts.host import HostFacts
from vmferry.model.finding import Verdict
from vmferry.model.guest import Guest
from vmferry.model.weights import Weights
from vmferry.placement.rank import OPEN, Candidate, virtual_cpus

FIRST, MOST = 16, 256
"""So many are ranked at first; so many are judged at the most where none will do."""
PATIENCE = 3


@dataclass(frozen=True, slots=True)
class Choice:
    looked: tuple[Candidate, ...]
    """In the order in which they were judged."""
    proved: bool
    """None of the others is better."""


class Field:
    """Hosts to choose from, kept in step with what moves."""

    def __init__(self, hosts: Sequence[HostFacts], verdicts: Mapping[str, Verdict]) -> None:
        """`verdicts`: of each host by itself, by name."""
        self.hosts = sorted(hosts, key=lambda each: each.name)
        self._number = {host.name: number for number, host in enumerate(self.hosts)}
        self._room = native.doubles(_known(host.room_bytes) for host in self.hosts)
        self._memory = native.doubles(float(host.memory_bytes or 0) for host in self.hosts)
        self._given = native.doubles(_known(virtual_cpus(host)) for host in self.hosts)
        self._cpus = native.doubles(float(host.cpus or 0) for host in self.hosts)
        self._loss = native.doubles(_loss(verdicts.get(host.name, Verdict.PASS)) for host in self.hosts)

    def move(self, guest: Guest, target: str, need_bytes: int) -> None:
        """From its host to that one."""
        for name, sign in ((guest.host, 1), (target, -1)):
            number = self._number.get(name)
            if number is not None:
                self._room[number] += sign * need_bytes
                self._given[number] -= sign * guest.vcpus

    def order(self, guest: Guest, weights: Weights, least: Verdict, most: int) -> list[tuple[float, HostFacts]]:
        """What each is worth at best, and who it is; best first, equal ones by name. Its own host is among them."""
        order, keys = (ctypes.c_int64 * most)(), (ctypes.c_double * most)()
        count = native.library().vmferry_rank(
            ctypes.c_int64(len(self.hosts)),
            self._room,
            self._memory,
            self._given,
            self._cpus,
            self._loss,
            ctypes.c_double(guest.memory_bytes),
            ctypes.c_double(guest.vcpus),
            ctypes.c_double(weights.memory),
            ctypes.c_double(weights.cpu),
            ctypes.c_double(OPEN.get(least, 0)),
            ctypes.c_int64(most),
            order,
            keys,
        )
        return [(keys[place], self.hosts[order[place]]) for place in range(count)]

    def choose(
        self, guest: Guest, weights: Weights, least: Verdict, judged: Callable[[HostFacts], Candidate]
    ) -> Choice:
        """`least`: of the guest and its source, which no target can better; where it refuses, one target shows it."""
        limit = 1 if least is Verdict.REFUSE else MOST
        looked: list[Candidate] = []
        best: tuple[float, str] | None = None
        most, seen, worse = FIRST, 0, 0
        while True:
            ranked = self.order(guest, weights, least, most)
            for worth, host in ranked[seen:]:
                if best is not None and (-worth, host.name) > best:
                    return Choice(tuple(looked), proved=True)
                if host.name == guest.host:
                    continue
                if len(looked) == limit or worse == PATIENCE:
                    return Choice(tuple(looked), proved=False)
                found = judged(host)
                looked.append(found)
                mine = None if found.score is None else (-found.score, host.name)
                if mine is not None and (best is None or mine < best):
                    best, worse = mine, 0
                elif best is not None:
                    worse += 1
            if len(ranked) < most:
                return Choice(tuple(looked), proved=True)
            seen, most = most, most * 8


def _known(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _loss(verdict: Verdict) -> float:
    return math.inf if verdict is Verdict.REFUSE else float(OPEN[verdict])
