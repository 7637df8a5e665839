"""A time of the week at which something may be done: `Sat 02:00-05:00`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from vmferry.errors import UserError

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
DAY_S, WEEK_S = 86_400, 7 * 86_400
_FORM = re.compile(r"(?:(?P<days>[A-Za-z,-]+) +)?(?P<from>\d{1,2}:\d{2})-(?P<to>\d{1,2}:\d{2})")


@dataclass(frozen=True, slots=True)
class Window:
    """`days`: numbers from Monday, on which it opens. One that ends before it begins lasts over midnight."""

    days: tuple[int, ...]
    from_s: int
    """From midnight, on the clock of whoever asks."""
    length_s: int

    def closes_in_s(self, now: datetime) -> float | None:
        """None while it is closed. `now` is local; a change of the clock in between is not reckoned with."""
        passed = _of_week(now)
        ends = ((day * DAY_S + self.from_s - passed) % WEEK_S for day in self.days)
        open_for = [self.length_s - (WEEK_S - away) for away in ends if away and WEEK_S - away < self.length_s]
        open_for += [float(self.length_s) for day in self.days if (day * DAY_S + self.from_s - passed) % WEEK_S == 0]
        return max(open_for, default=None)

    def opens_in_s(self, now: datetime) -> float:
        """0 while it is open."""
        if self.closes_in_s(now) is not None:
            return 0.0
        return min((day * DAY_S + self.from_s - _of_week(now)) % WEEK_S for day in self.days)


def _of_week(now: datetime) -> float:
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return now.weekday() * DAY_S + (now - midnight) / timedelta(seconds=1)


def read_window(text: str) -> Window:
    """`Sat 02:00-05:00`, `Mon-Fri 22:00-04:00`, `Sat,Sun 00:00-24:00`, `03:00-04:00` (every day). Raises UserError."""
    match = _FORM.fullmatch(text.strip())
    if match is None:
        raise UserError(f"{text!a} is no window; write it as 'Sat 02:00-05:00' or 'Mon-Fri 22:00-04:00'")
    from_s, to_s = _seconds(match["from"], text), _seconds(match["to"], text)
    length_s = (to_s - from_s) % DAY_S or DAY_S
    return Window(_days(match["days"], text), from_s % DAY_S, length_s)


def _seconds(word: str, text: str) -> int:
    hour, minute = map(int, word.split(":"))
    if minute > 59 or hour * 60 + minute > 24 * 60:
        raise UserError(f"{word} in {text!a} is no time of the day")
    return (hour * 60 + minute) * 60


def _days(words: str | None, text: str) -> tuple[int, ...]:
    if words is None:
        return tuple(range(7))
    found: list[int] = []
    for word in words.split(","):
        first, _, last = word.partition("-")
        begin, end = _day(first, text), _day(last or first, text)
        found += [(begin + number) % 7 for number in range((end - begin) % 7 + 1)]
    return tuple(sorted(set(found)))


def _day(word: str, text: str) -> int:
    name = word[:3].capitalize()
    if name not in DAYS:
        raise UserError(f"{word!a} in {text!a} is no day; the days are {', '.join(DAYS)}")
    return DAYS.index(name)
