from __future__ import annotations

from dataclasses import replace

import pytest

from vmferry.facts.compute import HugePages, NumaCell
from vmferry.facts.host import HostCpu
from vmferry.xml.capabilities import read_capabilities

XML = """
<capabilities>
  <host><uuid>0cf8a6b7-0000-4000-8000-000000000001</uuid></host>
  <guest><os_type>hvm</os_type><arch name='x86_64'>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <machine canonical='pc-q35-7.2' maxCpus='288'>q35</machine><machine>pc-i440fx-7.2</machine>
    <domain type='qemu'/>
    <domain type='kvm'><emulator>/usr/bin/kvm</emulator><machine>pc-q35-7.2</machine></domain>
  </arch></guest>
</capabilities>"""

CPU = """
<capabilities><host><cpu>
  <arch>x86_64</arch><model>Skylake-Client</model><vendor>Intel</vendor><microcode version='{}'/>
  <signature family='6' model='94' stepping='3'/>{}<topology sockets='1' dies='1' cores='4' threads='1'/>
  <feature name='vmx'/><feature name='invtsc'/>
</cpu></host></capabilities>"""

CELLS = """
<capabilities><host><topology><cells num='2'>
  <cell id='0'><memory unit='KiB'>4194304</memory>
    <pages unit='KiB' size='4'>1048576</pages><pages unit='KiB' size='2048'>512</pages>
    <pages unit='KiB' size='1048576'>1</pages><cpus num='2'><cpu id='0'/><cpu id='1'/></cpus></cell>
  <cell id='1'><memory unit='KiB'>8388608</memory>
    <pages unit='KiB' size='4'>2097152</pages><pages unit='KiB' size='2048'>0</pages><cpus num='1'><cpu id='2'/></cpus>
  </cell>
</cells></topology></host></capabilities>"""


def test_reads_uuid_and_machines_of_each_kind() -> None:
    capabilities = read_capabilities(XML, "h1")
    assert capabilities.host_uuid == "0cf8a6b7-0000-4000-8000-000000000001"
    tcg, kvm = capabilities.support
    assert (tcg.virt_type, tcg.arch, tcg.emulator) == ("qemu", "x86_64", "/usr/bin/qemu-system-x86_64")
    assert tcg.machines == {"q35", "pc-q35-7.2", "pc-i440fx-7.2"}
    assert (kvm.virt_type, kvm.emulator, kvm.machines) == ("kvm", "/usr/bin/kvm", {"pc-q35-7.2"})


def test_a_host_without_guests_supports_nothing() -> None:
    assert read_capabilities("<capabilities><host/></capabilities>", "h1").support == ()


def test_of_two_hosts_with_one_cpu_only_the_microcode_differs() -> None:
    one, other = (read_capabilities(CPU.format(version, ""), "h1").cpu for version in (11, 12))
    named = HostCpu("x86_64 Intel Skylake-Client", frozenset({"vmx", "invtsc"}), "6/94/3")
    assert (one, other) == (replace(named, microcode=11), replace(named, microcode=12))


@pytest.mark.parametrize(
    ("counter", "told"),
    [
        ("", (None, None)),
        ("<counter name='tsc' frequency='2400000000'/>", (2_400_000_000, None)),
        ("<counter name='tsc' frequency='2400000000' scaling='yes'/>", (2_400_000_000, True)),
        ("<counter name='tsc' frequency='2400000000' scaling='no'/>", (2_400_000_000, False)),
    ],
)
def test_a_counter_tells_its_frequency_and_whether_it_scales(
    counter: str, told: tuple[int | None, bool | None]
) -> None:
    cpu = read_capabilities(CPU.format(1, counter), "h1").cpu
    assert cpu is not None
    assert (cpu.tsc_hz, cpu.tsc_scaling) == told


def test_nodes_tell_their_cpus_and_the_pages_beside_the_ordinary_ones() -> None:
    cells = read_capabilities(CELLS, "h1").cells
    assert cells == (
        NumaCell(0, 4 << 30, frozenset({0, 1}), (HugePages(2 << 20, 512), HugePages(1 << 30, 1))),
        NumaCell(1, 8 << 30, frozenset({2}), (HugePages(2 << 20, 0),)),
    )


def test_without_a_topology_the_nodes_are_not_known() -> None:
    assert read_capabilities(XML, "h1").cells is None


@pytest.mark.parametrize("cpu", ["", "<cpu><arch>i686</arch><features><pae/></features></cpu>"])
def test_a_cpu_without_a_model_is_not_known(cpu: str) -> None:
    assert read_capabilities(f"<capabilities><host>{cpu}</host></capabilities>", "h1").cpu is None


@pytest.mark.parametrize(
    ("models", "owner"),
    [
        ("<secmodel><model>dac</model><baselabel type='kvm'>+64055:+109</baselabel></secmodel>", "64055:109"),
        (
            "<secmodel><model>selinux</model><baselabel type='kvm'>system_u:system_r:svirt_t:s0</baselabel></secmodel>"
            "<secmodel><model>dac</model><doi>0</doi><baselabel type='qemu'>+0:+0</baselabel></secmodel>",
            "0:0",
        ),
        ("<secmodel><model>dac</model><baselabel>root; reboot</baselabel></secmodel>", None),
        ("<secmodel><model>none</model></secmodel>", None),
        ("", None),
    ],
)
def test_as_whom_qemu_runs(models: str, owner: str | None) -> None:
    xml = f"<capabilities><host>{models}</host></capabilities>"
    assert read_capabilities(xml, "h1").qemu_owner == owner
