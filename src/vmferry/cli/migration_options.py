"""What `check`, `plan`, `migrate` and `worker` share. Called while the hosts are being connected to."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from vmferry.cli.context import App

if TYPE_CHECKING:
    from vmferry.facts.wish import MoveWish
    from vmferry.model.storage import StorageWish
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
        storage=config.storage,
        groups=config.groups,
        weights=config.weights,
    )


def usual_wish(app: App, storage: StorageWish, given: str | None = None) -> MoveWish:
    """What is checked where nothing is to be moved yet. `given`: the user's own definition."""
    from vmferry.facts.wish import MoveWish
    from vmferry.service.request import with_disks

    config = app.config
    wish = MoveWish(encryption=config.encryption, definition=given, groups=config.groups, weights=config.weights)
    return with_disks(wish, replace(storage, choice=storage.choice or app.config.storage))
