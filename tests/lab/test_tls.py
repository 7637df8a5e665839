"""Certificates on real hosts: migrations go encrypted with them, do not go with bad ones, and all is put back."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from vmferry.errors import HostError
from vmferry.facts.tls import Role
from vmferry.hosts import LibvirtConnector
from vmferry.lab.guest_page import read_page
from vmferry.lab.layout import Layout
from vmferry.lab.shell import ssh
from vmferry.model.migration import MigrationOrder
from vmferry.model.tuning import Tuning
from vmferry.repair.authority import Authority, authority_certificate, read_authority, sign
from vmferry.store.chest import FileChest

from .conftest import Run, environment
from .test_migration import VMFERRY
from .test_pair import entry
from .wire import watched

GUEST = "tls"
HOSTS = ("h1", "h2", "h3")
LEAN = ("--memory", "160MiB", "--working-set", "16MiB", "--dirty", "1MiB/s", "--disk-size", "4MiB", "--disk", "shared")
PKI = "/etc/pki/qemu"
QEMU_CONF = "/etc/libvirt/qemu.conf"
STATE = (
    "find /etc/pki /etc/libvirt -type f -exec sha256sum {} + 2>/dev/null | sort; find /etc -maxdepth 1 -name pki; "
    "find /etc/pki -exec stat -c '%n %a %u:%g' {} + 2>/dev/null | sort; true"
)


def states(lab: Layout) -> dict[str, str]:
    return {host: ssh(lab, host, "sh", "-c", STATE) for host in HOSTS}


@pytest.fixture(scope="module")
def guest(vmferry: Run) -> Iterator[str]:
    """Its address; it begins on h1, and each test leaves it there."""
    yield vmferry("lab", "guest", GUEST, *LEAN, "--on", "h1").stdout.split()[2]
    vmferry("lab", "guest", GUEST, "--remove")


@pytest.fixture(scope="module")
def before(lab: Layout, guest: str) -> dict[str, str]:
    return states(lab)


@pytest.fixture(scope="module")
def fleet(lab: Layout, vmferry: Run, before: dict[str, str]) -> Iterator[Layout]:
    """The lab with certificates on all hosts; as it was before, afterwards."""
    vmferry("tls", "init", "--yes")
    yield lab
    vmferry("tls", "init", "--undo", "--yes")
    for host in HOSTS:
        ssh(lab, host, "rm", "-rf", "/var/lib/vmferry")


def laid_down(lab: Layout, tmp_path: Path, tls: str, peer_uri: str = "") -> str:
    """A configuration file like the lab's, with that of TLS and of h2."""
    path = tmp_path / f"{tls}.toml"
    text = lab.config.read_text()
    if peer_uri:
        text = text.replace('peer_uri = "qemu+ssh://root@h2/system"', f'peer_uri = "{peer_uri}"')
    path.write_text(f'[migration]\ntls = "{tls}"\n{text}')
    return str(path)


def where(lab: Layout) -> list[str]:
    return [host for host in HOSTS if GUEST in ssh(lab, host, "virsh", "list", "--name").split()]


def moved(vmferry: Run, to: str, *options: str) -> None:
    ran = vmferry(*options, "migrate", GUEST, "--to", to, "-o", "json")
    assert json.loads(ran.stdout)["outcome"] == "migrated", ran.stderr


def of_rules(vmferry: Run, prefix: str, *options: str) -> list[dict[str, Any]]:
    document = json.loads(vmferry(*options, "check", GUEST, "-o", "json", check=False).stdout)
    return [each for target in document["targets"] for each in target["findings"] if each["rule"].startswith(prefix)]


def test_nothing_is_there_and_it_is_said(vmferry: Run, before: dict[str, str]) -> None:
    found = of_rules(vmferry, "transport.tls-migration")
    assert {each["severity"] for each in found} == {"warn"}
    assert all("in the clear" in each["observed"] for each in found)


