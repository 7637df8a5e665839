"""What `check`, `plan`, `migrate` and `worker` share. Called while the hosts are being connected to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmferry.cli.context import App

if TYPE_CHECKING:
    from vmferry.service.fleet import Fleet
    from vmferry.service.ground import Ground, Standing


def survey_ground(app: App, fleet: Fleet, wanted: str, to: str | None) -> Ground:
    """Raises UserError for an unknown guest or target and for a target that is the source."""
    from vmferry.service.ground import survey_ground as survey

    return survey(fleet, app.store, wanted, to)


def standing(app: App) -> Standing:
    """What the configuration says of all migrations."""
    from vmferry.service.ground import Standing

    config = app.config
    return Standing(
        probes=config.probes,
        convergences=config.convergences,
        selected=config.selected,
        usual=config.convergence,
        encryption=config.encryption,
        policy=app.policy,
        slots=config.slots,
        bandwidth_bytes_s=config.bandwidth_bytes_s,
        stall_timeout_s=config.stall_timeout_s,
    )
