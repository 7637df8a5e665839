"""What the guest needs beside disks and memory: firmware, kernel, TPM state, secrets."""

from __future__ import annotations

import re
from collections.abc import Iterator

from vmferry.facts.disk import DiskSight
from vmferry.facts.host import HostFacts
from vmferry.facts.move import MoveFacts
from vmferry.facts.needs import TPM_STATE, HostFile, SecretNeed
from vmferry.model.finding import Finding
from vmferry.rules.alike import by_files, by_shape
from vmferry.rules.cpu import support_of
from vmferry.rules.registry import Voice, move_rule

NVRAM, TEMPLATE = "nvram", "nvram template"
SHARED_TPM_SINCE = (9, 0)
"""Libvirt's release that moves a TPM whose state lies on storage that both hosts share."""

_NUMBERS = re.compile(r"\d+")


@move_rule(
    "firmware.files",
    "firmware and kernel of the guest are on the target, at the same paths",
    "QEMU: Failed to open file '/usr/share/OVMF/...'; libvirt: unable to find any master var store for loader",
    alike=by_files,
)
def files(move: MoveFacts, say: Voice) -> Iterator[Finding]:
    wanted = [each for each in move.guest.needs.files if each.role != TPM_STATE]
    sights = {sight.target: sight for sight in move.target.disks}
    found = [_judge_file(move, each, sights, say) for each in wanted]
    yield from (finding for finding in found if finding is not None)
    if wanted and not any(found):
        roles = ", ".join(each.role for each in wanted)
        yield say.ok(move.target.host.name, f"it has the guest's {roles}", "the files of the guest's definition")


def _judge_file(move: MoveFacts, file: HostFile, sights: dict[str, DiskSight], say: Voice) -> Finding | None:
    """None where it is there, or is made: libvirt makes the variables from their template."""
    target, sight = move.target.host.name, sights.get(file.role)
    if sight is not None and sight.seen:
        return None
    required = f"{file.path} on {target}"
    if sight is None or sight.seen is None:
        why = (sight.problem if sight is not None else None) or "not looked at"
        return say.unknown(file.role, why, required, f"ls -l {file.path}, on {target}")
    if file.role == NVRAM:
        return None
    if file.role == TEMPLATE and (made := sights.get(NVRAM)) is not None and made.seen:
        return None
    return say.refuse(file.role, f"{target}: {sight.problem or 'it is not there'}", required, _install(move, file))


def _install(move: MoveFacts, file: HostFile) -> str:
    return (
        f"on {move.target.host.name}: install the package that has {file.path} on {move.source.name} (dpkg -S or rpm "
        "-qf there), or copy the file"
    )


@move_rule(
    "device.tpm",
    "the guest's TPM can be moved with its state",
    "libvirt: the running swtpm does not support migration with shared storage; QEMU: tpm-emulator: Setting the "
    "stateblob failed",
    alike=by_files,
)
def tpm(move: MoveFacts, say: Voice) -> Iterator[Finding]:
    need, target = move.guest.needs.tpm, move.target.host
    if need is None:
        return
    name, required = move.guest.guest.name, "an emulated TPM that both hosts can run"
    support = support_of(target, move.guest)
    if need.backend != "emulator":
        remedy = f"virsh edit {name}: <backend type='emulator'/>; then shut it down and start it (its keys are lost)"
        yield say.refuse("tpm", f"backend {need.backend}", required, remedy)
    elif support is not None and support.tpm_backends is not None and "emulator" not in support.tpm_backends:
        remedy = f"on {target.name}: install swtpm and swtpm-tools, then restart libvirtd"
        yield say.refuse(
            "tpm", f"{target.name} offers {', '.join(sorted(support.tpm_backends)) or 'none'}", required, remedy
        )
    else:
        shared = _judge_shared_state(move, required, say)
        yield shared if shared is not None else _judge_emulators(move, required, say)


