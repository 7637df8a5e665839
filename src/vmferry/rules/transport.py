"""The source gets to the target: to its libvirt, and with the data of a migration.

What was tried from the source decides. A connection to the target's libvirt that came about proves all that it needs.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address

from vmferry.facts.ends import data_host, is_address, peer_of, qemu_setting
from vmferry.facts.ends import migration_ports as ports_of
from vmferry.facts.host import HostFacts
from vmferry.facts.move import PairFacts
from vmferry.facts.path import Port, Reach, Resolved, TriedPeer, TriedPort
from vmferry.model.finding import Finding
from vmferry.rules.registry import Voice, pair_rule

ANY = ("0.0.0.0", "::", "[::]")


@pair_rule(
    "transport.resolve",
    "the names that the source is given resolve there, and to the target",
    "libvirt: hostname on destination resolved to localhost, but migration requires an FQDN; "
    "QEMU: Unable to resolve address '...': Name or service not known",
)
def names_resolve(pair: PairFacts, say: Voice) -> Iterator[Finding]:
    source, target = pair.source.name, pair.target
    data = data_host(target)
    if data is None:
        remedy = f"set migration_address of {target.name} to its address on the migration network"
        required = f"a name or an address of {target.name} for the data of migrations"
        yield say.unknown(target.name, "its name is not known", required, remedy)
    elif is_address(data):
        yield _judge_address(pair, data, say)
    elif _is_local_name(data):
        remedy = f"on {target.name}: hostnamectl set-hostname {target.name}; or set migration_address of {target.name}"
        required = f"a name of {target.name} by which {source} finds it"
        yield say.refuse(target.name, f"{target.name} calls itself {data}", required, remedy)
    looked = {name.name: name for name in pair.path.names}
    peer = peer_of(target)
    for word in dict.fromkeys(filter(None, (peer.host if peer else None, data))):
        if not is_address(word) and not _is_local_name(word):
            yield _judge_name(pair, looked.get(word, Resolved(word, None)), say)


def _judge_address(pair: PairFacts, address: str, say: Voice) -> Finding:
    required = f"an address of {pair.target.name}"
    if _has(pair.target, (address,)) is False:
        observed = f"{pair.target.name} itself has no {address}"
        remedy = (
            f"set migration_address of {pair.target.name} to one of its own, unless something on the way rewrites it"
        )
        return say.warn(address, observed, required, remedy)
    return say.ok(address, "an address, not a name", required)


def _judge_name(pair: PairFacts, name: Resolved, say: Voice) -> Finding:
    source, target = pair.source, pair.target
    required = f"{name.name} is {target.name}, seen from {source.name}"
    addresses = name.addresses or ()
    remedy = f"on {source.name}: correct {name.name} in /etc/hosts or in the name server"
    if name.addresses is None:
        why = pair.path.problem or f"{source.name} could not look it up"
        return say.unknown(name.name, why, required, f"on {source.name}: getent ahosts {name.name}")
    peer = _answering(pair)
    if peer is not None and name.name != data_host(target):
        return say.ok(name.name, f"{', '.join(addresses) or 'known to ssh only'}, and {peer} answers there", required)
    if not addresses:
        return say.refuse(name.name, f"it does not resolve on {source.name}", required, remedy)
    if any(_local(each) for each in addresses):
        return say.refuse(name.name, f"on {source.name} it is {', '.join(addresses)}: itself", required, remedy)
    if _has(source, addresses):
        return say.refuse(name.name, f"it is {', '.join(addresses)}, which is {source.name}'s own", required, remedy)
    if _has(target, addresses) is False:
        return say.warn(name.name, f"it is {', '.join(addresses)}, which {target.name} does not have", required, remedy)
    return say.ok(name.name, ", ".join(addresses), required)


def _answering(pair: PairFacts) -> str | None:
    """The target's own name, where libvirt answered by it just now: then names and ports need no other proof."""
    name = pair.path.peer.hostname if pair.path.peer is not None else None
    return name if pair.target.hostname in (None, name) else None


