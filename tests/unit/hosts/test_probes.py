"""Tries of the ways to other hosts: what is asked of the shell, and what its answers mean."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator, Sequence

import pytest

from vmferry.facts.path import NeighbourPlan, PathFacts, PathPlan, Port, PortPlan, Reach
from vmferry.hosts.probes import _read, _requests, probe, reach, silenced
from vmferry.hosts.shell import Shell

MAC = "02:00:00:00:00:02"
PLAN = PathPlan(
    target="h2",
    names=("h2",),
    ports=(PortPlan(Port.LIBVIRT, "h2", 22), PortPlan(Port.MIGRATION, "10.1.0.2", 49152)),
    peer_uri="qemu+ssh://root@h2/system",
    neighbours=(NeighbourPlan("br0", "10.0.0.2", "br0", MAC),),
)
ANSWERS = (
    "name 10.0.0.2      STREAM h2\t10.0.0.2      DGRAM\tfe80::1 RAW\t",
    "port 0 ",
    "port 1 bash: connect: Connection refused\tbash: line 1: /dev/tcp/10.1.0.2/49152: Connection refused",
    "peer Warning: added\thost=h2.example.org\thost=",
    f"neighbour 1 10.0.0.2 lladdr {MAC} STALE\tbash: connect: Connection refused",
)


def read(**changed: str) -> PathFacts:
    """The answers with those of a kind changed."""
    lines = [changed.get(line.split(" ")[0], line) for line in ANSWERS]
    (facts,) = _read([PLAN], dict(enumerate(lines)))
    return facts


def test_what_is_asked() -> None:
    assert list(_requests(PLAN)) == [
        "resolve {} h2",
        "port {} h2 22",
        "port {} 10.1.0.2 49152",
        "peer {} qemu+ssh://root@h2/system?no_tty=1",
        "neighbour {} br0 10.0.0.2",
    ]


def test_what_is_answered() -> None:
    facts = read()
    assert facts.names[0].addresses == ("10.0.0.2", "fe80::1")
    assert [port.reach for port in facts.ports] == [Reach.OPEN, Reach.REFUSED]
    assert facts.ports[1].said == "Connection refused"
    assert facts.peer is not None
    assert (facts.peer.hostname, facts.peer.problem) == ("h2.example.org", None)
    assert facts.neighbours[0].proved


def test_a_name_that_does_not_resolve() -> None:
    assert read(name="name ").names[0].addresses == ()
    assert read(name="unable getent is not installed").names[0].addresses is None


@pytest.mark.parametrize(
    ("status", "said", "expected"),
    [
        ("0", "", Reach.OPEN),
        ("124", "", Reach.SILENT),
        ("1", "bash: connect: Connection refused", Reach.REFUSED),
        ("1", "bash: connect: No route to host", Reach.BARRED),
        ("1", "bash: connect: Permission denied", Reach.BARRED),
        ("1", "bash: connect: Operation not permitted", Reach.BARRED),
        ("1", "bash: h9: Name or service not known", Reach.UNRESOLVED),
        ("1", "bash: h9: Temporary failure in name resolution", Reach.UNRESOLVED),
        ("1", "bash: /dev/tcp/h2/22: No such file or directory", Reach.UNKNOWN),
        ("", "", Reach.UNKNOWN),
    ],
)
def test_what_a_try_came_to(status: str, said: str, expected: Reach) -> None:
    assert reach(status, said) is expected


def test_a_peer_that_does_not_answer() -> None:
    refused = read(peer="peer error: failed to connect to the hypervisor\terror: Permission denied\t").peer
    untried = read(peer="unable virsh is not installed").peer
    assert refused is not None
    assert untried is not None
    assert (refused.hostname, refused.tried) == (None, True)
    assert refused.problem == "error: failed to connect to the hypervisor; error: Permission denied"
    assert (untried.problem, untried.tried) == ("virsh is not installed", False)


@pytest.mark.parametrize(
    ("line", "answered", "proved"),
    [
        (f"neighbour 0 10.0.0.2 lladdr {MAC} STALE\t", MAC, True),
        (f"neighbour 124 10.0.0.2 lladdr {MAC} REACHABLE\t", MAC, True),
        (f"neighbour 124 10.0.0.2 lladdr {MAC} STALE\t", MAC, False),
        (f"neighbour 1 10.0.0.2 lladdr {MAC} STALE\tbash: connect: No route to host", MAC, True),
        ("neighbour 1 10.0.0.2 FAILED\tbash: connect: No route to host", None, False),
        ("neighbour 124 10.0.0.2 INCOMPLETE\t", None, False),
        ("neighbour 1 10.0.0.2 lladdr 02:00:00:00:00:99 REACHABLE\tConnection refused", "02:00:00:00:00:99", False),
        ("neighbour 124 \t", None, False),
    ],
)
def test_who_answers_for_an_address(line: str, answered: str | None, proved: bool) -> None:
    (found,) = read(neighbour=line).neighbours
    assert (found.answered, found.proved) == (answered, proved)


@pytest.mark.parametrize("line", ["", "x", "name", "port", "peer", "neighbour", "port x y", "neighbour \t\t\t", "\x00"])
def test_odd_answers_raise_nothing(line: str) -> None:
    list(_read([PLAN, PLAN], dict.fromkeys(range(10), line)))
    list(_read([PLAN], {}))


@pytest.mark.parametrize(
    ("uri", "asked"),
    [
        ("qemu+ssh://h2/system?no_tty=0&keyfile=/k", "qemu+ssh://h2/system?keyfile=/k&no_tty=1"),
        ("qemu+libssh://h2/system", "qemu+libssh://h2/system?no_tty=1"),
        ("qemu+tls://h2/system?pkipath=/p", "qemu+tls://h2/system?pkipath=/p"),
    ],
)
def test_ssh_never_asks_anybody(uri: str, asked: str) -> None:
    assert silenced(uri) == asked


def test_without_a_shell_nothing_is_tried() -> None:
    (found,) = probe([PLAN], Shell("h1", None))
    assert "no shell" in (found.problem or "")


def test_a_shell_that_does_not_come_says_so_for_every_plan() -> None:
    found = probe([PLAN, PLAN], Shell("h1", ("/nonexistent/ssh",)))
    assert [each.problem for each in found] == [found[0].problem] * 2
    assert found[0].problem


class Told:
    """A shell that answers each port as it is told, and remembers which were tried."""

    available = True

    def __init__(self, **said: str) -> None:
        self.said, self.tried = said, list[str]()

    def ask(self, requests: Sequence[str]) -> list[str]:
        words = [request.split() for request in requests]
        self.tried += [port for _, _, _, port in words]
        return [f"{number} port {self.said['p' + port]}" for _, number, _, port in words]


DROPPED, CLOSED = "124 ", "1 bash: connect: Connection refused"


@pytest.mark.parametrize(
    ("last", "middle", "tried"),
    [
        (CLOSED, CLOSED, ["49215", "49183"]),
        (DROPPED, CLOSED, ["49215", "49183"]),
        (DROPPED, DROPPED, ["49215", "49183", "49152"]),
    ],
)
def test_the_port_at_which_a_guest_may_be_waited_for_is_only_the_last_resort(
    last: str, middle: str, tried: list[str]
) -> None:
    ports = tuple(PortPlan(Port.MIGRATION, "10.1.0.2", port) for port in (49215, 49183))
    plan = PathPlan("h2", ports=ports, last_resort=PortPlan(Port.MIGRATION, "10.1.0.2", 49152))
    shell = Told(p49215=last, p49183=middle, p49152=CLOSED)
    (found,) = probe([plan], shell)  # type: ignore[arg-type]
    assert shell.tried == tried
    assert [str(each.port) for each in found.ports] == tried


@pytest.fixture
def here() -> Iterator[Shell]:
    shell = Shell("here", ())
    yield shell
    shell.close()


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
def test_ports_of_this_machine(here: Shell) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening, socket.create_server(("127.0.0.1", 0)) as closed:
        ports = [each.getsockname()[1] for each in (listening, closed)]
        closed.close()
        (found,) = probe(
            [PathPlan("here", ports=tuple(PortPlan(Port.LIBVIRT, "127.0.0.1", each) for each in ports))], here
        )
    assert [each.reach for each in found.ports] == [Reach.OPEN, Reach.REFUSED]


@pytest.mark.skipif(shutil.which("getent") is None, reason="no getent here")
def test_names_of_this_machine(here: Shell) -> None:
    (found,) = probe([PathPlan("here", names=("localhost", "name.invalid"))], here)
    local, nobody = found.names
    assert {"127.0.0.1", "::1"} & set(local.addresses or ())
    assert not nobody.addresses
