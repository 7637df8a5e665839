"""Vectors of virtio devices in a guest's persistent definition."""

from __future__ import annotations

import pytest
from lxml import etree

from vmferry.repair.change import Definition, Kind
from vmferry.repair.guests import vectors_changes
from vmferry.repair.text import unified_diff
from vmferry.xml.lowered import lowered_vectors

QEMU = "http://libvirt.org/schemas/domain/qemu/1.0"


def domain(devices: str, more: str = "") -> str:
    return f"<domain type='kvm' xmlns:qemu='{QEMU}'>\n  <!-- kept -->\n  <devices>{devices}</devices>{more}\n</domain>"


CASES = [
    (domain("<controller type='virtio-serial' index='0' vectors='33'/>"), "vectors='33'", 'vectors="32"'),
    (
        domain("", "<qemu:commandline><qemu:arg value='virtio-rng-pci,vectors=40,id=a'/></qemu:commandline>"),
        "vectors=40,",
        "vectors=32,",
    ),
    (
        domain("", '<qemu:commandline><qemu:arg value=\'{"driver":"x","vectors": 64}\'/></qemu:commandline>'),
        "64}",
        "32}",
    ),
    (
        domain(
            "",
            "<qemu:override><qemu:device alias='net0'><qemu:frontend><qemu:property name='vectors' type='unsigned' "
            "value='50'/></qemu:frontend></qemu:device></qemu:override>",
        ),
        "value='50'",
        'value="32"',
    ),
]


@pytest.mark.parametrize(("xml", "before", "after"), CASES)
def test_only_the_number_is_changed(xml: str, before: str, after: str) -> None:
    changed, lowered = lowered_vectors(xml, 32)
    assert len(lowered) == 1
    assert etree.canonicalize(changed) == etree.canonicalize(xml.replace(before, after))
    assert lowered_vectors(changed, 32) == (changed, ())


@pytest.mark.parametrize("value", ["vectors=32", "xvectors=99", "vectors=9999999999999", "-device", '{"vectors": "a"}'])
def test_what_is_no_number_above_the_limit_is_left(value: str) -> None:
    xml = domain("", f"<qemu:commandline><qemu:arg value='{value}'/></qemu:commandline>")
    assert lowered_vectors(xml, 32) == (xml, ())


def test_a_running_guest_has_to_be_started_anew() -> None:
    guests = [Definition("1", "web", CASES[0][0], True), Definition("2", "db", domain(""), True)]
    (change,), left = vectors_changes(guests)
    assert (change.kind, change.name, change.before, left) == (Kind.GUEST, "1", CASES[0][0], ())
    assert change.items[0].before == "33"
    assert "shut down and started" in change.then


def test_queues_are_a_persons_choice_and_bad_xml_is_left() -> None:
    nic = "<interface><mac address='a'/><model type='virtio'/><driver queues='20'/></interface>"
    changes, left = vectors_changes(
        [Definition("1", "web", domain(nic), False), Definition("2", "bad", "<domain", False)]
    )
    assert changes == ()
    assert "queues" in left[0].why
    assert left[1].what == "guest bad"


def test_people_are_shown_one_line() -> None:
    (change,), _ = vectors_changes([Definition("1", "web", CASES[0][0], False)])
    changed = [line for line in unified_diff(change) if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    assert len(changed) == 2
