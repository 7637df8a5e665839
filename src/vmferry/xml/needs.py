"""What a definition asks of a host: CPU, memory, NUMA nodes, secrets, files."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from vmferry.facts.needs import (
    TPM_STATE,
    CpuNeed,
    HostFile,
    Needs,
    NodeNeed,
    PageNeed,
    Pin,
    SecretNeed,
    TpmNeed,
)
from vmferry.xml.cpuset import numbers_of
from vmferry.xml.parse import number, text_of
from vmferry.xml.ties import ties
from vmferry.xml.units import scaled_bytes, size_bytes

_QEMU = "{http://libvirt.org/schemas/domain/qemu/1.0}"
_STATE_DIRECTORY = "/var/lib/libvirt/swtpm"
"""Where libvirt keeps the state of an emulated TPM, by the guest's UUID, unless it is told otherwise."""


def read_needs(domain: etree._Element) -> Needs:
    return Needs(
        cpu=_cpu(domain),
        pages=tuple(_pages(domain)),
        nodes=tuple(_nodes(domain)),
        pins=tuple(_pins(domain)),
        hard_limit_bytes=size_bytes(domain.find("memtune/hard_limit")),
        locked=domain.find("memoryBacking/locked") is not None,
        secrets=tuple(_secrets(domain)),
        files=tuple(_files(domain)),
        tpm=_tpm(domain.find("devices/tpm")),
        ties=tuple(ties(domain)),
        listens=tuple(_listens(domain)),
        arguments=tuple(arg.get("value", "") for arg in domain.iterfind(f"{_QEMU}commandline/{_QEMU}arg")),
    )


def _cpu(domain: etree._Element) -> CpuNeed:
    tsc = domain.find("clock/timer[@name='tsc']")
    hyperv = domain.find("features/hyperv")
    said = [(each.get("policy", "require"), each.get("name", "")) for each in domain.iterfind("cpu/feature")]
    cpu = domain.find("cpu")
    return CpuNeed(
        mode=cpu.get("mode") if cpu is not None else None,
        model=text_of(domain, "cpu/model"),
        required=frozenset(name for policy, name in said if policy in ("require", "force")),
        disabled=frozenset(name for policy, name in said if policy in ("disable", "forbid")),
        unchecked=cpu is not None and cpu.get("migratable") == "off",
        tsc_hz=number(tsc.get("frequency")) if tsc is not None else None,
        hyperv_mode=hyperv.get("mode", "custom") if hyperv is not None else None,
    )


def _cells(domain: etree._Element) -> dict[int, int]:
    """The guest's own NUMA cells and their bytes; one cell of all its memory where it defines none."""
    cells = {}
    for index, cell in enumerate(domain.iterfind("cpu/numa/cell")):
        given = number(cell.get("id"))
        cells[index if given is None else given] = scaled_bytes(cell.get("memory"), cell.get("unit", "KiB")) or 0
    return cells or {0: size_bytes(domain.find("memory")) or 0}


def _bindings(domain: etree._Element) -> dict[int | None, tuple[str, frozenset[int]]]:
    """Mode and nodes of the host by the guest's cell; None stands for every cell that is not named."""
    found: dict[int | None, tuple[str, frozenset[int]]] = {}
    for element in domain.iterfind("numatune/*"):
        nodes = numbers_of(element.get("nodeset", ""))
        if nodes and element.tag in ("memory", "memnode"):
            cell = number(element.get("cellid")) if element.tag == "memnode" else None
            found[cell] = (element.get("mode", "strict"), nodes)
    return found


def _nodes(domain: etree._Element) -> Iterator[NodeNeed]:
    bindings = _bindings(domain)
    for cell, need_bytes in _cells(domain).items():
        bound = bindings.get(cell) or bindings.get(None)
        if bound is not None:
            yield NodeNeed(bound[1], bound[0], need_bytes)


