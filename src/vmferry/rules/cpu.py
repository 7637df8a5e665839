"""Libvirt decides whether the target can run the guest's CPU; what is missing, and who has it, is said here."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator

from vmferry.facts.compute import DomainSupport
from vmferry.facts.guest import CpuMatch, GuestFacts
from vmferry.facts.host import HostCpu, HostFacts
from vmferry.facts.move import MoveFacts
from vmferry.model.finding import Finding
from vmferry.rules.alike import by_shape
from vmferry.rules.registry import Voice, guest_rule, move_rule

HOSTS_OWN = ("host-passthrough", "maximum")
"""Modes that give the guest whatever its host has. Libvirt's comparison passes them on every host."""
TSC_TOLERANCE_PPM = 250
"""How far libvirt and KVM let the target's frequency be from the guest's."""
MOST_NAMED = 12
"""Features in one line; a CPU of another generation lacks dozens."""

_NAMED = re.compile(r"features: *([\w.,+ -]+)")
_MODEL = re.compile(r"<model[^>]*>([^<]+)</model>")


def _by_cpu(move: MoveFacts) -> Hashable:
    """What the target said; of a CPU that is the host's own, both hosts."""
    guest = move.guest
    own = guest.cpu_mode in HOSTS_OWN and (id(move.source), id(move.target.host), guest.virt_type, guest.arch)
    return guest.cpu_xml is None, move.target.cpu, own


@move_rule(
    "cpu.compatible",
    "the target can run the guest's CPU",
    "libvirt: guest CPU doesn't match specification: missing features: ...",
    alike=_by_cpu,
)
def cpu_compatible(move: MoveFacts, say: Voice) -> Iterator[Finding]:
    target = move.target
    required = "libvirt's comparison on the target says identical or superset"
    if move.guest.cpu_xml is None:
        observed = f"the definition names no CPU: it is {move.guest.machine}'s own on every host"
        yield say.ok(target.host.name, observed, "nothing")
    elif target.cpu is CpuMatch.UNKNOWN:
        observed = target.cpu_detail or "the target gave no verdict"
        remedy = "virsh hypervisor-cpu-compare with the guest's <cpu>, on the target"
        yield say.unknown(target.host.name, observed, required, remedy)
    elif target.cpu is CpuMatch.INCOMPATIBLE:
        yield say.refuse(target.host.name, _missing(move), required, _ways_out(move))
    elif move.guest.cpu_mode in HOSTS_OWN:
        yield _hosts_own(move, say)
    else:
        yield say.ok(target.host.name, f"libvirt says {target.cpu}", required)


def _missing(move: MoveFacts) -> str:
    """Libvirt's own list where it gives one; else what the two lists of features differ in; else libvirt's words."""
    named = _NAMED.search(move.target.cpu_detail)
    features = {each.strip() for each in named[1].split(",")} if named is not None else _lacking(move, move.target.host)
    if features:
        return f"missing features: {_listed(features)}"
    return move.target.cpu_detail or "libvirt says incompatible"


def _lacking(move: MoveFacts, host: HostFacts) -> frozenset[str] | None:
    """None where either list is not known."""
    support = support_of(host, move.guest)
    wanted = move.guest.cpu_features
    return None if wanted is None or support is None or support.features is None else wanted - support.features


def support_of(host: HostFacts, guest: GuestFacts) -> DomainSupport | None:
    return next((each for each in host.domains if (each.virt_type, each.arch) == (guest.virt_type, guest.arch)), None)


def _ways_out(move: MoveFacts) -> str:
    others = [host for host in move.fleet if host.name not in (move.source.name, move.target.host.name)]
    fitting = [host.name for host in others if _lacking(move, host) == frozenset()]
    first = f"go to {' or '.join(fitting)}, which by their features can; or give" if fitting else "give"
    remedy = f"{first} the guest a CPU that all hosts have"
    model = _MODEL.search(move.cpu_baseline or "")
    if model is None:
        return f"{remedy} (virsh hypervisor-cpu-baseline) and start it anew"
    return f"{remedy}, {model[1]} less what is disabled in it, and start it anew: {one_line(move.cpu_baseline or '')}"


