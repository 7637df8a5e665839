"""Figures for Prometheus: of the migrations that ended while this daemon ran, and of what is now."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Histogram
from prometheus_client import Counter as Total
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from vmferry.errors import VmferryError
from vmferry.flow.states import AT_REST
from vmferry.model.host import HostState
from vmferry.model.job import Job
from vmferry.model.migration import MigrationResult, Outcome
from vmferry.service.bulletin import MOST_JOBS, News
from vmferry.service.check import CheckReport

if TYPE_CHECKING:
    from vmferry.api.site import Site

SECONDS = (0.5, 1, 2, 5, 10, 20, 60, 120, 300, 900, 3600)
DOWNTIMES_S = (0.01, 0.03, 0.1, 0.2, 0.3, 0.5, 1, 2, 5, 30)
RATIOS = (0.5, 0.75, 0.9, 0.95, 1.0, 1.05, 1.1, 1.25, 1.5, 2.0, 4.0)


class Figures:
    """`hear` is a listener of the bulletin."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self.registry = CollectorRegistry()
        own = self.registry
        self._ended = Total("vmferry_migrations", "Migrations that ended", ["outcome"], registry=own)
        for outcome in Outcome:
            self._ended.labels(outcome.value)
        self._took = Histogram(
            "vmferry_migration_duration_seconds", "Of the copy, by libvirt", buckets=SECONDS, registry=own
        )
        self._down = Histogram(
            "vmferry_migration_downtime_seconds", "The guest stood still", buckets=DOWNTIMES_S, registry=own
        )
        self._sent = Total("vmferry_migration_transferred_bytes", "Memory and disks sent", registry=own)
        self._off = Histogram(
            "vmferry_forecast_duration_ratio", "Measured duration by forecast", buckets=RATIOS, registry=own
        )
        self._steps = Histogram(
            "vmferry_job_step_seconds", "Steps of migrations", ["step"], buckets=SECONDS, registry=own
        )
        self._findings = Total(
            "vmferry_findings", "Of checks and plans that were asked for here", ["rule", "severity"], registry=own
        )
        own.register(_Now(site))

    def hear(self, news: News) -> None:
        if news.job is None or news.document["outcome"] is None:
            return
        with contextlib.suppress(VmferryError):  # the store is away: this one is not counted
            self.count(self._site.tools.jobs.job(news.job).result)

    def checked(self, report: CheckReport) -> None:
        """What stands in the way, once for each target that it stands in the way of."""
        for candidate in report.candidates:
            for finding in candidate.judged.open:
                self._findings.labels(finding.rule, str(finding.severity)).inc()

    def count(self, result: MigrationResult) -> None:
        self._ended.labels(str(result.outcome)).inc()
        for step in result.steps:
            if step.ended is not None:
                self._steps.labels(step.step).observe(_seconds(step.started, step.ended))
        measured, forecast = result.measured, result.forecast
        if measured is None or result.outcome is not Outcome.MIGRATED:
            return
        self._took.observe(measured.duration_s)
        self._sent.inc(measured.transferred_bytes)
        if measured.downtime_ms is not None:
            self._down.observe(measured.downtime_ms / 1000)
        if forecast is not None and forecast.duration_s.p50 > 0:
            self._off.observe(measured.duration_s / forecast.duration_s.p50)


class _Now(Collector):
    """What is read when it is asked for."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterable[Metric]:
        hosts = GaugeMetricFamily("vmferry_hosts", "Hosts by state", labels=["state"])
        guests = GaugeMetricFamily("vmferry_guests", "Guests by state", labels=["state"])
        jobs = GaugeMetricFamily("vmferry_jobs", "Jobs that are not at their end, by state", labels=["state"])
        workers = GaugeMetricFamily("vmferry_workers", "Workers that take jobs")
        with contextlib.suppress(VmferryError):
            seen = self._site.roll.seen()
            states = Counter(each.state for each in seen.hosts)
            for state in HostState:
                hosts.add_metric([state.value], states[state])
            for kind, number in Counter(each.state for each in seen.guests).items():
                guests.add_metric([kind.value], number)
        with contextlib.suppress(VmferryError):
            for name, number in Counter(each.state for each in _open(self._site)).items():
                jobs.add_metric([name], number)
            workers.add_metric([], len(self._site.tools.jobs.workers()))
        return hosts, guests, jobs, workers


def _open(site: Site) -> Iterable[Job]:
    found = site.tools.jobs.jobs(unfinished=True, most=MOST_JOBS)
    return (job for job in found if job.state not in AT_REST or job.result.outcome is Outcome.IN_DOUBT)


def _seconds(started: str, ended: str) -> float:
    return (datetime.fromisoformat(ended) - datetime.fromisoformat(started)).total_seconds()
