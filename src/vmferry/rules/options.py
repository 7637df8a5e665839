"""The options of a migration fit together: everything that libvirt and QEMU refuse of them, at once and before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from vmferry.facts.host import HostFacts
from vmferry.facts.move import MoveFacts
from vmferry.facts.wish import MoveWish
from vmferry.model.finding import Finding
from vmferry.rules.alike import by_shape
from vmferry.rules.registry import Voice, move_rule

MIB = 1 << 20
MOST_CHANNELS = 255
MOST_PORT = 65535
MOST_BANDWIDTH_BYTES_S = (1 << 63) - 1
"""Libvirt takes MiB in 64 bits, QEMU bytes in 63."""
MOST_DOWNTIME_MS = 2_000_000
"""QEMU's own limit: 2000 s."""
BOTH_WAYS_SINCE = (10, 1)
"""QEMU's release from which post-copy goes with parallel streams."""
METHODS = ("mt", "xbzrle", "zlib", "zstd")
STREAMED = ("zlib", "zstd")
"""Methods of parallel streams alone."""
SCHEMES = ("tcp", "rdma", "unix")
DISK_SCHEMES = ("tcp", "unix")


@dataclass(frozen=True, slots=True)
class Clash:
    """One combination that does not go."""

    holds: Callable[[MoveWish], bool]
    options: str
    observed: str
    remedy: str


def _scheme(uri: str | None) -> str:
    return (uri or "").partition(":")[0] if uri and ":" in uri else ""


def _tuned(wish: MoveWish, method: str) -> bool:
    return any(name.startswith(f"compression.{method}.") for name, _ in wish.compression_tuning)


def _copies(wish: MoveWish) -> bool:
    return wish.storage == "copy"


CLASHES = (
    Clash(lambda w: w.post_copy and w.tunnelled, "post-copy", "post-copy is not tunnelled", "drop one of the two"),
    Clash(
        lambda w: w.post_copy and w.offline, "post-copy", "post-copy is of a running guest only", "drop one of the two"
    ),
    Clash(
        lambda w: _copies(w) and w.tunnelled,
        "storage copy",
        "disks are not copied through the tunnel",
        "drop tunnelled",
    ),
    Clash(
        lambda w: bool(w.migrate_disks) and w.tunnelled,
        "migrate-disks",
        "no choice of disks in a tunnel",
        "drop tunnelled",
    ),
    Clash(
        lambda w: _copies(w) and w.offline, "offline", "a shut off guest's disks are not copied by libvirt", "drop one"
    ),
    Clash(
        lambda w: w.offline and not w.persistent,
        "offline",
        "only a definition moves, and it would not be kept",
        "add persistent",
    ),
    Clash(lambda w: w.offline and w.tunnelled, "offline", "there is nothing to tunnel", "drop tunnelled"),
    Clash(lambda w: w.offline and w.parallel, "offline", "there is no memory to send in parallel", "drop parallel"),
    Clash(lambda w: w.tunnelled and w.parallel, "parallel", "a tunnel is one stream", "drop one of the two"),
    Clash(lambda w: w.tunnelled and w.tls, "tls", "a tunnel is libvirt's connection, with its own TLS", "drop one"),
    Clash(
        lambda w: w.tunnelled and w.data_uri is not None,
        "migration URI",
        "a tunnel goes where libvirt goes",
        "drop the URI or tunnelled",
    ),
    Clash(
        lambda w: w.tunnelled and w.listen_address is not None,
        "listen address",
        "nothing listens for a tunnel",
        "drop the address or tunnelled",
    ),
    Clash(
        lambda w: w.tunnelled and (w.disks_port is not None or w.disks_uri is not None),
        "disks port",
        "nothing listens for a tunnel",
        "drop the disks' port and URI, or tunnelled",
    ),
    Clash(lambda w: w.zerocopy and not w.parallel, "zero-copy", "it is of parallel streams only", "add parallel"),
    Clash(lambda w: w.zerocopy and w.tls, "zero-copy", "not with TLS", "drop one of the two"),
    Clash(lambda w: w.zerocopy and bool(w.compression), "zero-copy", "not with compression", "drop one of the two"),
    Clash(
        lambda w: w.connections is not None and not w.parallel,
        "connections",
        "a number of streams without parallel",
        "add parallel",
    ),
    Clash(
        lambda w: w.connections is not None and not 1 <= w.connections <= MOST_CHANNELS,
        "connections",
        f"QEMU takes 1 to {MOST_CHANNELS}",
        "choose a number in this range",
    ),
    Clash(
        lambda w: any(each not in METHODS for each in w.compression),
        "compression",
        f"the methods are {', '.join(METHODS)}",
        "take one of these",
    ),
    Clash(
        lambda w: len(set(w.compression)) != len(w.compression),
        "compression",
        "a method is named twice",
        "name it once",
    ),
    Clash(
        lambda w: bool(set(w.compression) & set(STREAMED)) and not w.parallel,
        "compression",
        "zlib and zstd are of parallel streams only",
        "add parallel",
    ),
    Clash(
        lambda w: bool(set(w.compression) & {"mt", "xbzrle"}) and w.parallel,
        "compression",
        "mt and xbzrle are not of parallel streams",
        "take zlib or zstd, or drop parallel",
    ),
    Clash(
        lambda w: len(set(w.compression) & set(STREAMED)) > 1, "compression", "one method for all streams", "take one"
    ),
    *(
        Clash(
            lambda w, method=method: _tuned(w, method) and method not in w.compression,  # type: ignore[misc]
            f"compression.{method}",
            f"{method} is tuned but not chosen",
            f"add {method} to the methods",
        )
        for method in METHODS
    ),
    Clash(
        lambda w: (
            (w.auto_converge_initial is not None or w.auto_converge_increment is not None) and not w.auto_converge
        ),
        "auto-converge",
        "it is tuned but not chosen",
        "add auto-converge",
    ),
    Clash(
        lambda w: any(
            each is not None and not 1 <= each <= 99 for each in (w.auto_converge_initial, w.auto_converge_increment)
        ),
        "auto-converge",
        "QEMU takes 1 to 99 per cent",
        "choose a number in this range",
    ),
    Clash(
        lambda w: w.tls_destination is not None and not w.tls,
        "tls",
        "a name for TLS, and no TLS",
        "add tls, or drop it",
    ),
    Clash(
        lambda w: w.tls and _scheme(w.data_uri) == "unix" and w.tls_destination is None,
        "tls",
        "over a UNIX socket nobody knows the name that the certificate should have",
        "name it: tls destination",
    ),
    Clash(
        lambda w: w.tls and _copies(w) and _scheme(w.disks_uri) == "unix",
        "tls",
        "disks over a UNIX socket go without TLS",
        "drop one of the two",
    ),
    Clash(
        lambda w: any(
            each is not None and not 0 < each <= MOST_BANDWIDTH_BYTES_S
            for each in (w.bandwidth_bytes_s, w.post_copy_bandwidth_bytes_s)
        ),
        "bandwidth",
        f"libvirt takes up to {MOST_BANDWIDTH_BYTES_S // MIB} MiB/s",
        "choose a number in this range",
    ),
    Clash(
        lambda w: w.post_copy_bandwidth_bytes_s is not None and not w.post_copy,
        "bandwidth",
        "one for post-copy, and no post-copy",
        "add post-copy, or drop it",
    ),
    Clash(
        lambda w: w.max_downtime_ms is not None and not 0 < w.max_downtime_ms <= MOST_DOWNTIME_MS,
        "max-downtime",
        f"QEMU takes 1 to {MOST_DOWNTIME_MS} ms",
        "choose a number in this range",
    ),
    Clash(
        lambda w: w.disks_port is not None and w.disks_uri is not None,
        "disks port",
        "the disks' port and URI are both given",
        "drop one of the two",
    ),
    Clash(
        lambda w: w.disks_port is not None and not 0 <= w.disks_port <= MOST_PORT,
        "disks port",
        f"a port is 0 to {MOST_PORT}",
        "choose a number in this range",
    ),
    Clash(
        lambda w: w.disks_uri is not None and _scheme(w.disks_uri) not in DISK_SCHEMES,
        "disks URI",
        "it is tcp://HOST[:PORT] or unix:///PATH",
        "write it so",
    ),
    Clash(
        lambda w: w.disks_uri is not None and w.disks_uri.rstrip("/") in ("unix:", "tcp:"),
        "disks URI",
        "it names no host or path",
        "write tcp://HOST[:PORT] or unix:///PATH",
    ),
    Clash(
        lambda w: w.data_uri is not None and _scheme(w.data_uri) not in SCHEMES,
        "migration URI",
        "it is tcp://HOST[:PORT], rdma://HOST[:PORT] or unix:///PATH",
        "write it so",
    ),
    Clash(
        lambda w: not _copies(w) and bool(w.migrate_disks or w.incremental or w.synchronous_writes),
        "storage",
        "options of a copy, and nothing is copied",
        "add --storage copy",
    ),
    Clash(lambda w: w.storage not in ("shared", "copy"), "storage", "it is shared or copy", "write one of the two"),
)
"""Guest and hosts aside."""


