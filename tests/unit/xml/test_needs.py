"""What a definition asks of a host, as the rules are told of it."""

from __future__ import annotations

import pytest

from vmferry.facts.needs import (
    NO_NEEDS,
    CpuNeed,
    HostFile,
    Needs,
    NodeNeed,
    PageNeed,
    Pin,
    SecretNeed,
    TpmNeed,
)
from vmferry.xml.needs import read_needs
from vmferry.xml.parse import parse

MIB, GIB = 1 << 20, 1 << 30


def needs(inside: str) -> Needs:
    return read_needs(
        parse(
            f"<domain><name>web</name><uuid>u1</uuid><memory unit='GiB'>4</memory>{inside}</domain>", "the definition"
        )
    )


def test_a_plain_guest_needs_nothing() -> None:
    assert needs("<devices/>") == NO_NEEDS


def test_its_cpu() -> None:
    found = needs(
        "<cpu mode='custom'><model>Skylake-Client</model><feature policy='require' name='invtsc'/>"
        "<feature policy='force' name='x'/><feature name='y'/><feature policy='disable' name='mpx'/>"
        "<feature policy='forbid' name='rtm'/><feature policy='optional' name='z'/></cpu>"
        "<clock><timer name='rtc'/><timer name='tsc' frequency='2400000000'/></clock><features><hyperv/></features>"
    )
    assert found.cpu == CpuNeed(
        mode="custom",
        model="Skylake-Client",
        required=frozenset({"invtsc", "x", "y"}),
        disabled=frozenset({"mpx", "rtm"}),
        tsc_hz=2_400_000_000,
        hyperv_mode="custom",
    )


def test_a_cpu_that_is_the_hosts_own_with_all_of_it() -> None:
    assert needs("<cpu mode='host-passthrough' migratable='off'/>").cpu.unchecked
    assert not needs("<cpu mode='host-passthrough' migratable='on'/>").cpu.unchecked


CELLS = "<cpu><numa><cell id='0' cpus='0' memory='1' unit='GiB'/><cell id='1' cpus='1' memory='3145728'/></numa></cpu>"
STRICT = "<numatune><memory mode='strict' nodeset='0-1'/></numatune>"
EACH = "<numatune><memory mode='interleave' nodeset='0'/><memnode cellid='1' mode='strict' nodeset='2'/></numatune>"


@pytest.mark.parametrize(
    ("inside", "nodes"),
    [
        (CELLS, ()),
        (STRICT, (NodeNeed(frozenset({0, 1}), "strict", 4 * GIB),)),
        (
            CELLS + EACH,
            (NodeNeed(frozenset({0}), "interleave", GIB), NodeNeed(frozenset({2}), "strict", 3 * GIB)),
        ),
        ("<numatune><memory mode='strict' placement='auto'/></numatune>", ()),
    ],
)
def test_nodes_of_the_host(inside: str, nodes: tuple[NodeNeed, ...]) -> None:
    assert needs(inside).nodes == nodes


PAGE = "<memoryBacking><hugepages>{}</hugepages></memoryBacking>"
BIG = "<page size='1' unit='G' nodeset='1'/>"


@pytest.mark.parametrize(
    ("inside", "pages"),
    [
        (PAGE.format(""), (PageNeed(None, 4 * GIB),)),
        (PAGE.format("<page size='2048'/>"), (PageNeed(2 * MIB, 4 * GIB),)),
        (CELLS + PAGE.format(BIG), (PageNeed(None, GIB), PageNeed(GIB, 3 * GIB))),
        (CELLS + EACH + PAGE.format(BIG), (PageNeed(None, GIB), PageNeed(GIB, 3 * GIB, frozenset({2})))),
        (STRICT + PAGE.format(""), (PageNeed(None, 4 * GIB, frozenset({0, 1})),)),
    ],
)
def test_huge_pages(inside: str, pages: tuple[PageNeed, ...]) -> None:
    assert needs(inside).pages == pages


def test_where_its_threads_may_run() -> None:
    found = needs(
        "<vcpu cpuset='0-3'>2</vcpu><cputune><vcpupin vcpu='1' cpuset='2'/><emulatorpin cpuset='0,^1'/>"
        "<iothreadpin iothread='1' cpuset='3'/><shares>2048</shares></cputune>"
    )
    assert found.pins == (
        Pin("all vcpus", frozenset({0, 1, 2, 3})),
        Pin("vcpu 1", frozenset({2})),
        Pin("emulator", frozenset({0})),
        Pin("iothread 1", frozenset({3})),
    )


def test_memory_that_is_limited_and_locked() -> None:
    found = needs("<memtune><hard_limit unit='GiB'>5</hard_limit></memtune><memoryBacking><locked/></memoryBacking>")
    assert (found.hard_limit_bytes, found.locked) == (5 * GIB, True)


def test_secrets() -> None:
    found = needs(
        "<devices><disk><source protocol='rbd' name='p/i'><auth username='vms'><secret type='ceph' usage='client.vms'/>"
        "</auth></source><target dev='vda'/></disk>"
        "<disk><source file='/a'><encryption format='luks'><secret type='passphrase' uuid='s1'/></encryption></source>"
        "<target dev='vdb'/></disk>"
        "<tpm model='tpm-crb'><backend type='emulator' version='2.0'><encryption secret='s2'/></backend></tpm>"
        "</devices>"
    )
    assert found.secrets == (
        SecretNeed("vda", None, "client.vms", "ceph"),
        SecretNeed("vdb", "s1", None, "passphrase"),
        SecretNeed("tpm", "s2", None, "vtpm"),
    )
    assert found.tpm == TpmNeed("emulator", "tpm-crb", "2.0", encrypted=True)


def test_files_beside_the_disks() -> None:
    found = needs(
        "<os><type>hvm</type><loader>/f/CODE.fd</loader><nvram template='/f/VARS.fd'>/n/web.fd</nvram>"
        "<kernel>/k</kernel><initrd>/i</initrd><dtb>/d</dtb><cmdline>/c</cmdline><acpi><table type='slic'>/t</table>"
        "</acpi></os><devices><tpm><backend type='emulator'/></tpm></devices>"
    )
    assert found.files == (
        HostFile("loader", "/f/CODE.fd"),
        HostFile("nvram", "/n/web.fd"),
        HostFile("kernel", "/k"),
        HostFile("initrd", "/i"),
        HostFile("dtb", "/d"),
        HostFile("nvram template", "/f/VARS.fd"),
        HostFile("acpi table", "/t"),
        HostFile("tpm state", "/var/lib/libvirt/swtpm/u1"),
    )


def test_a_tpm_whose_state_is_elsewhere() -> None:
    inside = "<devices><tpm><backend type='emulator'><source type='dir' path='/s'/></backend></tpm></devices>"
    assert needs(inside).files == (HostFile("tpm state", "/s"),)


def test_a_rom_of_qemu_is_no_file_of_the_host() -> None:
    assert needs("<os><loader>hvmloader</loader></os>").files == ()


def test_arguments_of_qemu() -> None:
    namespace = "xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0'"
    found = needs(f"<q:commandline {namespace}><q:arg value='-device'/><q:arg value='x'/></q:commandline>")
    assert found.arguments == ("-device", "x")


def test_addresses_that_its_graphics_name() -> None:
    listens = "<listen type='address' address='10.0.0.1'/><listen type='network' address='10.0.0.2'/>"
    assert needs(f"<devices><graphics type='vnc'>{listens}</graphics></devices>").listens == ("10.0.0.1",)
