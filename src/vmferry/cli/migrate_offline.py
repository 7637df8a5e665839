"""`vmferry migrate --offline`: of a guest that is off."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from vmferry.cli.interrupt import cancelling
from vmferry.cli.job_reconcile import reconcile_dead
from vmferry.cli.migration_options import survey_ground
from vmferry.errors import UserError
from vmferry.model.migration import MigrationResult
from vmferry.model.wish import Copying, Wish

if TYPE_CHECKING:
    from vmferry.cli.context import App
    from vmferry.cli.migrate import Narrator

LIVE_ONLY = Copying()


def perform_offline(app: App, wish: Wish, narrator: Narrator, timeout_s: float) -> MigrationResult:
    """Raises UserError where an option is given that only a running guest has a use for."""
    if wish.definition is not None or replace(wish.copying, storage=LIVE_ONLY.storage) != LIVE_ONLY:
        raise UserError("--offline takes --to, --yes and the options of disks only: nothing else is copied of a guest")
    with app.fleet(timeout_s) as fleet:
        from vmferry.service.offline_request import OfflineMoving, OfflineWish

        reconcile_dead(app, fleet)
        ground = survey_ground(app, fleet, wish.guest, wish.to)
        storage = wish.copying.storage
        storage = replace(storage, choice=storage.choice or app.config.storage)
        asked = OfflineWish(storage, app.policy, wish.accept_unknown)
        with cancelling(f"the move of {ground.guest.name}") as cancel:
            moving = OfflineMoving(ground.guest, ground.source, ground.targets, asked, app.tools, narrator, cancel)
            result = moving.run()
        narrator.line.close()
    return result