def _is_local_name(name: str) -> bool:
    """As libvirt judges it."""
    return name.startswith("localhost")


def _local(address: str) -> bool:
    return is_address(address) and ip_address(address).is_loopback


def _has(host: HostFacts, addresses: tuple[str, ...]) -> bool | None:
    """Any of them; None: its addresses are not known."""
    if host.network is None or host.network.addresses is None:
        return None
    return not {each.address for each in host.network.addresses}.isdisjoint(addresses)


@pair_rule(
    "transport.libvirt-port",
    "the port of the target's libvirt is reached from the source",
    "libvirt: unable to connect to server at '...': Connection refused / No route to host / Connection timed out",
)
def libvirt_port(pair: PairFacts, say: Voice) -> Iterator[Finding]:
    peer = peer_of(pair.target)
    if peer is None:
        return
    required = f"port {peer.port} of {peer.host} open for {pair.source.name}"
    tried = next((each for each in pair.path.ports if each.use is Port.LIBVIRT), None)
    if (name := _answering(pair)) is not None:
        yield say.ok(peer.host, f"{name} answers by {peer.transport}", required)
    elif tried is None or tried.reach in (Reach.UNKNOWN, Reach.UNRESOLVED):
        yield _not_tried(pair, peer.host, peer.port, tried, required, say)
    elif tried.reach is Reach.OPEN:
        yield say.ok(peer.host, "it is open", required)
    elif tried.reach is Reach.REFUSED:
        remedy = f"on {pair.target.name}: systemctl enable --now {_service(peer.transport)}"
        yield say.refuse(peer.host, "nobody listens there", required, remedy)
    else:
        yield say.refuse(peer.host, _blocked(tried), required, _opened(pair.target, str(peer.port)))


def _service(transport: str) -> str:
    if transport in ("tls", "tcp"):
        return f"libvirtd-{transport}.socket (or virtproxyd-{transport}.socket)"
    return "ssh (or sshd)"


def _not_tried(pair: PairFacts, host: str, port: int, tried: TriedPort | None, required: str, say: Voice) -> Finding:
    why = tried.said if tried is not None and tried.said else pair.path.problem or "it was not tried"
    remedy = f"make ssh to {pair.source.name} work, or there: bash -c 'exec 3<>/dev/tcp/{host}/{port}'"
    return say.unknown(host, why, required, remedy)


def _blocked(tried: TriedPort) -> str:
    if tried.reach is Reach.SILENT:
        return f"no answer from port {tried.port}: a firewall drops it, or the host is gone"
    return f"port {tried.port}: {tried.said or 'no way there'}: a firewall or a missing route"


def _opened(target: HostFacts, ports: str) -> str:
    return (
        f"on {target.name}: let TCP {ports} in, and on the way there "
        f"(firewall-cmd --permanent --add-port={ports}/tcp; firewall-cmd --reload; "
        f"or nft insert rule inet filter input tcp dport {ports} accept)"
    )


@pair_rule(
    "transport.migration-ports",
    "the ports for the data of migrations are reached from the source",
    "guide 15.2, table of ports; QEMU: unable to connect to server at '...:49152': Connection timed out",
)
def migration_ports(pair: PairFacts, say: Voice) -> Iterator[Finding]:
    tried = [each for each in pair.path.ports if each.use is Port.MIGRATION]
    required = f"ports for migration of {pair.target.name} reached from {pair.source.name}"
    known = [each for each in tried if each.reach not in (Reach.UNKNOWN, Reach.UNRESOLVED)]
    if not known:
        data = data_host(pair.target) or pair.target.name
        yield _not_tried(pair, data, tried[0].port if tried else 49152, tried[0] if tried else None, required, say)
        return
    closed = [each for each in known if not each.reach.reachable]
    answering = [each for each in known if each.reach.reachable]
    host, ports = known[0].host, "-".join(map(str, ports_of(pair.target)))
    if not closed:
        yield say.ok(host, f"{_listed(known)} answer", required)
    elif not answering:
        yield say.refuse(host, _blocked(closed[0]), required, _opened(pair.target, ports))
    else:
        observed = f"port {answering[0].port} answers, but {_blocked(closed[0])}"
        yield say.warn(host, f"{observed}; several migrations at once will fail", required, _opened(pair.target, ports))


