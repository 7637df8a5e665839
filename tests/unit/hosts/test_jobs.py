from __future__ import annotations

import re
from dataclasses import replace

import libvirt
import pytest

from vmferry.hosts.inventory import version
from vmferry.hosts.jobs import kind, max_downtime_ms, migrate, read_stats, running
from vmferry.model.edits import Edit, Naming
from vmferry.model.migration import JobStats, MigrationOrder, Mode
from vmferry.model.tuning import Tuning


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
    }
    assert read_stats(figures) == JobStats(1500, 600, 400, 200, 1000, 20480, 2, 300)


def test_the_first_instants_have_no_figures() -> None:
    assert read_stats({"type": 2, "operation": 5}) == JobStats(0, 0, 0, 0)


def test_versions() -> None:
    assert (version(10_000_002), version(11_003_000)) == ("10.0.2", "11.3.0")


class Domain:
    """As far as an order looks at libvirt's."""

    def __init__(self) -> None:
        self.called: tuple[object, ...] = ()

    def migrateToURI3(self, *arguments: object) -> None:
        self.called = arguments

    def XMLDesc(self, flags: int) -> str:
        assert flags & libvirt.VIR_DOMAIN_XML_SECURE, "a password that is left out is lost on the target"
        form = "live"
        if flags & libvirt.VIR_DOMAIN_XML_MIGRATABLE:
            form = "migratable"
        elif flags & libvirt.VIR_DOMAIN_XML_INACTIVE:
            form = "kept"
        return f"<domain><title>{form}</title><os><kernel>/a/k</kernel></os></domain>"


ORDER = MigrationOrder("u", "qemu+ssh://root@h2/system", "tcp://10.0.1.12", persistent=True)
LIVE_P2P = libvirt.VIR_MIGRATE_LIVE | libvirt.VIR_MIGRATE_PEER2PEER
MOVING_ALONG = libvirt.VIR_MIGRATE_PERSIST_DEST | libvirt.VIR_MIGRATE_UNDEFINE_SOURCE


@pytest.mark.parametrize(
    ("order", "parameters", "flags"),
    [
        (ORDER, {"migrate_uri": "tcp://10.0.1.12"}, LIVE_P2P | MOVING_ALONG),
        (replace(ORDER, persistent=False, data_uri=None), {}, LIVE_P2P),
        (replace(ORDER, data_uri=None, bandwidth_bytes_s=10 << 20), {"bandwidth": 10}, LIVE_P2P | MOVING_ALONG),
        (
            replace(
                ORDER,
                data_uri=None,
                persistent=False,
                tuning=Tuning(compression=("xbzrle",), compression_tuning=(("compression.xbzrle.cache", 1 << 26),)),
            ),
            {"compression": ["xbzrle"], "compression.xbzrle.cache": 1 << 26},
            LIVE_P2P | libvirt.VIR_MIGRATE_COMPRESSED,
        ),
        (replace(ORDER, data_uri=None, bandwidth_bytes_s=5), {"bandwidth": 1}, LIVE_P2P | MOVING_ALONG),
    ],
)
def test_what_libvirt_is_told(order: MigrationOrder, parameters: dict[str, object], flags: int) -> None:
    domain = Domain()
    migrate(domain, order)
    assert domain.called == ("qemu+ssh://root@h2/system", parameters, flags)


BARE = replace(ORDER, data_uri=None, persistent=False)


@pytest.mark.parametrize(
    ("order", "parameters", "flags"),
    [
        (replace(BARE, post_copy=True), {}, libvirt.VIR_MIGRATE_POSTCOPY),
        (
            replace(BARE, post_copy=True, tuning=Tuning(post_copy_bandwidth_bytes_s=5 << 20)),
            {"bandwidth.postcopy": 5},
            libvirt.VIR_MIGRATE_POSTCOPY,
        ),
        # Libvirt refuses it of a migration that is none of post-copy.
        (replace(BARE, tuning=Tuning(post_copy_bandwidth_bytes_s=5 << 20)), {}, 0),
        (replace(BARE, resume=True), {}, libvirt.VIR_MIGRATE_POSTCOPY | libvirt.VIR_MIGRATE_POSTCOPY_RESUME),
        (
            replace(BARE, tuning=Tuning(auto_converge=True, auto_converge_initial=30, auto_converge_increment=5)),
            {"auto_converge.initial": 30, "auto_converge.increment": 5},
            libvirt.VIR_MIGRATE_AUTO_CONVERGE,
        ),
        (
            replace(BARE, tuning=Tuning(parallel=True, parallel_connections=4, zerocopy=True)),
            {"parallel.connections": 4},
            libvirt.VIR_MIGRATE_PARALLEL | libvirt.VIR_MIGRATE_ZEROCOPY,
        ),
        (
            replace(BARE, tuning=Tuning(compression=("mt", "xbzrle"))),
            {"compression": ["mt", "xbzrle"]},
            libvirt.VIR_MIGRATE_COMPRESSED,
        ),
        (
            replace(BARE, tuning=Tuning(tls=True, tls_destination="h2")),
            {"tls.destination": "h2"},
            libvirt.VIR_MIGRATE_TLS,
        ),
    ],
)
def test_how_it_is_copied(order: MigrationOrder, parameters: dict[str, object], flags: int) -> None:
    domain = Domain()
    migrate(domain, order)
    assert domain.called == ("qemu+ssh://root@h2/system", parameters, LIVE_P2P | flags)


