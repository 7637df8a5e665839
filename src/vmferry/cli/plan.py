"""`vmferry plan`: the targets in order, with reasons and what a migration to each would take."""

from __future__ import annotations

from typing import Any

import click

from vmferry.cli.completion import complete_guest
from vmferry.cli.context import App, pass_app
from vmferry.cli.errors import DONE, REFUSED
from vmferry.cli.migration_options import survey_ground, usual_wish
from vmferry.cli.migration_view import forecast_lines
from vmferry.cli.options import Command, policy_option, timeout_option
from vmferry.cli.output import write_lines
from vmferry.cli.storage_options import read_storage, storage_options


@click.command("plan", cls=Command)
@click.argument("guest", metavar="GUEST", shell_complete=complete_guest)
@click.option("--measure", "measure_s", type=click.IntRange(1, 60), default=2, show_default=True, metavar="SECONDS")
@storage_options
@policy_option
@timeout_option()
@pass_app
def plan(
    app: App,
    /,
    guest: str,
    measure_s: int,
    timeout_s: float,
    **storage: Any,  # noqa: ANN401 - click's own
) -> int:
    """Rank the targets of GUEST and predict the migration to each.

    The guest's dirty rate is measured for --measure seconds; that slows it down a little and changes nothing.
    """
    from vmferry.cli.finding_view import risk_lines, target_line
    from vmferry.service.check import check
    from vmferry.service.documents import plan_document
    from vmferry.service.predict import predict_each

    wish = usual_wish(app, read_storage(storage))
    with app.fleet(timeout_s) as fleet:
        ground = survey_ground(app, fleet, guest, None)
        report = check(ground.source, ground.guest, ground.targets, ground.unreached, app.policy, wish)
        forecasts = predict_each(report, ground.source, ground.targets, app.store, measure_s=measure_s)
    if not app.readable:
        app.emit(plan_document(report, forecasts))
    else:
        lines = [f"{report.guest.name} on {report.source}"]
        for each in report.candidates:
            lines.append(target_line(report, each))
            if each.host in forecasts:
                lines += [f"  {line}" for line in forecast_lines(forecasts[each.host])]
        write_lines([*lines, *risk_lines(report.risks)])
    return DONE if report.best is not None else REFUSED