def _pages(domain: etree._Element) -> Iterator[PageNeed]:
    backing = domain.find("memoryBacking/hugepages")
    if backing is None:
        return
    sizes, others = _page_sizes(backing)
    bindings = _bindings(domain)
    for cell, need_bytes in _cells(domain).items():
        bound = bindings.get(cell) or bindings.get(None)
        nodes = bound[1] if bound is not None and bound[0] in ("strict", "restrictive") else None
        yield PageNeed(sizes.get(cell, others), need_bytes, nodes)


def _page_sizes(backing: etree._Element) -> tuple[dict[int, int | None], int | None]:
    """The size of pages by the guest's cell, and that of all the others; None: the host's default."""
    sizes: dict[int, int | None] = {}
    others: int | None = None
    for page in backing.iterfind("page"):
        page_bytes = scaled_bytes(page.get("size"), page.get("unit", "KiB"))
        cells = numbers_of(page.get("nodeset", ""))
        if cells:
            sizes |= dict.fromkeys(cells, page_bytes)
        else:
            others = page_bytes
    return sizes, others


def _pins(domain: etree._Element) -> Iterator[Pin]:
    for element in (*domain.iterfind("vcpu[@cpuset]"), *domain.iterfind("cputune/*[@cpuset]")):
        cpus = numbers_of(element.get("cpuset", ""))
        if cpus:
            yield Pin(_pinned(element), cpus)


def _pinned(element: etree._Element) -> str:
    names = {"vcpu": "all vcpus", "emulatorpin": "emulator"}
    kind = str(element.tag)
    index = element.get("vcpu") or element.get("iothread") or element.get("vcpus") or ""
    return names.get(kind) or f"{kind.removesuffix('pin')} {index}".strip()


def _secrets(domain: etree._Element) -> Iterator[SecretNeed]:
    for disk in domain.iterfind("devices/disk"):
        target = disk.find("target")
        subject = target.get("dev", "disk") if target is not None else "disk"
        yield from (_secret(subject, element) for element in disk.iter("secret"))
    for encryption in domain.iterfind("devices/tpm/backend/encryption[@secret]"):
        yield SecretNeed("tpm", encryption.get("secret"), None, "vtpm")


def _secret(subject: str, element: etree._Element) -> SecretNeed:
    return SecretNeed(subject, element.get("uuid"), element.get("usage"), element.get("type", ""))


def _files(domain: etree._Element) -> Iterator[HostFile]:
    nvram = domain.find("os/nvram")
    found = [(str(each.tag), (each.text or "").strip()) for each in domain.iterfind("os/*")]
    roles = ("loader", "nvram", "kernel", "initrd", "dtb")
    for role, path in [*found, ("nvram template", nvram.get("template", "") if nvram is not None else "")]:
        if role in (*roles, "nvram template") and path.startswith("/"):
            yield HostFile(role, path)
    for table in domain.iterfind("os/acpi/table"):
        yield HostFile("acpi table", (table.text or "").strip())
    if domain.find("devices/tpm/backend[@type='emulator']") is not None:
        yield HostFile(TPM_STATE, _tpm_state(domain))


def _tpm_state(domain: etree._Element) -> str:
    source = domain.find("devices/tpm/backend/source")
    given = source.get("path") if source is not None else None
    return given or f"{_STATE_DIRECTORY}/{text_of(domain, 'uuid') or ''}"


def _tpm(tpm: etree._Element | None) -> TpmNeed | None:
    backend = tpm.find("backend") if tpm is not None else None
    if tpm is None or backend is None:
        return None
    encrypted = backend.find("encryption") is not None
    return TpmNeed(backend.get("type", ""), tpm.get("model", ""), backend.get("version"), encrypted)


def _listens(domain: etree._Element) -> Iterator[str]:
    """A network's or a socket's address is not the definition's own word."""
    for listen in domain.iterfind("devices/graphics/listen[@type='address']"):
        if listen.get("address"):
            yield listen.get("address", "")
