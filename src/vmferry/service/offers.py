"""Plans that somebody looks at before they say yes: what is carried out then is what was shown."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Generic, TypeVar

from vmferry.errors import Refused
from vmferry.ports import Clock

GOOD_FOR_S = 600.0
"""Later the fleet is another one."""
MOST = 20

Plan = TypeVar("Plan")


class Offers(Generic[Plan]):
    """Each is taken once."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: OrderedDict[str, tuple[float, Plan]] = OrderedDict()
        self._lock = threading.Lock()  # held to look at or change them

    def keep(self, name: str, plan: Plan) -> str:
        with self._lock:
            self._kept[name] = self._clock.now_s(), plan
            while len(self._kept) > MOST:
                self._kept.popitem(last=False)
        return name

    def take(self, name: str) -> Plan:
        """Raises Refused where it is too old, unknown or taken."""
        with self._lock:
            at_s, plan = self._kept.pop(name, (None, None))
        if plan is None or at_s is None or self._clock.now_s() - at_s > GOOD_FOR_S:
            raise Refused("this plan is not at hand any more, or was carried out already; make a new one")
        return plan
