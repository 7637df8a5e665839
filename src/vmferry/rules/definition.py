"""What the guest's definition says is true on the target too, or is changed there in nothing that the guest sees."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from vmferry.facts.move import MoveFacts
from vmferry.model.edits import Edit, Naming
from vmferry.model.finding import Finding, Severity
from vmferry.model.guest import Disk
from vmferry.rules.alike import by_files, by_hosts, by_shape
from vmferry.rules.registry import Voice, move_rule
from vmferry.xml.abi import Difference, differences
from vmferry.xml.parse import BadXml

CHAINS_SINCE = (5, 10)
"""Libvirt's first version that takes what an image rests on from the definition rather than from the image."""
HOOK = "/etc/libvirt/hooks/qemu"


@move_rule(
    "storage.same-path",
    "every file is at the same path on both hosts",
    "guide 15.2: shared storage must be mounted at the same location on source and destination",
    alike=by_files,
)
def same_path(move: MoveFacts, say: Voice) -> Iterator[Finding]:
    """Of a file that is nowhere on the target, storage.shared and the rules of files speak."""
    seen = {sight.target for sight in move.target.disks if sight.seen}
    needed = (each.as_disk() for each in move.guest.needs.files)
    for disk in (*move.guest.guest.disks, *needed):
        moved = _moved(disk, move.target.edits)
        if moved:
            yield _elsewhere(move, disk, moved, say)
        elif disk.target in seen and disk.source is not None and disk.source.startswith("/"):
            yield say.ok(disk.target, f"{disk.source} on both", _required(disk))


def _required(disk: Disk) -> str:
    return f"{disk.source or 'it'} at the same path on both hosts"


def _moved(disk: Disk, edits: Sequence[Edit]) -> tuple[Edit, ...]:
    words = {disk.source, *disk.backing}
    pool = disk.source.partition("/")[0] if disk.kind == "volume" and disk.source is not None else None
    return tuple(
        edit
        for edit in edits
        if (edit.naming is Naming.PATH and edit.before in words) or (edit.naming is Naming.POOL and edit.before == pool)
    )


def _elsewhere(move: MoveFacts, disk: Disk, moved: Sequence[Edit], say: Voice) -> Finding:
    target = move.target.host
    observed = f"{target.name} has " + ", ".join(f"{edit.before} at {edit.after}" for edit in moved)
    remedy = _remedy(target.name, moved[0])
    in_image = [edit.before for edit in moved if edit.before in disk.backing]
    if in_image and _takes_no_chain(target.libvirt):
        observed += f"; the image itself names {in_image[0]}, and libvirt {target.libvirt} there believes the image"
        return say.refuse(disk.target, observed, _required(disk), remedy)
    if in_image:
        observed += f"; the image itself names {in_image[0]}, so the definition there spells out what it rests on"
    who = "the given definition" if move.wish.definition is not None else "the definition that vmferry gives the target"
    return say.warn(disk.target, f"{observed}; {who} says so", _required(disk), remedy)


def _takes_no_chain(libvirt: str | None) -> bool:
    """False also where its version is not known: it has been so since 2019."""
    parts = (libvirt or "").split(".")[:2]
    return len(parts) == 2 and all(part.isdigit() for part in parts) and tuple(map(int, parts)) < CHAINS_SINCE


def _remedy(target: str, edit: Edit) -> str:
    if edit.naming is Naming.POOL:
        return f"nothing; or give the pool {edit.after} on {target} the name {edit.before}"
    here, there = edit.before.split("/"), edit.after.split("/")
    while len(here) > 2 and len(there) > 2 and here[-1] == there[-1]:
        del here[-1], there[-1]
    before, after = (shlex.quote("/".join(parts)) for parts in (here, there))
    return f"nothing; or on {target}: mkdir -p {before} && mount --bind {after} {before}"


@move_rule(
    "definition.abi",
    "the given definition changes nothing that the guest sees",
    "libvirt: unsupported configuration: Target ... does not match source ...",
    alike=by_shape,
)
def abi(move: MoveFacts, say: Voice) -> Iterator[Finding]:
    """Only of a definition that the user gives: what vmferry itself changes are names of the host."""
    given, name = move.wish.definition, move.guest.guest.name
    if given is None:
        return
    required = "what the guest sees is as it is now"
    try:
        found = differences(move.guest.migratable_xml or move.guest.live_xml, given, move.guest.live_xml)
    except BadXml as error:
        remedy = f"begin with: virsh dumpxml --migratable {name}, on {move.source.name}"
        yield say.refuse(name, f"{error.message} {error.detail}".strip(), required, remedy)
        return
    for each in found:
        yield say.refuse(each.place, _described(each), required, _set_back(each))
    if not found:
        yield say.ok(name, "the given definition differs in nothing that the guest sees", required)


def _described(each: Difference) -> str:
    values = f"{each.says}: the guest has {_shown(each.before)}, the given definition says {_shown(each.after)}"
    return f"{values}; libvirt lets it pass, QEMU may not" if each.breaks else values


def _shown(value: str | None) -> str:
    return "none" if value is None else value


def _set_back(each: Difference) -> str:
    if each.before is None:
        return f"take {each.place} out of the given definition"
    return f"in the given definition set {each.place} to {each.before}"


@move_rule(
    "definition.hook",
    "a hook of the target may change the definition",
    "libvirt: the qemu hook of the destination is given the incoming definition and may answer with another",
    severity=Severity.INFO,
    key=by_hosts,
)
def hook(move: MoveFacts, say: Voice) -> Iterator[Finding]:
    target, system = move.target.host.name, move.target.host.system
    if system is None or system.hooks is None:
        return
    scripts = [each.path for each in system.hooks if each.path == HOOK or each.path.startswith(f"{HOOK}.d/")]
    if scripts:
        observed = f"{', '.join(scripts)} on {target} may change what arrives"
        yield say.note(target, observed, "a definition as it was checked", f"read {scripts[0]} on {target}")
    else:
        yield say.ok(target, "no hook of QEMU's changes what arrives", "a definition as it was checked")
