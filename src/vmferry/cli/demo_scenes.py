"""The scenes of `vmferry demo`, one after the other. Everything in it is real: hosts, storage, guest, and the fault."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any

from vmferry.cli.context import App
from vmferry.cli.finding_view import check_lines
from vmferry.cli.migrate import Narrator, perform
from vmferry.cli.migration_options import survey_ground
from vmferry.cli.migration_view import forecast_lines, result_lines
from vmferry.cli.output import say_lines
from vmferry.errors import UserError
from vmferry.forecast.progress import Progress
from vmferry.lab.control import down, need_root, set_link, set_rate, up
from vmferry.lab.guest import create_guest, guest_address
from vmferry.lab.guest_page import GuestPage, wait_for_page
from vmferry.lab.guest_plan import GuestPlan, Storage
from vmferry.lab.layout import Layout
from vmferry.lab.shell import ssh
from vmferry.lab.state import load
from vmferry.model.migration import Forecast, MigrationResult, Outcome
from vmferry.model.wish import Wish
from vmferry.service.check import check
from vmferry.service.documents import migration_document, plan_document
from vmferry.service.fleet import TIMEOUT_S
from vmferry.service.predict import predict_each

MIB = 1 << 20
GUEST = GuestPlan("web", memory_bytes=512 * MIB, dirty_bytes_s=20 * MIB, working_set_bytes=128 * MIB)
LINK, SLOW_LINK = "600mbit", "150mbit"
SPOILED = "h3"
KILL_AT_PERCENT = 20.0
ANSWER_S = 20.0
"""Two busy cores may let the guest wait for its turn."""


class Saboteur(Narrator):
    """Tells the story like any other narrator, and kills the target's QEMU once the copy is well on its way."""

    def __init__(self, app: App, layout: Layout, guest: str) -> None:
        super().__init__(app)
        self.layout, self.guest = layout, guest
        self.target: str | None = None
        self.struck = threading.Event()

    def chosen(self, target: str, forecast: Forecast | None) -> None:
        super().chosen(target, forecast)
        self.target = target

    def progress(self, progress: Progress) -> None:
        super().progress(progress)
        if progress.percent >= KILL_AT_PERCENT and self.target and not self.struck.is_set():
            self.struck.set()
            threading.Thread(target=self._strike, args=(self.target,), daemon=True).start()

    def _strike(self, target: str) -> None:
        pid = ssh(self.layout, target, "cat", f"/run/libvirt/qemu/{self.guest}.pid").strip()
        ssh(self.layout, target, "kill", "-KILL", pid)


class Demo:
    """Play once; `document` then has what was seen."""

    def __init__(self, app: App, layout: Layout) -> None:
        self.app, self.layout = app, layout
        self.seen: dict[str, Any] = {}

    def play(self, *, keep: bool) -> bool:
        """True where every scene went as it should. The lab is its own, and goes away at the end, whatever happened.

        Raises UserError where there is a lab already: its guests are somebody's.
        """
        need_root()
        if load(self.layout) is not None:
            raise UserError("there is a lab already, and the demo makes its own: vmferry lab down, then again")
        try:
            self._fleet()
            self._guest()
            self._plan()
            good = self._move()
            good = self._fail() and good
        finally:
            if not keep:
                self._scene("The lab goes away again")
                down(self.layout)
        self._scene("Done" if good else "NOT everything went as it should: see above")
        if keep:
            self._repair()
            self.app.note("The lab is still up: vmferry lab status; vmferry guest list; vmferry lab down.")
        return good

    def document(self) -> dict[str, Any]:
        return self.seen

    def _scene(self, title: str) -> None:
        self._tell(["", f"=== {title}"])

    def _tell(self, lines: Iterable[str]) -> None:
        if self.app.verbosity >= 0:
            say_lines(lines)

    def _fleet(self) -> None:
        self._scene("Three hypervisor hosts and a storage host on this machine")
        self.app.note("Each has its own systemd, libvirtd, sshd and addresses. The first time, their image is built.")
        up(self.layout, hosts=3, say=self.app.note)
        self.app.config_path = self.layout.config
        self._shape(LINK, "h1", "h2", "h3")
        ssh(self.layout, SPOILED, "virsh", "net-destroy", "lab")
        self.app.note(
            f"The migration network carries {LINK}. On {SPOILED} something was broken on purpose: a network is down."
        )

    def _shape(self, rate: str, *hosts: str) -> None:
        for name in hosts:
            set_rate(self.layout, name, rate)

    def _repair(self) -> None:
        """What the scenes have broken or slowed down."""
        ssh(self.layout, SPOILED, "virsh", "net-start", "lab")
        for host in ("h1", "h2", "h3"):
            set_link(self.layout, host, up=True)

    def _guest(self) -> None:
        self._scene(f"A busy guest on shared storage: {GUEST.name}")
        made = create_guest(self.layout, GUEST, [Storage.ISCSI], on="h1")
        self.app.note(
            f"{made.name} runs on {made.host} and answers at {made.address}: {GUEST.memory_bytes // MIB} MiB of memory,"
            f" of which it dirties {GUEST.dirty_bytes_s // MIB} MiB a second, and it writes and reads back its disk."
        )

    def _plan(self) -> None:
        self._scene("Which host, and how long will it take?   (vmferry plan web)")
        with self.app.fleet(TIMEOUT_S) as fleet:
            ground = survey_ground(self.app, fleet, GUEST.name, None)
            report = check(ground.source, ground.guest, ground.targets, ground.unreached)
            forecasts = predict_each(report, ground.source, ground.targets, self.app.store, measure_s=2)
        self.seen["plan"] = plan_document(report, forecasts)
        self._tell(check_lines(report, passing=False))
        for host, forecast in forecasts.items():
            self._tell([f"Forecast for {host}:", *forecast_lines(forecast)])

    def _move(self) -> bool:
        self._scene("The migration   (vmferry migrate web)")
        result = perform(self.app, Wish(GUEST.name), Narrator(self.app), TIMEOUT_S)
        self.seen["migration"] = migration_document(result)
        self._tell(result_lines(result))
        well = result.outcome is Outcome.MIGRATED and not result.error
        return self._guest_says() and well

    def _fail(self) -> bool:
        self._scene("A migration that fails: its target's QEMU is killed in the middle")
        self._shape(SLOW_LINK, "h1", "h2")
        saboteur = Saboteur(self.app, self.layout, GUEST.name)
        result = perform(self.app, Wish(GUEST.name, to="h1"), saboteur, TIMEOUT_S)
        self.seen["rollback"] = migration_document(result)
        self._tell([*result_lines(result), f"  {result.error}", f"  {result.error_detail}"])
        return self._guest_says() and self._rolled_back(result, saboteur)

    def _rolled_back(self, result: MigrationResult, saboteur: Saboteur) -> bool:
        return saboteur.struck.is_set() and result.outcome is Outcome.ROLLED_BACK

    def _guest_says(self) -> bool:
        """The guest's own account of its memory and its disk."""
        page: GuestPage = wait_for_page(GUEST.name, guest_address(self.layout, GUEST.name), ANSWER_S)
        self.app.note(
            f"The guest says: heartbeat {page.heartbeat}, {page.memory_verified} pages of memory and "
            f"{sum(disk.verified for disk in page.disks)} blocks of its disk read back, {page.errors} errors."
        )
        self.seen["guest_errors"] = page.errors
        return page.errors == 0
