"""How a copy is to be made, as it is typed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from vmferry.fakes import FakeGuest, FakeWorld, MemoryJobs
from vmferry.model.guest import Disk
from vmferry.model.job import Plan
from vmferry.model.tuning import Convergence, Tuning

from .conftest import Vmferry


@pytest.fixture
def web(world: FakeWorld) -> FakeGuest:
    return world.add_guest("web", "alpha", disks=(Disk("vda", "disk", "file", "/srv/shared/web.img", "raw", "none"),))


def planned(vmferry: Vmferry, jobs: MemoryJobs, *options: str) -> Plan:
    ran = vmferry("migrate", "web", "--to", "beta", *options)
    assert ran.code == 0, ran.err
    return jobs.jobs()[0].plan


def test_without_any(vmferry: Vmferry, jobs: MemoryJobs, web: FakeGuest) -> None:
    plan = planned(vmferry, jobs)
    assert (plan.convergence, plan.post_copy, plan.tuning) == (Convergence.BALANCED, True, Tuning())
    assert (plan.max_downtime_ms, plan.max_time_s, plan.bandwidth_bytes_s) == (None, None, None)


@pytest.mark.parametrize(
    ("options", "tuning"),
    [
        (["--auto-converge", "--auto-converge-initial", "30"], Tuning(auto_converge=True, auto_converge_initial=30)),
        (["--parallel", "--parallel-connections", "4"], Tuning(parallel=True, parallel_connections=4)),
        (["--comp-methods", "mt, xbzrle"], Tuning(compression=("mt", "xbzrle"))),
        (["--compression", "xbzrle"], Tuning(compression=("xbzrle",))),
        (
            ["--comp-methods", "xbzrle", "--comp-xbzrle-cache", "64MiB"],
            Tuning(compression=("xbzrle",), compression_tuning=(("compression.xbzrle.cache", 64 << 20),)),
        ),
        (
            ["--comp-methods", "mt", "--comp-mt-level", "3", "--comp-mt-threads", "2", "--comp-mt-dthreads", "1"],
            Tuning(
                compression=("mt",),
                compression_tuning=(
                    ("compression.mt.level", 3),
                    ("compression.mt.threads", 2),
                    ("compression.mt.dthreads", 1),
                ),
            ),
        ),
        (
            ["--parallel", "--comp-methods", "zstd", "--comp-zstd-level", "3"],
            Tuning(parallel=True, compression=("zstd",), compression_tuning=(("compression.zstd.level", 3),)),
        ),
    ],
)
def test_options_of_libvirt(
    vmferry: Vmferry, jobs: MemoryJobs, web: FakeGuest, options: list[str], tuning: Tuning
) -> None:
    plan = planned(vmferry, jobs, *options, "--convergence", "careful")
    assert plan.tuning == Tuning(**{name: getattr(tuning, name) for name in Tuning.__slots__} | {"auto_converge": True})


def test_a_limit_of_post_copy_is_for_where_there_may_be_one(vmferry: Vmferry, jobs: MemoryJobs, web: FakeGuest) -> None:
    limit = ("--postcopy-bandwidth", "5MiB/s")
    refused = vmferry("migrate", "web", *limit, "--convergence", "careful")
    assert refused.code == 3
    assert "options.consistent" in refused.err
    assert planned(vmferry, jobs, *limit).tuning == Tuning(post_copy_bandwidth_bytes_s=5 << 20)


def test_budgets(vmferry: Vmferry, jobs: MemoryJobs, web: FakeGuest) -> None:
    plan = planned(vmferry, jobs, "--max-downtime", "500", "--max-time", "90", "--bandwidth", "100MiB/s")
    assert (plan.max_downtime_ms, plan.max_time_s, plan.bandwidth_bytes_s) == (500, 90, 100 << 20)


@pytest.mark.parametrize(
    ("options", "convergence", "post_copy"),
    [
        (["--convergence", "careful"], Convergence.CAREFUL, False),
        (["--convergence", "must-finish"], Convergence.MUST_FINISH, True),
        (["--post-copy", "never"], Convergence.BALANCED, False),
        (["--post-copy", "allow"], Convergence.BALANCED, True),
    ],
)
def test_policies(
    vmferry: Vmferry,
    jobs: MemoryJobs,
    web: FakeGuest,
    options: list[str],
    convergence: Convergence,
    post_copy: bool,
) -> None:
    plan = planned(vmferry, jobs, *options)
    assert (plan.convergence, plan.post_copy) == (convergence, post_copy)
    assert plan.tuning.auto_converge is not post_copy


@pytest.mark.parametrize(
    ("text", "options", "expected"),
    [
        ('[migration]\nconvergence = "careful"', [], Convergence.CAREFUL),
        ('[guests.web]\nconvergence = "careful"', [], Convergence.CAREFUL),
        (
            '[migration]\nconvergence = "careful"\n[guests.web]\nconvergence = "must-finish"',
            [],
            Convergence.MUST_FINISH,
        ),
        ('[guests.web]\nconvergence = "careful"', ["--convergence", "balanced"], Convergence.BALANCED),
        ('[guests.other]\nconvergence = "careful"', [], Convergence.BALANCED),
    ],
)
def test_policies_of_the_configuration(
    vmferry: Vmferry,
    jobs: MemoryJobs,
    web: FakeGuest,
    tmp_path: Path,
    text: str,
    options: list[str],
    expected: Convergence,
) -> None:
    file = tmp_path / "config.toml"
    file.write_text(text)
    assert planned(vmferry, jobs, "--config", str(file), *options).convergence is expected


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--convergence", "careful", "--post-copy", "allow"], "careful never uses post-copy"),
        (["--convergence", "fast"], "fast"),
        (["--comp-methods", "gzip"], "'gzip' is none of mt, xbzrle, zlib, zstd"),
        (["--max-downtime", "0"], "0"),
        (["--max-downtime", "2000001"], "2000001"),
        (["--max-time", "0"], "0"),
        (["--max-time", "nan"], "nan"),
        (["--parallel-connections", "256"], "256"),
        (["--auto-converge-initial", "100"], "100"),
        (["--bandwidth", "fast"], "fast"),
        (["--postcopy-bandwidth", "-1"], "-1"),
    ],
)
def test_what_is_no_use(vmferry: Vmferry, world: FakeWorld, web: FakeGuest, options: list[str], said: str) -> None:
    ran = vmferry("migrate", "web", *options)
    assert ran.code == 2
    assert said in ran.err
    assert world.running_on(web) == ("alpha",)


def test_a_target_without_post_copy_is_refused_where_it_is_asked_for(
    vmferry: Vmferry, world: FakeWorld, web: FakeGuest
) -> None:
    beta = world.host("beta")
    beta.system = replace(beta.system, userfaultfd=0)
    ran = vmferry("migrate", "web", "--to", "beta", "--post-copy", "allow")
    assert ran.code == 3
    assert "host.userfaultfd" in ran.err
    assert vmferry("migrate", "web", "--to", "beta").code == 0


def test_nothing_to_force(vmferry: Vmferry, jobs: MemoryJobs, web: FakeGuest) -> None:
    planned(vmferry, jobs)
    ran = vmferry("job", "force", jobs.jobs()[0].id)
    assert ran.code == 3
    assert "there is nothing to force" in ran.err
    assert vmferry("job", "force", "no-such-job").code == 2


def test_tuning_of_a_method_that_is_not_chosen_is_refused(vmferry: Vmferry, web: FakeGuest) -> None:
    refused = vmferry("migrate", "web", "--to", "beta", "--comp-xbzrle-cache", "64MiB")
    assert refused.code == 3
    assert "xbzrle is tuned but not chosen" in refused.err