def _listed(tried: list[TriedPort]) -> str:
    return ("port " if len(tried) == 1 else "ports ") + " and ".join(str(each.port) for each in tried)


@pair_rule(
    "transport.peer",
    "the source's libvirt gets into the target's",
    "libvirt: Cannot recv data: Host key verification failed; authentication failed; no polkit agent available",
)
def peer_answers(pair: PairFacts, say: Voice) -> Iterator[Finding]:
    peer, source, target = pair.path.peer, pair.source, pair.target
    uri = target.peer_uri
    required = f"{uri} opens on {source.name}, as its daemon does it"
    by_hand = f"on {source.name}, as root: virsh -c '{uri}' hostname"
    if uri is None or peer_of(target) is None:
        return
    if peer is None or not peer.tried:
        why = pair.path.problem or (peer.problem if peer else None) or "it was not tried"
        yield say.unknown(target.name, why, required, f"make ssh as root to {source.name} work, or {by_hand}")
    elif peer.hostname is None and (peer.problem or "").startswith("no answer"):
        yield say.unknown(target.name, peer.problem or "", required, by_hand)
    elif peer.hostname is None:
        yield say.refuse(target.name, peer.problem or "it does not open", required, f"{_mended(pair, peer)}; {by_hand}")
    elif target.hostname is not None and peer.hostname != target.hostname:
        remedy = f"set peer_uri of {target.name} to a URI of that host"
        observed = f"{peer.hostname} answers; {target.name} calls itself {target.hostname}"
        yield say.refuse(target.name, observed, required, remedy)
    else:
        yield say.ok(target.name, f"{peer.hostname} answers", required)


_REMEDIES = (
    ("Host key verification failed", "on {source}, as root: ssh {host} true, and compare the key that it shows"),
    ("Permission denied", "put root's public key of {source} into authorized_keys on {target} (ssh-copy-id)"),
    ("Connection refused", "start what should listen on {target}"),
    ("certificate", "renew or exchange the certificates that are named"),
    ("polkit", "use a user of {target} who may use libvirt, as root"),
    ("uthentication failed", "give the source a login: SASL on {target} asks for one, and a daemon has none"),
    ("Could not resolve", "correct {host} in /etc/hosts of {source}"),
)


def _mended(pair: PairFacts, peer: TriedPeer) -> str:
    end = peer_of(pair.target)
    names = {"source": pair.source.name, "target": pair.target.name, "host": end.host if end else pair.target.name}
    found = (text for words, text in _REMEDIES if words in (peer.problem or ""))
    return next(found, "make this work, then check again").format(**names)


@pair_rule(
    "transport.listen-address",
    "the target listens where the source sends to",
    "QEMU: Failed to bind socket: Cannot assign requested address; unable to connect to server: Connection refused",
)
def listen_address(pair: PairFacts, say: Voice) -> Iterator[Finding]:
    target = pair.target
    listens = qemu_setting(target, "migration_address")
    if not isinstance(listens, str) or not is_address(listens.strip("[]")):
        return
    required = f"migration_address of qemu.conf on {target.name} is where {pair.source.name} sends to"
    remedy = f"on {target.name}: remove migration_address from /etc/libvirt/qemu.conf; restart libvirtd or virtqemud"
    data = data_host(target)
    if listens in ANY:
        yield say.ok(target.name, f"it listens at {listens}", required)
    elif _has(target, (listens.strip("[]"),)) is False:
        yield say.refuse(target.name, f"it is {listens}, which {target.name} does not have", required, remedy)
    elif data is not None and is_address(data) and data != listens.strip("[]"):
        yield say.refuse(target.name, f"it listens at {listens}, and data are sent to {data}", required, remedy)
    else:
        yield say.ok(target.name, f"it listens at {listens}", required)
