"""Which CPU and which TPM a host can give, from libvirt's own documents."""

from __future__ import annotations

import pytest

from vmferry.facts.compute import DomainSupport
from vmferry.xml.domain_capabilities import features_of, read_domain_capabilities

XML = """
<domainCapabilities>
  <domain>kvm</domain><arch>x86_64</arch>
  <cpu>
    <mode name='host-passthrough' supported='yes'/>
    <mode name='host-model' supported='yes'>
      <model fallback='forbid'>EPYC</model><vendor>AMD</vendor><maxphysaddr mode='passthrough' limit='48'/>
      <feature policy='require' name='x2apic'/>
    </mode>
    <mode name='custom' supported='yes'>
      <model usable='yes'>qemu64</model><model usable='no'>Skylake-Client</model><model usable='yes'>EPYC</model>
    </mode>
  </cpu>
  <devices>{}</devices>
</domainCapabilities>"""
TPM = "<tpm supported='{}'><enum name='backendModel'><value>passthrough</value><value>emulator</value></enum></tpm>"


def test_what_it_can_give() -> None:
    assert read_domain_capabilities(XML.format(TPM.format("yes")), "h1") == DomainSupport(
        "kvm",
        "x86_64",
        '<cpu mode="custom" match="exact"><model fallback="forbid">EPYC</model><vendor>AMD</vendor>'
        '<feature policy="require" name="x2apic"/>\n    </cpu>',
        models=frozenset({"qemu64", "EPYC"}),
        tpm_backends=frozenset({"passthrough", "emulator"}),
    )


@pytest.mark.parametrize(("tpm", "backends"), [("", None), (TPM.format("no"), frozenset())])
def test_no_tpm_and_one_that_is_not_told_of(tpm: str, backends: frozenset[str] | None) -> None:
    assert read_domain_capabilities(XML.format(tpm), "h1").tpm_backends == backends


def test_a_host_without_a_model_to_give() -> None:
    xml = "<domainCapabilities><cpu><mode name='host-model' supported='no'/></cpu></domainCapabilities>"
    assert read_domain_capabilities(xml, "h1").cpu_xml is None


def test_features_of_an_expanded_cpu() -> None:
    cpu = (
        "<cpu><feature policy='require' name='a'/><feature name='b'/><feature policy='force' name='c'/>"
        "<feature policy='disable' name='d'/></cpu>"
    )
    assert features_of(cpu) == {"a", "b", "c"}