def _judge_shared_state(move: MoveFacts, required: str, say: Voice) -> Finding | None:
    """None where each host keeps the state for itself, or both are known to let go of one that they share."""
    here, there = (_state(sights) for sights in (move.source_disks, move.target.disks))
    if here is None or not here.shared_kind:
        return None
    source, target, own = move.source, move.target.host, "the state on a directory of each host's own"
    if _too_old(move):
        observed = f"its state is on shared storage, with libvirt {source.libvirt} and {target.libvirt}"
        return say.refuse("tpm", observed, required, f"libvirt 9.0 and swtpm 0.8 on both hosts, or {own}")
    if there is None or there.seen is None:
        why = (there.problem if there is not None else None) or "not looked at"
        remedy = f"ls -ld {here.word}, on {target.name}"
        return say.unknown("tpm", f"its state is on shared storage; on {target.name}: {why}", required, remedy)
    if not there.seen or not there.shared_kind or there.marked is False:
        observed = f"its state is on shared storage of {source.name} that {target.name} does not have there"
        remedy = f"mount the same on {target.name} at {here.word}, or {own}: else a copy of its keys stays behind"
        return say.warn("tpm", observed, required, remedy)
    return None


def _state(sights: tuple[DiskSight, ...]) -> DiskSight | None:
    return next((sight for sight in sights if sight.target == TPM_STATE), None)


def _too_old(move: MoveFacts) -> bool:
    return any(_version(host.libvirt) < SHARED_TPM_SINCE for host in (move.source, move.target.host))


def _version(text: str | None) -> tuple[int, ...]:
    return tuple(int(each) for each in _NUMBERS.findall(text or ""))


def _judge_emulators(move: MoveFacts, required: str, say: Voice) -> Finding:
    here, there = _swtpm(move.source), _swtpm(move.target.host)
    if here and there and _version(there) < _version(here):
        observed = f"swtpm {here} on {move.source.name}, {there} on {move.target.host.name}"
        remedy = f"on {move.target.host.name}: a swtpm not older than {here}; an older one may not read the state"
        return say.warn("tpm", observed, required, remedy)
    return say.ok("tpm", f"emulated, swtpm {there or 'of unknown release'} there", required)


def _swtpm(host: HostFacts) -> str | None:
    return host.system.swtpm if host.system is not None else None


@move_rule(
    "secret.present",
    "the target holds the secrets of the guest's disks and TPM",
    "libvirt: Secret not found: no secret with matching uuid '...'",
    alike=by_shape,
)
def secrets(move: MoveFacts, say: Voice) -> Iterator[Finding]:
    needs, target = move.guest.needs.secrets, move.target.host
    if not needs:
        return
    if target.secrets is None:
        required = f"{len(needs)} secrets on {target.name}"
        yield say.unknown(target.name, "its secrets are not known", required, "virsh secret-list, on the target")
        return
    missing = [need for need in needs if not _held(need, target)]
    for need in missing:
        required = f"secret {need.uuid or need.usage} ({need.kind}) on {target.name}"
        yield say.refuse(need.subject, f"{target.name} does not have it", required, _copy(move, need))
    if not missing:
        yield say.ok(target.name, f"it has {len(needs)} of {len(needs)}", "the secrets of the guest's definition")


def _copy(move: MoveFacts, need: SecretNeed) -> str:
    """Never the value: it goes from administrator to administrator."""
    uuid = need.uuid or "UUID"
    return (
        f"on {move.source.name}: virsh secret-dumpxml {uuid} > secret.xml; on {move.target.host.name}: virsh "
        f"secret-define secret.xml, then virsh secret-set-value {uuid} with the same value"
    )


def _held(need: SecretNeed, host: HostFacts) -> bool:
    """By its usage a disk's secret is looked up among those of its kind."""
    if need.uuid is not None:
        return any(each.uuid == need.uuid for each in host.secrets or ())
    kinds = ("volume",) if need.kind == "passphrase" else (need.kind,)
    return any(each.usage == need.usage and each.kind in kinds for each in host.secrets or ())
