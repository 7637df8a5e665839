"""What links to the migration network are limited to: the card of a link does not know it, and forecasts need it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from vmferry.lab import access, state
from vmferry.lab.layout import Layout
from vmferry.lab.state import LabState


def note_rates(layout: Layout, found: LabState, changes: Mapping[str, str | None]) -> None:
    """Keep them in the lab's state and in vmferry's configuration. The caller holds the lab lock.

    `changes` by host name; None: the link carries all it can.
    """
    merged = {**found.rates, **changes}
    rates = {name: rate for name, rate in merged.items() if rate is not None}
    if rates != found.rates:
        state.save(layout, replace(found, rates=rates))
        access.write_config(layout, found.plan, rates)
