"""How far a host's clock is from ours."""

from __future__ import annotations

import re
from dataclasses import dataclass

from vmferry.hosts.told.sections import Sections

_TIME = re.compile(r"\d{1,12}(\.\d{1,9})?")


@dataclass(frozen=True, slots=True)
class Clock:
    offset_s: float | None = None
    """None: not told."""
    error_s: float = 0.0


UNTOLD = Clock()


def read_clock(sections: Sections | None, asked_s: float, answered_s: float) -> Clock:
    """The times are ours, in seconds since 1970: the host looked at its clock at some moment between them."""
    words = " ".join((sections or {}).get("clock", ()))
    told = _TIME.match(words)  # a `date` that knows no nanoseconds leaves their letter behind
    if told is None:
        return UNTOLD
    return Clock(float(told[0]) - (asked_s + answered_s) / 2, abs(answered_s - asked_s) / 2)