def test_a_dry_run_changes_nothing(lab: Layout, vmferry: Run, before: dict[str, str]) -> None:
    assert "/etc/pki/qemu/server-key.pem" in vmferry("tls", "init", "--dry-run").stdout
    assert states(lab) == before
    assert not Path(lab.run, "tls").exists()


def test_the_rules_pass(fleet: Layout, vmferry: Run) -> None:
    found = of_rules(vmferry, "transport.tls", "--config", str(fleet.config))
    assert {each["severity"] for each in found} == {"info"}
    assert {each["rule"] for each in found} == {"transport.tls-days", "transport.tls-migration"}


def test_status_tells_of_them(fleet: Layout, vmferry: Run) -> None:
    hosts = json.loads(vmferry("tls", "status", "-o", "json").stdout)["hosts"]
    files = [file for host in hosts for file in host["files"]]
    assert len(files) == 6 * len(HOSTS)
    assert all(file["ours"] and file["problem"] is None and file["days_left"] >= 364 for file in files)


def test_keys_are_for_their_users_only(fleet: Layout) -> None:
    for host in HOSTS:
        modes = ssh(fleet, host, "sh", "-c", "find /etc/pki -name '*key.pem' -exec stat -c '%a %u:%g' {} +").split("\n")
        assert sorted(filter(None, modes)) == ["400 0:0", "400 0:0", "600 0:0", "600 0:0"]
        assert "PRIVATE" not in ssh(fleet, host, "sh", "-c", "cat /var/lib/vmferry/fixes/*")


def test_a_migration_goes_encrypted(fleet: Layout, vmferry: Run, guest: str, tmp_path: Path) -> None:
    """The same guest's memory is found on the wire where it goes in the clear."""
    with watched(fleet, "h1") as clear:
        moved(vmferry, "h2", "--config", laid_down(fleet, tmp_path, "off"))
    with watched(fleet, "h1") as encrypted:
        moved(vmferry, "h1")
    assert clear.words > 0
    assert encrypted.words == 0
    assert encrypted.bytes > 10 << 20
    assert read_page(guest, timeout_s=5.0).errors == 0


@pytest.mark.parametrize("target", ["h2", "h3"])
def test_a_migration_where_it_is_required(fleet: Layout, vmferry: Run, guest: str, tmp_path: Path, target: str) -> None:
    """Between hosts of the same release, and of two."""
    require = ("--config", laid_down(fleet, tmp_path, "require"))
    moved(vmferry, target, *require)
    assert where(fleet) == [target]
    moved(vmferry, "h1", *require)
    assert read_page(guest, timeout_s=5.0).errors == 0


Bad = Callable[[Authority, datetime], tuple[str, str]]


def _made(authority: Authority, names: tuple[str, ...], now: datetime, days: int) -> tuple[str, str]:
    key = generate_private_key(SECP256R1())
    signed = sign(authority, key, Role.SERVER, names, x509.random_serial_number(), now, days)
    return signed.pem, signed.key.reveal()


def expired(ours: Authority, now: datetime) -> tuple[str, str]:
    return _made(ours, ("h2", *ADDRESSES), now - timedelta(days=10), 5)


def of_another_ca(ours: Authority, now: datetime) -> tuple[str, str]:
    key = generate_private_key(SECP256R1())
    theirs = Authority((authority_certificate(key, x509.random_serial_number(), now),), key)
    return _made(theirs, ("h2", *ADDRESSES), now, 365)


def of_another_name(ours: Authority, now: datetime) -> tuple[str, str]:
    return _made(ours, ("elsewhere",), now, 365)


ADDRESSES: list[str] = []
BAD: dict[str, tuple[Bad, str]] = {
    "expired": (expired, "it expired on"),
    "of another CA": (of_another_ca, "did not sign it"),
    "of another name": (of_another_name, "it is for elsewhere, not for "),
}


def put(lab: Layout, host: str, path: str, text: str) -> None:
    subprocess.run([str(lab.ssh), host, f"cat >{path}"], input=text, text=True, check=True)


