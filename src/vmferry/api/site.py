"""What every route needs; put together by `serve`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from vmferry.facts.wish import MoveWish
from vmferry.model.aim import Aim
from vmferry.model.host import HostEntry
from vmferry.model.storage import Storage, StorageWish
from vmferry.ports import Register
from vmferry.service.balance import BalancePlan
from vmferry.service.bulletin import Bulletin
from vmferry.service.check import CheckReport
from vmferry.service.errands import Errands
from vmferry.service.fleet import Fleet
from vmferry.service.ground import Standing
from vmferry.service.inventory import known_hosts
from vmferry.service.migrate import Tools
from vmferry.service.offers import Offers
from vmferry.service.people import Door
from vmferry.service.request import with_disks
from vmferry.service.roll import Roll

FLEET = ""
"""In place of a host's name, of what is done with all of them."""


@dataclass(slots=True)
class Site:
    tools: Tools
    register: Register
    declared: tuple[HostEntry, ...]
    """Hosts of the configuration file."""
    standing: Standing
    open_fleet: Callable[[tuple[HostEntry, ...]], Fleet]
    """Those hosts, being connected to. To be used as a context manager."""
    door: Door
    roll: Roll
    bulletin: Bulletin
    offers: Offers[BalancePlan]
    aim: Aim = field(default_factory=Aim)
    """How the fleet is balanced, as the configuration has it."""
    errands: Errands = field(default_factory=Errands)
    checked: Callable[[CheckReport], None] = field(default=lambda report: None)
    """Told of every check that is made here."""
    hurry: Callable[[], None] = field(default=lambda: None)
    """A job was queued: the worker of this process looks at once."""

    @property
    def entries(self) -> tuple[HostEntry, ...]:
        return known_hosts(self.declared, self.tools.store)

    def fleet(self) -> Fleet:
        return self.open_fleet(self.entries)

    def usual_wish(self, storage: Storage | None = None) -> MoveWish:
        """What is checked where nothing is to be moved yet; disks as the configuration has it, if not said."""
        standing = self.standing
        wish = MoveWish(encryption=standing.encryption, groups=standing.groups, weights=standing.weights)
        return with_disks(wish, StorageWish(choice=storage or standing.storage))
