"""`vmferry`: the program. Every command loads when it runs, so that the others do not wait for it."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from vmferry import __version__
from vmferry.cli.context import App
from vmferry.cli.errors import DONE, report
from vmferry.cli.options import Program
from vmferry.wiring import Wiring, real

COMMANDS = {
    "host": ("vmferry.cli.host:host", "The hosts: add, list, show, check, remove."),
    "guest": ("vmferry.cli.guest:guest", "The guests of all hosts: list, show."),
    "check": ("vmferry.cli.check:check", "Check a guest against its possible targets; changes nothing."),
    "tls": ("vmferry.cli.tls:tls", "Certificates of the hosts, for encrypted migrations: init, status, renew."),
    "facts": ("vmferry.cli.facts:facts", "Save what was observed, to be judged again without a host."),
    "rule": ("vmferry.cli.rule:rule", "The rules that are checked: list, show."),
    "plan": ("vmferry.cli.plan:plan", "Rank a guest's targets, with reasons and a forecast."),
    "plan-moves": ("vmferry.cli.plan_moves:plan_moves", "Plan when each of many moves runs, for a fleet in a file."),
    "migrate": ("vmferry.cli.migrate:migrate", "Move a guest live to another host."),
    "drain": ("vmferry.cli.drain:drain", "Move all guests of a host away, live, for its maintenance."),
    "undrain": ("vmferry.cli.drain:undrain", "Let a host take guests again after a drain, and bring them back."),
    "balance": ("vmferry.cli.balance:balance", "Even out the fleet, or empty hosts that it does not need."),
    "disk": ("vmferry.cli.disk:disk", "A disk of a guest by itself: move."),
    "job": ("vmferry.cli.job:job", "Migrations: list, show, watch, cancel, repair."),
    "worker": ("vmferry.cli.worker:worker", "Take the jobs of all commands, and those that dead ones left."),
    "serve": ("vmferry.cli.serve:serve", "Serve the pages, the HTTP API and the metrics, and take jobs."),
    "doctor": ("vmferry.cli.doctor:doctor", "What is wrong with this installation."),
    "user": ("vmferry.cli.user:user", "People who sign in at the pages: add, list, password, remove."),
    "token": ("vmferry.cli.token:token", "What programs sign in with at the HTTP API: add, list, remove."),
    "demo": ("vmferry.cli.demo:demo", "The main job on the lab, and a migration that fails, from start to end."),
    "lab": ("vmferry.cli.lab:lab", "Several real hosts on this machine, for trials and tests."),
    "completion": ("vmferry.cli.completion:completion", "Print the completion script of a shell."),
}


@click.group(
    "vmferry",
    cls=Program,
    lazy=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "VMFERRY"},
)
@click.version_option(__version__, prog_name="vmferry")
def program() -> None:
    """Live migration for plain libvirt/KVM hosts: checked before, verified after, rolled back on failure."""


def run(arguments: Sequence[str] | None = None, wiring: Wiring | None = None) -> int:
    """One command from its arguments to its exit code. Tests hand in their own wiring."""
    app = App(wiring or real())
    try:
        result = program.main(arguments, prog_name="vmferry", obj=app, standalone_mode=False)
    except SystemExit as end:  # click's own, after completing for a shell or writing help to a closed pipe
        return end.code if isinstance(end.code, int) else DONE
    except (Exception, KeyboardInterrupt) as error:
        return report(error, debug=app.debug)
    return result if isinstance(result, int) else DONE


def main() -> None:
    """The installed command."""
    sys.exit(run())