@pytest.fixture(params=list(BAD))
def bad(request: pytest.FixtureRequest, fleet: Layout) -> Iterator[str]:
    """H2 with a server certificate that is no good; what its finding says."""
    make, words = BAD[request.param]
    address = entry(fleet, "h2").migration_address
    assert address is not None
    ADDRESSES[:] = [address]
    chest = FileChest(fleet.run / "tls")
    ours = read_authority(chest.certificates() or "", chest.key())
    certificate, key = make(ours, datetime.now(UTC))
    for name in ("server-cert.pem", "server-key.pem"):
        ssh(fleet, "h2", "cp", "-a", f"{PKI}/{name}", f"/root/{name}")
    put(fleet, "h2", f"{PKI}/server-cert.pem", certificate)
    put(fleet, "h2", f"{PKI}/server-key.pem", key)
    yield words
    for name in ("server-cert.pem", "server-key.pem"):
        ssh(fleet, "h2", "mv", f"/root/{name}", f"{PKI}/{name}")


@pytest.mark.parametrize("tls", ["auto", "require"])
def test_a_bad_certificate_is_refused(
    fleet: Layout, vmferry: Run, guest: str, tmp_path: Path, bad: str, tls: str
) -> None:
    """Row 52: the guest stays on its source, and file and host are named."""
    ran = vmferry("--config", laid_down(fleet, tmp_path, tls), "migrate", GUEST, "--to", "h2", check=False)
    assert ran.returncode == 3, ran.stderr
    assert f"h2:{PKI}/server-cert.pem" in ran.stderr
    assert bad in ran.stderr
    assert where(fleet) == ["h1"]


def test_one_that_is_bad_after_the_check(fleet: Layout, guest: str, bad: str) -> None:
    """QEMU itself refuses it, and the guest goes on where it is."""
    host = LibvirtConnector().connect(entry(fleet, "h1"), 10.0)
    try:
        (found,) = (each for each in host.guests() if each.name == GUEST)
        target = entry(fleet, "h2")
        uri = f"tcp://{target.migration_address}"
        order = MigrationOrder(found.uuid, target.peer_uri or "", uri, found.persistent, tuning=Tuning(tls=True))
        with pytest.raises(HostError):
            host.migrate(order)
    finally:
        host.close()
    assert where(fleet) == ["h1"]
    assert read_page(guest, timeout_s=5.0).errors == 0


def test_somebody_elses_are_left(fleet: Layout, vmferry: Run, bad: str) -> None:
    """What another CA signed stays; one of ours that is no good any more is made anew."""
    at = ssh(fleet, "h2", "cat", f"{PKI}/server-cert.pem")
    ran = vmferry("tls", "init", "--host", "h2", "--dry-run")
    if "did not sign" in bad:
        assert f"left as it is: {PKI}/server-cert.pem" in ran.stdout
        assert "nothing to do" in ran.stdout
        assert f"{PKI}/server-cert.pem" in vmferry("tls", "init", "--host", "h2", "--dry-run", "--replace").stdout
    else:
        assert f"h2: {PKI}/server-cert.pem" in ran.stdout
    assert ssh(fleet, "h2", "cat", f"{PKI}/server-cert.pem") == at


def test_renewed_under_a_running_guest(fleet: Layout, vmferry: Run, guest: str) -> None:
    old = ssh(fleet, "h2", "cat", f"{PKI}/server-cert.pem")
    assert vmferry("tls", "renew", "--yes").stdout.count("nothing to do") == len(HOSTS)
    vmferry("tls", "renew", "--within", "400", "--yes")
    assert ssh(fleet, "h2", "cat", f"{PKI}/server-cert.pem") != old
    moved(vmferry, "h2")
    moved(vmferry, "h1")
    assert read_page(guest, timeout_s=5.0).errors == 0


