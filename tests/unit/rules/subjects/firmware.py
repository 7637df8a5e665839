"""Cases of the rules of firmware."""

from __future__ import annotations

from dataclasses import replace

from vmferry.facts.compute import DomainSupport, Secret
from vmferry.facts.disk import DiskSight
from vmferry.facts.move import MoveFacts
from vmferry.facts.needs import TPM_STATE, HostFile, Needs, SecretNeed, TpmNeed

from ..cases import OK, OTHER_UUID, REFUSE, UNKNOWN, UUID, WARN, Cases, with_facts
from ..passing_system import with_system

CODE, TEMPLATE = "/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/OVMF/OVMF_VARS.fd"
UEFI = Needs(
    files=(
        HostFile("loader", CODE),
        HostFile("nvram", "/var/lib/libvirt/qemu/nvram/web_VARS.fd"),
        HostFile("nvram template", TEMPLATE),
    )
)
KERNEL = Needs(files=(HostFile("kernel", "/boot/vmlinuz"),))


def firmware(needs: Needs, **seen: bool | None) -> MoveFacts:
    """A guest with such files, each by its role (`_` for a space) there, not there, or (None) not told."""
    move = with_facts(needs=needs)
    sights = (
        DiskSight(role.replace("_", " "), each, None if each else "permission denied") for role, each in seen.items()
    )
    return replace(move, target=replace(move.target, disks=(*move.target.disks, *sights)))


def absent(role: str) -> DiskSight:
    return DiskSight(role, False, "it is not there")


STATE = "/var/lib/libvirt/swtpm/web"
LOCAL = DiskSight(TPM_STATE, True, shared_kind=False, word=STATE)
ON_NFS = DiskSight(TPM_STATE, True, shared_kind=True, word=STATE)


def tpm(
    backend: str = "emulator",
    here: DiskSight | None = LOCAL,
    there: DiskSight | None = None,
    libvirt: str = "11.3.0",
    backends: frozenset[str] | None = None,
    swtpm: tuple[str | None, str | None] = ("0.7.1", "0.7.1"),
) -> MoveFacts:
    """A guest with a TPM whose state the hosts see so; `libvirt` and `backends` are the target's."""
    needs = Needs(tpm=TpmNeed(backend, "tpm-crb", "2.0", encrypted=False))
    move = with_system(with_facts(needs=needs), "source", swtpm=swtpm[0])
    move = with_system(move, swtpm=swtpm[1])
    support = (DomainSupport("kvm", "x86_64", tpm_backends=backends),)
    host = replace(move.target.host, libvirt=libvirt, domains=support)
    disks = move.target.disks if there is None else (*move.target.disks, there)
    source_disks = move.source_disks if here is None else (*move.source_disks, here)
    return replace(move, source_disks=source_disks, target=replace(move.target, host=host, disks=disks))


def secret(need: SecretNeed, *held: Secret, told: bool = True) -> MoveFacts:
    move = with_facts(needs=Needs(secrets=(need,)))
    host = replace(move.target.host, secrets=held if told else None)
    return replace(move, target=replace(move.target, host=host))


LUKS, CEPH = SecretNeed("vda", UUID, None, "passphrase"), SecretNeed("vdb", None, "client.vms", "ceph")
BY_VOLUME = SecretNeed("vda", None, "/srv/web.img", "passphrase")

CASES: Cases = {
    "firmware.files": [
        (
            "all there",
            firmware(UEFI, loader=True, nvram=True, nvram_template=True),
            OK,
            "loader, nvram, nvram template",
        ),
        ("variables are made", firmware(UEFI, loader=True, nvram=False, nvram_template=True), OK, "it has the guest's"),
        ("a template nobody needs", firmware(UEFI, loader=True, nvram=True, nvram_template=False), OK, "it has"),
        ("no template", firmware(UEFI, loader=True, nvram=False, nvram_template=False), REFUSE, "permission denied"),
        ("no firmware", firmware(UEFI, loader=False, nvram=True, nvram_template=True), REFUSE, "permission denied"),
        ("a kernel", firmware(KERNEL, kernel=True), OK, "kernel"),
        ("no kernel", firmware(KERNEL, kernel=False), REFUSE, "h2: permission denied"),
        ("not told", firmware(KERNEL, kernel=None), UNKNOWN, "permission denied"),
        ("not looked at", firmware(KERNEL), UNKNOWN, "not looked at"),
    ],
    "device.tpm": [
        ("emulated", tpm(), OK, "swtpm 0.7.1 there"),
        ("emulated, swtpm not told", tpm(swtpm=(None, None)), OK, "unknown release"),
        ("emulated there too", tpm(backends=frozenset({"emulator", "passthrough"})), OK, "emulated"),
        ("a newer swtpm", tpm(swtpm=("0.7.1", "0.10.0")), OK, "0.10.0 there"),
        ("an older swtpm", tpm(swtpm=("0.10.0", "0.7.1")), WARN, "swtpm 0.10.0 on h1, 0.7.1 on h2"),
        ("passed through", tpm("passthrough"), REFUSE, "backend passthrough"),
        ("no emulator there", tpm(backends=frozenset({"passthrough"})), REFUSE, "h2 offers passthrough"),
        ("none there", tpm(backends=frozenset()), REFUSE, "h2 offers none"),
        ("shared state", tpm(here=ON_NFS, there=ON_NFS), OK, "emulated"),
        ("shared state, old libvirt", tpm(here=ON_NFS, there=ON_NFS, libvirt="8.0.0"), REFUSE, "and 8.0.0"),
        ("shared here only", tpm(here=ON_NFS, there=LOCAL), WARN, "that h2 does not have there"),
        ("shared here, another there", tpm(here=ON_NFS, there=replace(ON_NFS, marked=False)), WARN, "does not have"),
        ("shared here, absent there", tpm(here=ON_NFS, there=absent(TPM_STATE)), WARN, "does not have there"),
        ("shared here, not told there", tpm(here=ON_NFS, there=DiskSight(TPM_STATE, None)), UNKNOWN, "not looked at"),
        ("shared here, not seen there", tpm(here=ON_NFS), UNKNOWN, "not looked at"),
        ("not seen at all", tpm(here=None), OK, "emulated"),
    ],
    "secret.present": [
        ("there", secret(LUKS, Secret(UUID, "volume", "/srv/web.img")), OK, "it has 1 of 1"),
        ("by its usage", secret(BY_VOLUME, Secret(UUID, "volume", "/srv/web.img")), OK, "it has 1 of 1"),
        ("Ceph's by its usage", secret(CEPH, Secret(UUID, "ceph", "client.vms")), OK, "it has 1 of 1"),
        ("another one", secret(LUKS, Secret(OTHER_UUID, "volume", "/srv/web.img")), REFUSE, "h2 does not have it"),
        ("another kind", secret(CEPH, Secret(UUID, "iscsi", "client.vms")), REFUSE, "h2 does not have it"),
        ("the TPM's", secret(SecretNeed("tpm", UUID, None, "vtpm")), REFUSE, "h2 does not have it"),
        ("not told", secret(LUKS, told=False), UNKNOWN, "not known"),
    ],
}