@move_rule(
    "options.consistent",
    "the options of the migration fit together",
    "libvirt: post-copy is not supported with tunnelled migration; zero-copy is only available for parallel migration; "
    "Turn parallel migration on to tune it; Both port and URI requested for disk migration; QEMU: Postcopy is not yet "
    "compatible with multifd",
    alike=by_shape,
)
def consistent(move: MoveFacts, say: Voice) -> Iterator[Finding]:
    required = "a combination that libvirt and QEMU take"
    found = [clash for clash in CLASHES if clash.holds(move.wish)]
    for clash in found:
        yield say.refuse(clash.options, clash.observed, required, clash.remedy)
    old = [host for host in (move.source, move.target.host) if _both_ways(move) and _is_old(host)]
    for host in old:
        observed = f"QEMU {host.qemu} on {host.name} does post-copy by one stream only"
        yield say.refuse("post-copy", observed, required, "drop post-copy or parallel")
    unlimited = _unlimited(move)
    if unlimited is not None:
        observed = "RDMA locks all memory, and no hard limit is set"
        yield say.refuse("migration URI", observed, required, f"virsh memtune {unlimited} --hard-limit KIB --live")
    if not found and not old and unlimited is None:
        yield say.ok("options", "they do", required)


def _both_ways(move: MoveFacts) -> bool:
    return move.wish.post_copy and move.wish.parallel


def _is_old(host: HostFacts) -> bool:
    """False also where its version is not known: a guess refuses nothing."""
    parts = (host.qemu or "").split(".")[:2]
    return len(parts) == 2 and all(part.isdigit() for part in parts) and tuple(map(int, parts)) < BOTH_WAYS_SINCE


def _unlimited(move: MoveFacts) -> str | None:
    """The guest's name, where it would go by RDMA without a limit to what that locks."""
    by_rdma = _scheme(move.wish.data_uri) == "rdma"
    return move.guest.guest.name if by_rdma and move.guest.needs.hard_limit_bytes is None else None