@pytest.fixture
def unprivileged(fleet: Layout, vmferry: Run) -> Iterator[str]:
    """A guest on h1, where QEMU runs as a user who is not root; so it does on h2. Its name."""
    change = 's/^user.*/user = "libvirt-qemu"/; s/^group.*/group = "libvirt-qemu"/'
    for host in ("h1", "h2"):
        ssh(
            fleet,
            host,
            "sh",
            "-c",
            f"cp -a {QEMU_CONF} /root; sed -i '{change}' {QEMU_CONF}; systemctl restart libvirtd",
        )
    vmferry("lab", "guest", "plain", *LEAN[:-1], "none", "--on", "h1")
    yield "plain"
    vmferry("lab", "guest", "plain", "--remove")
    for host in ("h1", "h2"):
        ssh(fleet, host, "sh", "-c", f"mv /root/qemu.conf {QEMU_CONF}; systemctl restart libvirtd")


def test_qemu_that_is_not_root(fleet: Layout, vmferry: Run, unprivileged: str) -> None:
    """Keys that are root's are no use to it, which the check says; then they are made for it."""
    ran = vmferry("migrate", unprivileged, "--to", "h2", check=False)
    assert ran.returncode == 3
    assert "server-key.pem (0:0 400) is not for the user of QEMU" in ran.stderr
    assert "client-key.pem (0:0 400) is not for the user of QEMU" in ran.stderr
    vmferry("tls", "init", "--host", "h1", "--host", "h2", "--yes")
    with watched(fleet, "h1") as wire:
        vmferry("migrate", unprivileged, "--to", "h2")
    assert (wire.words, wire.bytes > 10 << 20) == (0, True)


def test_libvirt_over_tls(fleet: Layout, vmferry: Run, tmp_path: Path) -> None:
    """The target's libvirt is reached by TLS too: both ends show certificates."""
    sockets = "libvirtd.socket libvirtd-ro.socket libvirtd-admin.socket"
    ssh(
        fleet,
        "h2",
        "sh",
        "-c",
        f"systemctl stop libvirtd.service {sockets}; systemctl start {sockets} libvirtd-tls.socket libvirtd.service",
    )
    try:
        uri = "qemu+tls://h2/system"
        assert ssh(fleet, "h1", "virsh", "-c", uri, "hostname").strip() == "h2"
        require = ("--config", laid_down(fleet, tmp_path, "require", uri))
        assert {each["severity"] for each in of_rules(vmferry, "transport.tls", *require)} == {"info"}
        moved(vmferry, "h2", *require)
        assert where(fleet) == ["h2"]
        assert (
            "restart libvirtd.service" in vmferry("tls", "renew", "--host", "h2", "--within", "400", "--dry-run").stdout
        )
        vmferry("tls", "renew", "--host", "h2", "--within", "400", "--yes")
        assert ssh(fleet, "h1", "virsh", "-c", uri, "hostname").strip() == "h2"
        moved(vmferry, "h1", *require)
    finally:
        ssh(fleet, "h2", "sh", "-c", "systemctl stop libvirtd-tls.socket; systemctl restart libvirtd.service")


def test_it_is_put_back(fleet: Layout, vmferry: Run, before: dict[str, str], guest: str) -> None:
    """Also what was renewed since, under a guest that runs."""
    process = ssh(fleet, "h1", "pgrep", "-o", "qemu-system")
    assert states(fleet) != before
    ran = json.loads(vmferry("tls", "init", "--undo", "--yes", "-o", "json").stdout)
    assert all(host["left"] == [] for host in ran["hosts"])
    assert states(fleet) == before
    assert ssh(fleet, "h1", "pgrep", "-o", "qemu-system") == process
    assert read_page(guest, timeout_s=5.0).errors == 0
    assert Path(fleet.run, "tls/ca-key.pem").exists()


def test_no_terminal_no_change(lab: Layout, before: dict[str, str]) -> None:
    done = subprocess.run(
        [*VMFERRY, "tls", "init"], env=environment(lab), stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    assert done.returncode == 2
    assert states(lab) == before
