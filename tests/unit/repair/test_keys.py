"""Keys of configuration files: a repair for each makes the rule pass that found fault."""

from __future__ import annotations

from dataclasses import replace

import pytest

from vmferry.facts.conf import ConfFile, ConfValue, Setting
from vmferry.facts.host import HostFacts, KnownGuest
from vmferry.facts.system import SystemFacts, Unit
from vmferry.model.finding import Severity
from vmferry.repair.keys import REPAIRS, KeyRepair, merged, wanted_keys, wanted_uuid
from vmferry.rules import all_rules

RULES = {rule.id: rule for rule in all_rules()}
BAD: dict[str, ConfValue] = {"auth_tcp": "none", "max_clients": 30}


def host(daemon: str, **settings: ConfValue) -> HostFacts:
    """One whose daemon's own file says this."""
    lines = tuple(Setting(key, value, line) for line, (key, value) in enumerate(settings.items(), 1))
    file = "qemu" if daemon == "qemu" else daemon
    running = "libvirtd" if daemon == "qemu" else daemon
    units = tuple(Unit(f"{name}.service", "loaded", "active", "enabled") for name in dict.fromkeys((running,)))
    if daemon == "virtproxyd":
        units += (Unit("virtqemud.service", "loaded", "active", "enabled"),)
    system = SystemFacts(init="systemd", units=units, confs=(ConfFile(f"/etc/libvirt/{file}.conf", lines),))
    return HostFacts("h1", peer_uri="qemu+ssh://root@h1/system", system=system)


def faults(facts: HostFacts, repair: KeyRepair) -> list[Severity]:
    return [finding.severity for finding in RULES[repair.rule].findings(facts) if finding.severity is not Severity.INFO]


@pytest.mark.parametrize(
    ("repair", "file"),
    [pytest.param(repair, file, id=f"{repair.key}-{file}") for repair in REPAIRS for file in repair.files],
)
def test_what_a_rule_finds_fault_with_is_mended_so_that_it_passes(repair: KeyRepair, file: str) -> None:
    bad = host(file, **{repair.key: BAD.get(repair.key, 0)})
    assert faults(bad, repair)
    assert bad.system is not None
    findings = RULES[repair.rule].findings(bad)
    daemons = ("virtqemud", "virtproxyd") if file.startswith("virt") else ("libvirtd",)
    (wanted,) = wanted_keys(bad.system, findings, daemons)
    assert wanted.path == f"/etc/libvirt/{file}.conf"
    assert wanted.values == ((repair.key, repair.value),)
    assert wanted.restarts == (f"{'libvirtd' if file == 'qemu' else file}.service",)
    value = int(repair.value) if repair.value.isdigit() else repair.value
    assert not faults(host(file, **{repair.key: value}), repair)
    assert wanted_keys(bad.system, (), daemons) == ()


def test_a_choice_that_nothing_is_wrong_with_is_kept() -> None:
    facts = host("libvirtd", auth_tcp="sasl", max_workers=40)
    assert facts.system is not None
    findings = [
        replace(RULES[rule].findings(host("libvirtd", auth_tcp="none"))[0], rule=rule)
        for rule in ("daemon.config.auth_tcp",)
    ]
    assert wanted_keys(facts.system, findings, ("libvirtd",)) == ()


TWIN = HostFacts("h2", host_uuid="aa")


def test_a_host_uuid_of_its_own() -> None:
    (wanted,), left = wanted_uuid(HostFacts("h1", host_uuid="aa"), [TWIN], ("libvirtd",), "fresh")
    assert (wanted.path, wanted.values, left) == ("/etc/libvirt/libvirtd.conf", (("host_uuid", "fresh"),), ())
    assert wanted_uuid(HostFacts("h1", host_uuid="bb"), [TWIN], ("libvirtd",), "fresh") == ((), ())
    assert wanted_uuid(HostFacts("h1"), [HostFacts("h2")], ("libvirtd",), "fresh") == ((), ())


def test_no_new_host_uuid_while_guests_run() -> None:
    here = HostFacts("h1", host_uuid="aa", guests=(KnownGuest("web", "1", active=True),))
    wanted, (left,) = wanted_uuid(here, [TWIN], ("libvirtd",), "fresh")
    assert wanted == ()
    assert "guests run here" in left.why


def test_one_file_is_edited_once() -> None:
    uuid, _ = wanted_uuid(HostFacts("h1", host_uuid="aa"), [TWIN], ("libvirtd",), "fresh")
    (one,) = merged([*uuid, *uuid])
    assert (len(one.values), one.restarts) == (2, ("libvirtd.service",))
