"""`vmferry disk`: a disk of a guest by itself, the guest staying where it is."""

from __future__ import annotations

import click

from vmferry.cli.completion import complete_guest
from vmferry.cli.context import App, pass_app
from vmferry.cli.interrupt import cancelling
from vmferry.cli.job_reconcile import reconcile_dead
from vmferry.cli.migrate import Narrator, conclude
from vmferry.cli.options import Command, Group, timeout_option
from vmferry.cli.sizes import SIZE
from vmferry.model.storage import Place, SourceVolumes


@click.group("disk", cls=Group)
def disk() -> None:
    """Disks of guests: move one while its guest stays."""


@disk.command("move", cls=Command)
@click.argument("guest", metavar="GUEST", shell_complete=complete_guest)
@click.argument("name", metavar="DISK")
@click.option("--pool", metavar="POOL", required=True, help="Where to, of the pools of the guest's host.")
@click.option("--format", "form", type=click.Choice(["raw", "qcow2"]), help="Without it, as it is.")
@click.option("--bandwidth", type=SIZE, metavar="BYTES_S", help="What the copy may read and write.")
@click.option("--max-time", "max_time_s", type=click.FloatRange(min=0, min_open=True), metavar="S")
@click.option("--synchronous-writes", is_flag=True, help="The guest's writes wait for the new image from the start.")
@click.option(
    "--source-volumes",
    type=click.Choice([each.value for each in SourceVolumes]),
    default=SourceVolumes.KEEP.value,
    show_default=True,
    help="What becomes of the old image, once the guest is seen on the new one.",
)
@click.option("--yes", is_flag=True, help="Go on although something could not be looked at.")
@timeout_option()
@pass_app
def disk_move(
    app: App,
    /,
    guest: str,
    name: str,
    pool: str,
    form: str | None,
    bandwidth: int | None,
    max_time_s: float | None,
    synchronous_writes: bool,
    source_volumes: str,
    yes: bool,
    timeout_s: float,
) -> int:
    """Move DISK of GUEST into another pool of its host while the guest runs; if that fails it stays where it was."""
    with app.fleet(timeout_s) as fleet:
        from vmferry.service.disk_request import DiskMoving, DiskWish
        from vmferry.service.inventory import find_guest

        reconcile_dead(app, fleet)
        found = find_guest(fleet, app.store, guest)
        wish = DiskWish(
            place=Place(name, pool, form),
            bandwidth_bytes_s=bandwidth,
            synchronous=synchronous_writes,
            max_time_s=max_time_s,
            stall_timeout_s=app.config.stall_timeout_s,
            source_volumes=SourceVolumes(source_volumes),
            accept_unknown=yes,
        )
        narrator = Narrator(app)
        with cancelling(f"the move of {name} of {found.guest.name}") as cancel:
            result = DiskMoving(found.host, found.guest, wish, app.tools, narrator, cancel).run()
        narrator.line.close()
    return conclude(app, result)