def one_line(xml: str) -> str:
    return " ".join(xml.split()).replace("> <", "><")


def _hosts_own(move: MoveFacts, say: Voice) -> Finding:
    here, there = move.source.cpu, move.target.host.cpu
    source, target = move.source.name, move.target.host.name
    required = f"the CPU of {target} is that of {source}: the guest's mode is {move.guest.cpu_mode}"
    remedy = "give the guest a CPU model that both hosts have (virsh hypervisor-cpu-baseline) and start it anew"
    if here is None or there is None:
        blind = source if here is None else target
        return say.unknown(target, f"libvirt on {blind} does not name its CPU", required, remedy)
    difference, slight = _difference(move, here, there), _slight_difference(source, here, target, there)
    if difference is not None:
        return say.unknown(target, "; ".join(filter(None, (difference, slight))), required, remedy)
    return say.warn(target, slight, required, remedy) if slight else say.ok(target, f"{there.name} on both", required)


def _difference(move: MoveFacts, here: HostCpu, there: HostCpu) -> str | None:
    """Of what a guest sees. Libvirt's releases name one CPU differently, the CPU itself does not."""
    source, target = move.source.name, move.target.host.name
    known = here.signature is not None and there.signature is not None
    if (here.signature != there.signature) if known else (here.name != there.name):
        words = [f"{name} has {cpu.name}{_signed(cpu)}" for name, cpu in ((source, here), (target, there))]
        return ", ".join(words)
    ours, theirs = _given(move, here, there)
    only = ((source, ours - theirs), (target, theirs - ours))
    return "; ".join(f"only {host} has {_listed(features)}" for host, features in only if features) or None


def _signed(cpu: HostCpu) -> str:
    return f" ({cpu.signature})" if cpu.signature is not None else ""


def _given(move: MoveFacts, here: HostCpu, there: HostCpu) -> tuple[frozenset[str], frozenset[str]]:
    """The lists that both hosts have: all features that a guest gets, or else those beyond the model's."""
    ours, theirs = (support_of(host, move.guest) for host in (move.source, move.target.host))
    told = (ours.features if ours is not None else None, theirs.features if theirs is not None else None)
    return (here.features, there.features) if told[0] is None or told[1] is None else (told[0], told[1])


def _slight_difference(source: str, here: HostCpu, target: str, there: HostCpu) -> str:
    """Where both say it: microcode brings and takes abilities, and the counter's pace is the guest's clock."""
    found = []
    if None not in (here.microcode, there.microcode) and here.microcode != there.microcode:
        found.append(f"microcode {here.microcode:#x} on {source}, {there.microcode:#x} on {target}")
    if here.tsc_hz and there.tsc_hz and not _near(here.tsc_hz, there.tsc_hz) and not there.tsc_scaling:
        found.append(f"time stamp counter at {here.tsc_hz} Hz on {source}, {there.tsc_hz} Hz on {target}")
    return "; ".join(found)


def _listed(features: frozenset[str] | set[str]) -> str:
    names = sorted(features)
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more


def _near(one_hz: int, other_hz: int) -> bool:
    return abs(one_hz - other_hz) <= one_hz * TSC_TOLERANCE_PPM // 1_000_000


