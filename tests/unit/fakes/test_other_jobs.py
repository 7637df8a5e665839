from __future__ import annotations

from vmferry.fakes import FakeConnector, FakeWorld
from vmferry.model.migration import MigrationOrder


def test_a_fake_guest_may_have_a_job_of_another_kind() -> None:
    world = FakeWorld()
    host = FakeConnector(world).connect(world.add_host("alpha"), 5)
    web = world.add_guest("web", "alpha")
    assert host.guest_facts(web.uuid).job is None
    world.host("alpha").other_jobs[web.uuid] = "backup"
    assert host.guest_facts(web.uuid).job == "backup"
    assert host.job_stats(web.uuid) is None


def test_a_copy_that_runs_is_a_job_of_its_guest() -> None:
    world = FakeWorld()
    host, target = FakeConnector(world).connect(world.add_host("alpha"), 5), world.add_host("beta")
    web = world.add_guest("web", "alpha")
    seen: set[str | None] = set()
    world.watch_copy = lambda _: seen.add(host.guest_facts(web.uuid).job)
    host.migrate(MigrationOrder(web.uuid, target.uri, None, persistent=True))
    assert seen == {"outgoing migration"}
