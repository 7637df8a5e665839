"""Listeners to one migration of many, whose user does not look at each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from vmferry.errors import VmferryError
from vmferry.forecast.progress import Progress
from vmferry.model.migration import Forecast, Verified
from vmferry.service.check import CheckReport


@dataclass(frozen=True, slots=True)
class Quiet:
    """`service.migrate.Listener` that passes on only what the user should know."""

    say: Callable[[str], None] = lambda text: None

    def checked(self, report: CheckReport) -> None: ...

    def chosen(self, target: str, forecast: Forecast | None) -> None: ...

    def progress(self, progress: Progress) -> None: ...

    def settling(self, problem: VmferryError | None) -> None: ...

    def verified(self, checks: Sequence[Verified]) -> None: ...

    def note(self, message: str) -> None:
        self.say(message)