def test_a_resumed_post_copy_sends_no_definition_again() -> None:
    domain = Domain()
    migrate(domain, replace(EDITED, resume=True))
    assert domain.called[1] == {}


EDITED = replace(ORDER, data_uri=None, edits=(Edit(Naming.PATH, "/a/k", "/b/k"),))


@pytest.mark.parametrize(
    ("order", "parameters"),
    [
        (EDITED, {"destination_xml": "migratable /b/k", "persistent_xml": "kept /b/k"}),
        (replace(EDITED, persistent=False), {"destination_xml": "migratable /b/k"}),
        (replace(EDITED, target_xml="given"), {"destination_xml": "given", "persistent_xml": "kept /b/k"}),
        (replace(EDITED, edits=(), target_xml="given"), {"destination_xml": "given", "persistent_xml": "kept /a/k"}),
    ],
)
def test_definitions_with_the_targets_names(order: MigrationOrder, parameters: dict[str, str]) -> None:
    domain = Domain()
    migrate(domain, order)
    sent = domain.called[1]
    assert isinstance(sent, dict)
    assert {name: " ".join(re.findall(r">([^<]+)<", xml)) or xml for name, xml in sent.items()} == parameters


class Sending:
    """As far as a reading asks."""

    def __init__(self, state: int, reason: int) -> None:
        self.said = [state, reason]

    def jobStats(self) -> dict[str, int]:
        return {"type": 2, "operation": libvirt.VIR_DOMAIN_JOB_OPERATION_MIGRATION_OUT, "auto_converge_throttle": 30}

    def state(self) -> list[int]:
        return self.said


@pytest.mark.parametrize(
    ("state", "reason", "mode"),
    [
        (libvirt.VIR_DOMAIN_RUNNING, libvirt.VIR_DOMAIN_RUNNING_BOOTED, Mode.PRE_COPY),
        (libvirt.VIR_DOMAIN_PAUSED, libvirt.VIR_DOMAIN_PAUSED_MIGRATION, Mode.PRE_COPY),
        (libvirt.VIR_DOMAIN_PAUSED, libvirt.VIR_DOMAIN_PAUSED_POSTCOPY, Mode.POST_COPY),
        (libvirt.VIR_DOMAIN_PAUSED, libvirt.VIR_DOMAIN_PAUSED_POSTCOPY_FAILED, Mode.BROKEN),
    ],
)
def test_what_a_running_copy_is_in(state: int, reason: int, mode: Mode) -> None:
    stats = running(Sending(state, reason))
    assert stats is not None
    assert (stats.mode, stats.throttle_percent) == (mode, 30)


class Busy:
    """As far as its job is asked for."""

    def __init__(self, figures: dict[str, int] | int) -> None:
        self.figures = figures

    def jobStats(self) -> dict[str, int]:
        if isinstance(self.figures, dict):
            return self.figures
        error = libvirt.libvirtError("no")
        error.err = (self.figures, 0, "no", 0, None, None, None, 0, 0)
        raise error


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"type": libvirt.VIR_DOMAIN_JOB_NONE}, None),
        ({"type": 2, "operation": libvirt.VIR_DOMAIN_JOB_OPERATION_BACKUP}, "backup"),
        ({"type": 2, "operation": libvirt.VIR_DOMAIN_JOB_OPERATION_MIGRATION_OUT}, "outgoing migration"),
        ({"type": 2, "operation": 99}, "job"),
        ({"type": 2}, "job"),
        (libvirt.VIR_ERR_OPERATION_UNSUPPORTED, "incoming migration"),
        (libvirt.VIR_ERR_OPERATION_INVALID, None),
        (libvirt.VIR_ERR_NO_SUPPORT, None),
    ],
)
def test_the_kind_of_job(answer: dict[str, int] | int, expected: str | None) -> None:
    assert kind(Busy(answer)) == expected


def test_a_host_that_fails_to_tell_is_no_host_without_jobs() -> None:
    with pytest.raises(libvirt.libvirtError):
        kind(Busy(libvirt.VIR_ERR_NO_DOMAIN))


def test_a_limit_of_downtime_that_is_not_told() -> None:
    """Libvirt's binding raises nothing there."""

    class Domain:
        def __init__(self, answer: int | None) -> None:
            self.answer = answer

        def migrateGetMaxDowntime(self) -> int | None:
            return self.answer

    assert max_downtime_ms(Domain(300)) == 300
    with pytest.raises(libvirt.libvirtError, match="MaxDowntime"):
        max_downtime_ms(Domain(None))
