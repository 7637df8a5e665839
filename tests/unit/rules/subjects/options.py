"""Cases of the rules of options."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from vmferry.facts.move import MoveFacts
from vmferry.facts.needs import Needs
from vmferry.rules.options import MOST_BANDWIDTH_BYTES_S, MOST_DOWNTIME_MS

from ..cases import OK, PASSING, REFUSE, Cases, with_facts
from ..passing_storage import with_wish


def wish(**options: Any) -> MoveFacts:  # noqa: ANN401 - fields of MoveWish
    return with_wish(PASSING, **options)


def both_ways(here: str, there: str | None) -> MoveFacts:
    """Post-copy by several streams, between QEMUs of these releases."""
    move = wish(post_copy=True, parallel=True)
    target = replace(move.target, host=replace(move.target.host, qemu=there))
    return replace(move, source=replace(move.source, qemu=here), target=target)


LIMITED = with_facts(needs=Needs(hard_limit_bytes=2 << 30))
COPY = {"storage": "copy"}

CASES: Cases = {
    "options.consistent": [
        ("none", PASSING, OK, "they do"),
        ("post-copy", wish(post_copy=True, post_copy_bandwidth_bytes_s=1 << 20), OK, "they do"),
        ("several streams, compressed", wish(parallel=True, connections=4, compression=("zstd",)), OK, "they do"),
        ("zero-copy", wish(parallel=True, zerocopy=True), OK, "they do"),
        (
            "compression that is tuned",
            wish(compression=("xbzrle",), compression_tuning=(("compression.xbzrle.cache", 1 << 26),)),
            OK,
            "they do",
        ),
        ("auto-converge", wish(auto_converge=True, auto_converge_initial=20, auto_converge_increment=10), OK, "do"),
        ("disks copied", wish(**COPY, disks_uri="tcp://h2:10809", synchronous_writes=True), OK, "they do"),
        ("disks copied by a socket", wish(**COPY, disks_uri="unix:///run/nbd"), OK, "they do"),
        ("a definition only", wish(offline=True), OK, "they do"),
        ("the most", wish(bandwidth_bytes_s=MOST_BANDWIDTH_BYTES_S, max_downtime_ms=MOST_DOWNTIME_MS), OK, "they do"),
        ("TLS by a socket", wish(tls=True, tls_destination="h2", data_uri="unix:///run/m"), OK, "they do"),
        ("tunnelled", wish(tunnelled=True), OK, "they do"),
        ("post-copy tunnelled", wish(post_copy=True, tunnelled=True), REFUSE, "post-copy is not tunnelled"),
        ("post-copy offline", wish(post_copy=True, offline=True), REFUSE, "of a running guest only"),
        ("post-copy by several streams", both_ways("10.1.0", "10.1.0"), OK, "they do"),
        ("post-copy by several streams, old", both_ways("10.0.2", "10.1.0"), REFUSE, "QEMU 10.0.2 on h1"),
        ("post-copy by several streams, old there", both_ways("10.1.0", "9.2.0"), REFUSE, "QEMU 9.2.0 on h2"),
        ("post-copy by several streams, not told", both_ways("10.1.0", None), OK, "they do"),
        ("a copy tunnelled", wish(**COPY, tunnelled=True), REFUSE, "not copied through the tunnel"),
        ("a choice of disks tunnelled", wish(**COPY, tunnelled=True, migrate_disks=("vda",)), REFUSE, "no choice"),
        ("a copy offline", wish(**COPY, offline=True), REFUSE, "a shut off guest's disks"),
        ("offline, not kept", wish(offline=True, persistent=False), REFUSE, "would not be kept"),
        ("offline tunnelled", wish(offline=True, tunnelled=True), REFUSE, "nothing to tunnel"),
        ("offline parallel", wish(offline=True, parallel=True), REFUSE, "no memory to send"),
        ("parallel tunnelled", wish(parallel=True, tunnelled=True), REFUSE, "a tunnel is one stream"),
        ("TLS tunnelled", wish(tls=True, tunnelled=True), REFUSE, "with its own TLS"),
        ("a URI tunnelled", wish(data_uri="tcp://h2", tunnelled=True), REFUSE, "goes where libvirt goes"),
        ("an address tunnelled", wish(listen_address="10.0.0.2", tunnelled=True), REFUSE, "nothing listens"),
        ("a port tunnelled", wish(disks_port=1, tunnelled=True), REFUSE, "nothing listens"),
        ("a disks' URI tunnelled", wish(disks_uri="tcp://h2", tunnelled=True), REFUSE, "nothing listens"),
        ("zero-copy alone", wish(zerocopy=True), REFUSE, "of parallel streams only"),
        ("zero-copy with TLS", wish(zerocopy=True, parallel=True, tls=True), REFUSE, "not with TLS"),
        (
            "zero-copy compressed",
            wish(zerocopy=True, parallel=True, compression=("zstd",)),
            REFUSE,
            "not with compression",
        ),
        ("streams without parallel", wish(connections=2), REFUSE, "without parallel"),
        ("no streams", wish(parallel=True, connections=0), REFUSE, "QEMU takes 1 to 255"),
        ("the most streams", wish(parallel=True, connections=255), OK, "they do"),
        ("more streams than that", wish(parallel=True, connections=256), REFUSE, "QEMU takes 1 to 255"),
        ("an unknown method", wish(compression=("lz4",)), REFUSE, "the methods are"),
        ("a method twice", wish(compression=("xbzrle", "xbzrle")), REFUSE, "named twice"),
        ("zstd without parallel", wish(compression=("zstd",)), REFUSE, "zlib and zstd are of parallel"),
        ("xbzrle with parallel", wish(parallel=True, compression=("xbzrle",)), REFUSE, "not of parallel streams"),
        ("two for streams", wish(parallel=True, compression=("zlib", "zstd")), REFUSE, "one method for all"),
        (
            "tuned but not chosen",
            wish(compression_tuning=(("compression.xbzrle.cache", 1),)),
            REFUSE,
            "xbzrle is tuned but not chosen",
        ),
        ("auto-converge tuned only", wish(auto_converge_initial=20), REFUSE, "tuned but not chosen"),
        ("auto-converge to a halt", wish(auto_converge=True, auto_converge_increment=100), REFUSE, "1 to 99"),
        ("a TLS name only", wish(tls_destination="h2"), REFUSE, "a name for TLS, and no TLS"),
        ("TLS by a socket, no name", wish(tls=True, data_uri="unix:///run/m"), REFUSE, "nobody knows the name"),
        ("disks by a socket with TLS", wish(**COPY, tls=True, disks_uri="unix:///r"), REFUSE, "go without TLS"),
        ("no bandwidth", wish(bandwidth_bytes_s=0), REFUSE, "libvirt takes up to"),
        ("too much of it", wish(bandwidth_bytes_s=MOST_BANDWIDTH_BYTES_S + 1), REFUSE, "libvirt takes up to"),
        ("that of post-copy alone", wish(post_copy_bandwidth_bytes_s=1), REFUSE, "and no post-copy"),
        ("no downtime", wish(max_downtime_ms=0), REFUSE, "QEMU takes 1 to"),
        ("too long a downtime", wish(max_downtime_ms=MOST_DOWNTIME_MS + 1), REFUSE, "QEMU takes 1 to"),
        ("port and URI", wish(**COPY, disks_port=1, disks_uri="tcp://h2"), REFUSE, "both given"),
        ("a port too high", wish(**COPY, disks_port=65536), REFUSE, "a port is 0 to 65535"),
        ("an unknown scheme for disks", wish(**COPY, disks_uri="rdma://h2"), REFUSE, "tcp://HOST[:PORT] or unix"),
        ("a socket without a path", wish(**COPY, disks_uri="unix://"), REFUSE, "no host or path"),
        ("no scheme", wish(data_uri="h2"), REFUSE, "rdma://HOST[:PORT]"),
        ("an unknown scheme", wish(data_uri="ssh://h2"), REFUSE, "rdma://HOST[:PORT]"),
        ("disks chosen, none copied", wish(migrate_disks=("vda",)), REFUSE, "nothing is copied"),
        ("incremental, none copied", wish(incremental=True), REFUSE, "nothing is copied"),
        ("storage of another kind", wish(storage="moved"), REFUSE, "it is shared or copy"),
        ("RDMA without a limit", wish(data_uri="rdma://h2"), REFUSE, "no hard limit"),
        ("RDMA with one", with_wish(LIMITED, data_uri="rdma://h2"), OK, "they do"),
    ],
}
