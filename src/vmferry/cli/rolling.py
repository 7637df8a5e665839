"""`vmferry drain --reboot-command`: one host after the other is emptied, seen to, and filled again."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import replace

from vmferry.cli.context import App
from vmferry.errors import Failed, VmferryError
from vmferry.service.drain import Drain, Drained

PATIENCE_S = 1800.0
"""For a host that restarts: firmware of servers takes minutes."""
ASK_EVERY_S = 5.0


def rolled(app: App, work: Drain, names: Sequence[str], command: str, *, dry_run: bool) -> Drained:
    """Ends at the first host that is not emptied, or whose command fails; the next ones are not touched then.

    Every host's own drain is looked at before the first begins, as things are now; shown is the first's. Raises
    Infeasible, Failed.
    """
    plans = [work.approved(work.plan([name])) for name in names]
    if dry_run:
        return Drained(plans[0])
    last: Drained | None = None
    for name in names:
        if not work.opens():
            return replace(last or Drained(plans[0]), cancelled=True)
        done = work.empty([name])
        last = done if last is None else last.followed_by(done)
        if not last.whole or last.cancelled:
            return last
        app.note(f"{name} is empty: {command}")
        _seen_to(app, name, command)
        _waited_for(app, work, name)
        left = app.store.withdrawn()[name].left
        app.store.readmit(name)
        back = work.bring_back(name, left)
        last = last.followed_by(back)
        if not last.whole or last.cancelled:
            return last
    return last or Drained(plans[0])


def _seen_to(app: App, name: str, command: str) -> None:
    entry = next(each for each in app.entries if each.name == name)
    environment = {**os.environ, "VMFERRY_HOST": name, "VMFERRY_URI": entry.uri}
    done = subprocess.run(["/bin/sh", "-c", command], env=environment, stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise Failed(
            f"the command for {name} ended with {done.returncode}; it is empty and in maintenance: see to it, then "
            f"vmferry undrain {name} --return"
        )


def _waited_for(app: App, work: Drain, name: str) -> None:
    clock = work.tools.clock
    end_s = clock.now_s() + PATIENCE_S
    while True:
        try:
            with work.fleet() as fleet:
                fleet.host(name).describe()
                return
        except VmferryError as error:
            if work.cancel.is_set() or clock.now_s() >= end_s:
                text = f"{name} does not answer after its command ({error.message}); it is in maintenance"
                raise Failed(f"{text}: when it is back, vmferry undrain {name} --return") from None
        clock.sleep(ASK_EVERY_S)
