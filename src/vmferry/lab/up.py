"""Building a lab up, or what is missing of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from vmferry.errors import UserError
from vmferry.lab import access, host, mounts, network, state
from vmferry.lab.down import claim_directories, clear, exists
from vmferry.lab.guest_image import prepare_guest_image, remove_older_images
from vmferry.lab.image import ensure_images
from vmferry.lab.layout import Layout
from vmferry.lab.parallel import side_by_side
from vmferry.lab.plan import STORAGE, TRIXIE, HostPlan, LabPlan, make_plan
from vmferry.lab.rates import note_rates
from vmferry.lab.recipe import Recipe, make_recipe
from vmferry.lab.state import LabState, Phase, Versions
from vmferry.lab.storage import CLIENT_PACKAGES, STORAGE_PACKAGES, after_boot

Say = Callable[[str], None]


def recipe_of(release: str) -> Recipe:
    """Hypervisors and the storage host share one image: a second one would cost more time than its size."""
    if release == TRIXIE:
        return make_recipe(release, (*CLIENT_PACKAGES, *STORAGE_PACKAGES))
    return make_recipe(release, CLIENT_PACKAGES)


def bring_up(layout: Layout, hosts: int, mixed: bool, say: Say) -> LabState:
    """Returns when every host and the storage can be used. The caller holds the lab lock.

    A lab that is up stays as it is, but for hosts without power, which are started. Raises UserError where it is
    another one than asked for.
    """
    found = state.load(layout)
    if found and found.is_up:
        return _complete(layout, found, hosts, mixed, say)
    if exists(layout):
        say("removing what an interrupted lab left")
        clear(layout)
    plan = make_plan(layout.name, hosts, mixed, network.routes())
    begun = LabState(plan, Phase.STARTING, state.boot_id(), {})
    state.save(layout, begun)
    ready = replace(begun, phase=Phase.UP, versions=_build(layout, plan, say))
    state.save(layout, ready)
    return ready


def start(layout: Layout, found: LabState, names: list[str]) -> None:
    """Boots hosts that have no power, all at once, and waits until they can be used; others may be off."""
    chosen = [found.plan.host(name) for name in names]
    for one in chosen:
        host.lose_power(layout, one.name)  # of a host that is half there, the other half
        if not host.is_mounted(layout, one.name):
            raise UserError(f"{one.name} has no disk any more: vmferry lab down, then vmferry lab up")
        host.boot(layout, one)
    _wait(layout, chosen)
    after_boot(layout, chosen, host.is_running(layout, STORAGE))
    note_rates(layout, found, dict.fromkeys(names))  # their new cables carry all they can


def _complete(layout: Layout, found: LabState, hosts: int, mixed: bool, say: Say) -> LabState:
    have = len(found.plan.hypervisors)
    if (have, found.plan.mixed) != (hosts, mixed):
        kind = f"{have} host{'s' if have > 1 else ''}{', mixed,' if found.plan.mixed else ''}"
        raise UserError(
            f"a lab of {kind} is up already: to have another one, vmferry lab down first,"
            f" then vmferry lab up --hosts {hosts}{' --mixed' if mixed else ''}"
        )
    off = [one.name for one in found.plan.hosts if not host.is_running(layout, one.name)]
    if not off:
        say("the lab is up already; nothing was changed")
        return found
    say(f"the lab is up already; starting {', '.join(off)}")
    start(layout, found, off)
    return found


def _build(layout: Layout, plan: LabPlan, say: Say) -> dict[str, Versions]:
    image = prepare_guest_image(layout.cache)
    if not mounts.below(layout.cache):  # a guest of a lab that is up may still have to boot from an older one
        remove_older_images(image)
    built = ensure_images(layout.images, [recipe_of(release) for release in plan.releases], say)
    images = dict(zip(plan.releases, built, strict=True))
    say(f"starting {', '.join(one.name for one in plan.hosts)}")
    claim_directories()
    access.write_access(layout, plan)
    network.build(layout, plan)
    for one in (plan.storage, *plan.hypervisors):
        host.mount_root(layout, one, images[one.release])
        host.configure(layout, plan, one)
        host.boot(layout, one)
    versions = _wait(layout, list(plan.hosts))
    after_boot(layout, plan.hosts, storage_is_on=True)
    return versions


def _wait(layout: Layout, hosts: list[HostPlan]) -> dict[str, Versions]:
    answers = side_by_side(lambda one: host.wait_reachable(layout, one), hosts)
    return {one.name: answer for one, answer in zip(hosts, answers, strict=True) if answer}
