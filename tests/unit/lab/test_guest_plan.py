"""Lab guests before they are: names, sizes, XML, records."""

import json
from dataclasses import asdict, replace
from pathlib import PurePath

import pytest
from lxml import etree

from vmferry.errors import UserError
from vmferry.lab.guest_page import parse_page
from vmferry.lab.guest_plan import MIB, Disk, GuestPlan, Storage, check_name, check_plan, mac_of
from vmferry.lab.guest_record import GuestRecord, decode_record, free_index
from vmferry.lab.guest_xml import PROBE_NAMESPACE, Boot, domain_xml

PLAN = GuestPlan("web-1", 512 * MIB, 20 * MIB, 128 * MIB)
BOOT = Boot(PurePath("/usr/lib/vmferry-lab/abc"), "10.1.2.101", 24)
DISKS = tuple(Disk(storage, f"p{number}", MIB) for number, storage in enumerate(Storage))


def parse(disks: tuple[Disk, ...] = ()) -> etree._Element:
    return etree.fromstring(domain_xml(PLAN, BOOT, disks))


@pytest.mark.parametrize("name", ["", "-a", "A", "a b", "a/b", "../a", "a'", "a;b", "x" * 33, "a\n"])
def test_a_name_that_is_unsafe_in_a_path_is_refused(name: str) -> None:
    with pytest.raises(UserError):
        check_name(name)


@pytest.mark.parametrize(
    "change",
    [
        {"memory_bytes": 64 * MIB},
        {"memory_bytes": 512 * MIB + 4096},
        {"working_set_bytes": 500 * MIB},
        {"machine": "q35"},
        {"machine": "pc-q35-9.0'"},
    ],
)
def test_a_guest_that_could_not_run_is_refused(change: dict[str, int]) -> None:
    with pytest.raises(UserError):
        check_plan(replace(PLAN, **change))


def test_a_plain_guest_is_accepted() -> None:
    assert check_plan(PLAN) is PLAN


def test_the_address_on_the_page_and_in_the_guest_is_one() -> None:
    domain = parse()
    probe = domain.find(f"metadata/{{{PROBE_NAMESPACE}}}probe")
    assert probe is not None
    assert probe.attrib == {"address": "10.1.2.101", "url": "http://10.1.2.101/"}
    assert "vmferry.address=10.1.2.101/24" in domain.findtext("os/cmdline", "").split()


def test_every_kind_of_disk_is_its_own_device_without_host_cache() -> None:
    disks = parse(DISKS).findall("devices/disk")
    assert [disk.find("target").get("dev") for disk in disks] == ["vda", "vdb", "vdc", "vdd"]
    assert {disk.find("driver").get("cache") for disk in disks} == {"none"}
    sources = [(d.get("type"), d.find("source").get("protocol") or d.find("source").get("file")) for d in disks]
    assert sources == [
        ("network", "iscsi"),
        ("network", "nfs"),
        ("file", "/srv/shared/p2"),
        ("file", "/var/lib/libvirt/images/p3"),
    ]


def test_the_network_card_has_no_boot_rom_whose_size_could_differ_between_hosts() -> None:
    assert parse().find("devices/interface/rom").get("enabled") == "no"


def test_in_a_mixed_lab_no_guest_has_memory_of_whole_quarters_of_a_mib() -> None:
    namespace = {"qemu": "http://libvirt.org/schemas/domain/qemu/1.0"}
    words = etree.fromstring(domain_xml(PLAN, BOOT, (), mixed=True)).xpath("//qemu:arg/@value", namespaces=namespace)
    size_kib = int(words[1].removeprefix("size=").removesuffix("k"))
    assert size_kib % 256 != 0
    assert size_kib > PLAN.memory_bytes >> 10
    assert f"size={size_kib}K" in words[3]
    assert parse().xpath("//qemu:arg", namespaces=namespace) == []


def test_an_address_has_one_mac_of_qemus_own() -> None:
    assert mac_of("10.213.0.101") == "52:54:00:d5:00:65"
    assert parse().find("devices/interface/mac").get("address") == mac_of(BOOT.address)


def test_a_record_reads_back() -> None:
    record = GuestRecord("a", 3, DISKS)
    assert decode_record(json.dumps(asdict(record))) == record


def test_the_lowest_free_address_is_given_out() -> None:
    taken = [GuestRecord("a", 0, ()), GuestRecord("c", 2, ())]
    assert free_index([]) == 0
    assert free_index(taken) == 1
    assert free_index([*taken, GuestRecord("b", 1, ())]) == 3


def test_a_pages_errors_are_those_of_memory_and_of_all_disks() -> None:
    disk = {"device": "vda", "writes": 9, "verified": 8, "cycles": 1, "errors": 2}
    page = {
        "name": "a",
        "heartbeat": 1,
        "uptime_ms": 2,
        "heartbeat_gap_max_ms": 3,
        "working_set_bytes": 4,
        "dirty_target_bytes_s": 5,
        "memory_dirtied_bytes": 6,
        "memory_verified": 7,
        "memory_errors": 1,
        "disks": [disk, disk],
    }
    assert parse_page(json.dumps(page)).errors == 5
