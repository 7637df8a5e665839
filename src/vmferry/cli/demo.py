"""`vmferry demo`: the main job on a lab, from nothing, and a migration that fails and is rolled back."""

from __future__ import annotations

import click

from vmferry.cli.context import App, pass_app
from vmferry.cli.errors import DONE, FAILED
from vmferry.cli.options import Command


@click.command("demo", cls=Command)
@click.option("--keep", is_flag=True, help="Leave the lab up.")
@pass_app
def demo(app: App, keep: bool) -> int:
    """Build a small fleet on this machine and migrate a busy guest live between its hosts."""
    from vmferry.cli.demo_scenes import Demo
    from vmferry.lab.layout import layout_of_environment

    story = Demo(app, layout_of_environment())
    good = story.play(keep=keep)
    if not app.readable:
        app.emit(story.document())
    return DONE if good else FAILED
