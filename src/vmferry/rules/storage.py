"""Both hosts see the same bytes behind every disk, and neither of them is where the bytes are kept."""

from __future__ import annotations

from collections.abc import Iterator

from vmferry.facts.disk import DiskSight
from vmferry.facts.move import MoveFacts
from vmferry.model.finding import Finding, Severity
from vmferry.model.guest import Disk
from vmferry.rules.alike import by_files
from vmferry.rules.layers import Layer, eject, kept, layers, mount_command
from vmferry.rules.registry import Voice, move_rule
from vmferry.rules.servers import server_hosts

_WORST = tuple(Severity)


@move_rule(
    "storage.shared",
    "every disk is the same storage on both hosts",
    "guide 15.2: a guest must be installed on shared storage; libvirt: Migration without shared storage is unsafe",
    guards_data=True,
    alike=by_files,
)
def storage_shared(move: MoveFacts, say: Voice) -> Iterator[Finding]:
    """Proved by a mark that the source leaves beside the file and the target finds, or else by what names the bytes."""
    for disk in move.guest.guest.disks:
        if disk.source is None:
            yield say.ok(disk.target, "an empty drive", "nothing to see")
    for disk in kept(move):
        judged = [finding for layer in layers(move, disk) for finding in _judge(layer, say)]
        if judged:
            yield max(judged, key=lambda finding: _WORST.index(finding.severity))
        elif not layers(move, disk):
            yield _blind(move, disk, "not looked at", say)


def _blind(move: MoveFacts, disk: Disk, why: str, say: Voice) -> Finding:
    source, target = move.source.name, move.target.host.name
    required = f"{disk.source} seen from {target} as from {source}"
    return say.unknown(disk.target, why, required, f"make ssh to {source} and {target} work, or look by hand")


def _judge(layer: Layer, say: Voice) -> Iterator[Finding]:
    """Nothing where there is nothing to compare: an image that is not there is another rule's subject."""
    if not layer.looked_at:
        blind = (sight.problem for sight in (layer.here, layer.there) if sight.seen is None)
        yield _blind(layer.move, layer.disk, next(filter(None, blind), "not looked at"), say)
    elif not layer.here.seen:
        return
    elif layer.local:
        yield _local(layer, say)
    elif layer.there.seen:
        yield _read_only(layer, say) if layer.read_only else _compared(layer, say)


def _required(layer: Layer) -> str:
    return f"{layer.word} seen from {layer.target} as from {layer.source}"


def _local(layer: Layer, say: Voice) -> Finding:
    observed = f"{layer.name}{layer.word} is on a file system of {layer.source}'s own"
    return say.refuse(layer.disk.target, observed, _required(layer), "put the disk on storage that both hosts share")


def _read_only(layer: Layer, say: Voice) -> Finding:
    """A file of each host's own will do, and libvirt takes it, but nobody has compared what is in it."""
    if layer.here.shared_kind and _different(layer) is None and _doubt(layer) is None:
        return say.ok(layer.disk.target, _same(layer), _required(layer))
    remedy = f"{eject(layer.move, layer.disk)}compare both by hand (sha256sum {layer.word})"
    return say.warn(
        layer.disk.target, f"{layer.name}read-only and seen on both, but not compared", _required(layer), remedy
    )


def _compared(layer: Layer, say: Voice) -> Finding:
    different, doubt = _different(layer), _doubt(layer)
    if different is not None:
        observed, remedy = different
        return say.refuse(layer.disk.target, f"{layer.name}{observed}", _required(layer), remedy)
    if doubt is not None:
        remedy = "compare serial numbers, mounts and sizes by hand"
        return say.unknown(layer.disk.target, f"{layer.name}{doubt}", _required(layer), remedy)
    return say.ok(layer.disk.target, _same(layer), _required(layer))


def proved_same(layer: Layer) -> bool:
    """Of one that was looked at and found on both: nothing tells them apart, and something proves that they are one."""
    return _different(layer) is None and _doubt(layer) is None


def _different(layer: Layer) -> tuple[str, str] | None:
    """What proves that they are not the same bytes, and what to do; None: nothing does."""
    here, there = layer.here, layer.there
    mend = mount_command(layer.move, here) or "give both hosts the same storage at the same path"
    if there.marked is False:
        where = f": {here.where}" if here.where else ""
        observed = f"{layer.target} does not find the mark that {layer.source} left beside it{where}"
        return f"{observed}; {layer.target} has another directory there{_of(there)}", mend
    if layer.differ:
        return f"{layer.source} sees {here.identity}, {layer.target} sees {there.identity}", mend
    sizes = [sight.block.size_bytes for sight in (here, there) if sight.block is not None]
    if len(sizes) == 2 and None not in sizes and sizes[0] != sizes[1]:
        observed = f"one device, of {sizes[0]} bytes on {layer.source} and of {sizes[1]} on {layer.target}"
        return observed, f"on {layer.target}: rescan it (iscsiadm -m session --rescan, rescan-scsi-bus.sh --resize)"
    return None


def _of(sight: DiskSight) -> str:
    return f", of {sight.where or sight.file.kind}" if sight.file is not None else ""


def _doubt(layer: Layer) -> str | None:
    """Why the two are not proved to be the same, if nothing proves that they differ; None: they are."""
    here, there = layer.here, layer.there
    if there.marked and _one_name(layer):
        return None
    left = f"; no mark could be left beside it: {here.mark_problem}" if here.mark_problem else ""
    if here.identity is None or there.identity is None or here.shared_kind is None:
        return (here.problem or there.problem or "seen on both, but not proved to be the same") + left
    if here.where is None or there.where is None:
        return (here.problem or there.problem or "alike on both, but not proved to be on the same share") + left
    if here.where != there.where:
        return f"alike on both, but {layer.source} has it from {here.where}, {layer.target} from {there.where}{left}"
    return None


def _one_name(layer: Layer) -> bool:
    """The same directory is proved: in it, one name is one file."""
    here, there = layer.here.file, layer.there.file
    return here is not None and there is not None and here.path.rpartition("/")[2] == there.path.rpartition("/")[2]


def _same(layer: Layer) -> str:
    """By what protocol, and what proves it."""
    way = f"{layer.there.protocol}: " if layer.there.protocol else ""
    what = layer.there.identity or layer.word
    if layer.there.marked:
        return f"{way}{layer.target} finds the mark that {layer.source} left beside it; {what} on both"
    where = f" of {layer.there.where}" if layer.there.where else ""
    return f"{way}{what}{where} on both"


@move_rule(
    "storage.separate-system",
    "the storage is kept by neither of the two hosts",
    "guide 15.2: shared storage must be exported by a separate system, not by one of the hosts",
    severity=Severity.WARN,
    alike=by_files,
)
def separate_system(move: MoveFacts, say: Voice) -> Iterator[Finding]:
    required = f"storage of another system than {move.source.name} and {move.target.host.name}"
    for disk in kept(move):
        sights = [layer.here for layer in layers(move, disk)] + [layer.there for layer in layers(move, disk)]
        served = sorted({(host, why) for sight in sights for host, why in server_hosts(move, sight)})
        names = sorted({server.name for sight in sights for server in sight.servers})
        for host, why in served:
            observed = f"{host} itself keeps it: {why}"
            why_not = f"without {host} the guest has no disk, wherever it runs"
            remedy = f"move the disk to storage that no host of guests keeps: {why_not}"
            yield say.warn(disk.target, observed, required, remedy)
        if names and not served:
            yield say.ok(disk.target, f"kept by {', '.join(names)}", required)
