from __future__ import annotations

from vmferry.hosts.inventory import version
from vmferry.hosts.jobs import read_stats
from vmferry.model.migration import JobStats


def test_libvirts_figures() -> None:
    figures = {
        "type": 2,
        "operation": 5,
        "time_elapsed": 1500,
        "data_total": 600,
        "data_processed": 400,
        "data_remaining": 200,
        "memory_bps": 1000,
        "memory_dirty_rate": 5,
        "memory_page_size": 4096,
        "memory_iteration": 2,
        "downtime": 300,
        "setup_time": 4,
    }
    assert read_stats(figures) == JobStats(1500, 600, 400, 200, 1000, 20480, 2, 300, 4)


def test_the_first_instants_have_no_figures() -> None:
    assert read_stats({"type": 2, "operation": 5}) == JobStats(0, 0, 0, 0)


def test_versions() -> None:
    assert (version(10_000_002), version(11_003_000)) == ("10.0.2", "11.3.0")