@move_rule(
    "cpu.tsc",
    "a guest that relies on the time stamp counter keeps its frequency",
    "libvirt: domain has 'invtsc' CPU feature but TSC frequency is not specified; Requested TSC frequency ... Hz is "
    "outside tolerance range",
    alike=by_shape,
)
def cpu_tsc(move: MoveFacts, say: Voice) -> Iterator[Finding]:
    need, target = move.guest.needs.cpu, move.target.host
    name = move.guest.guest.name
    edit = f"in virsh edit {name}, <clock>: <timer name='tsc' frequency='...'/> with the source's frequency, or take"
    if need.tsc_hz is None:
        if "invtsc" in need.required or (need.unchecked and _has_invtsc(move.source)):
            remedy = f"{edit} invtsc out of <cpu>; then shut the guest down and start it"
            yield say.refuse(name, "invtsc without a frequency", "a TSC frequency beside invtsc", remedy)
        return
    required = f"{need.tsc_hz} Hz within {TSC_TOLERANCE_PPM} ppm, or a counter that can be scaled"
    theirs = target.cpu.tsc_hz if target.cpu is not None else None
    if target.cpu is not None and target.cpu.tsc_scaling:
        yield say.ok(target.name, "its counter can be scaled", required)
    elif theirs is None:
        remedy = f"on {target.name}: virsh capabilities, <counter name='tsc' .../>"
        yield say.unknown(target.name, "it does not tell its counter's frequency", required, remedy)
    elif _near(need.tsc_hz, theirs):
        yield say.ok(target.name, f"{theirs} Hz", required)
    else:
        remedy = f"choose a target with this frequency, or {edit} it out; then shut the guest down and start it"
        yield say.refuse(target.name, f"{theirs} Hz, and its counter cannot be scaled", required, remedy)


def _has_invtsc(host: HostFacts) -> bool:
    return host.cpu is not None and "invtsc" in host.cpu.features


@move_rule(
    "cpu.kvm",
    "the target has hardware virtualisation for a guest that uses it",
    "libvirt: Domain requires KVM, but it is not available. Check that virtualization is enabled in the host BIOS",
    alike=by_shape,
)
def cpu_kvm(move: MoveFacts, say: Voice) -> Iterator[Finding]:
    guest, target = move.guest, move.target.host
    kinds = {each.virt_type for each in target.support if each.arch == guest.arch}
    if guest.virt_type != "kvm" or not kinds:
        return  # what its QEMU cannot run at all is the machine type's subject
    required = f"KVM for {guest.arch}"
    others = sorted({each.arch for each in target.support if each.virt_type == "kvm"})
    if "kvm" in kinds:
        yield say.ok(target.name, "it has KVM", required)
    elif others:
        observed = f"its KVM runs {', '.join(others)} only"
        yield say.refuse(target.name, observed, required, f"choose a target with a processor of {guest.arch}")
    elif target.system is not None and target.system.kvm:
        observed = "/dev/kvm is there, but libvirt has not seen it"
        yield say.refuse(target.name, observed, required, f"on {target.name}: systemctl restart libvirtd or virtqemud")
    else:
        yield say.refuse(target.name, "libvirt there offers no KVM", required, _enabled(target))


def _enabled(target: HostFacts) -> str:
    inside = target.cpu is not None and "hypervisor" in target.cpu.features
    where = "allow nested virtualisation where it runs" if inside else "enable VT-x or AMD-V in its BIOS"
    return f"{where}; on {target.name}: modprobe kvm_intel or kvm_amd, then systemctl restart libvirtd or virtqemud"


@guest_rule(
    "cpu.hyperv",
    "the guest's Hyper-V enlightenments are listed one by one",
    "QEMU: 'hv-passthrough' CPU flag prevents migration, use explicit set of hv-* flags instead",
)
def cpu_hyperv(facts: GuestFacts, say: Voice) -> Iterator[Finding]:
    mode, name = facts.needs.cpu.hyperv_mode, facts.guest.name
    required = "<hyperv mode='custom'>, if any"
    if mode == "passthrough":
        remedy = f"in virsh edit {name}, list the enlightenments with mode='custom'; then shut it down and start it"
        yield say.refuse(name, "<hyperv mode='passthrough'>", required, remedy)
    elif mode is not None:
        yield say.ok(name, f"<hyperv mode='{mode}'>", required)
