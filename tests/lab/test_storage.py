"""The lab's storages as the hosts see them, and after a power loss."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from vmferry.lab import control
from vmferry.lab.layout import Layout
from vmferry.lab.shell import ssh
from vmferry.lab.storage_files import LUN_TOOL, TARGET

HOSTS = ("h1", "h2", "h3")
SIZE_BYTES = 4 << 20


@pytest.fixture
def lun(lab: Layout) -> Iterator[str]:
    number = ssh(lab, "storage", LUN_TOOL, "add", str(SIZE_BYTES)).strip()
    yield number
    ssh(lab, "storage", LUN_TOOL, "remove", number)


def capacity(lab: Layout, host: str, url: str) -> str:
    return ssh(lab, host, "sh", "-c", 'qemu-img info "$1" | grep "virtual size"', "-", url)


@pytest.mark.parametrize("host", HOSTS)
def test_every_host_has_the_three_pools(lab: Layout, host: str) -> None:
    assert sorted(ssh(lab, host, "virsh", "pool-list", "--name").split()) == ["iscsi", "local", "shared"]


def test_a_file_in_the_shared_directory_is_everywhere_at_once(lab: Layout) -> None:
    ssh(lab, "h1", "sh", "-c", "echo from h1 > /srv/shared/note")
    assert [ssh(lab, host, "cat", "/srv/shared/note") for host in HOSTS] == ["from h1\n"] * 3
    ssh(lab, "h3", "rm", "/srv/shared/note")
    assert ssh(lab, "h1", "ls", "/srv/shared") == ""


@pytest.mark.parametrize("host", HOSTS)
def test_every_host_reaches_a_lun_by_its_own_qemu_and_by_its_pool(lab: Layout, lun: str, host: str) -> None:
    assert str(SIZE_BYTES) in capacity(lab, host, f"iscsi://storage/{TARGET}/{lun}")
    ssh(lab, host, "virsh", "pool-refresh", "iscsi")
    assert f"lun-{lun}" in ssh(lab, host, "virsh", "vol-list", "iscsi")


def test_a_lun_that_is_gone_can_be_removed_again(lab: Layout) -> None:
    number = ssh(lab, "storage", LUN_TOOL, "add", str(SIZE_BYTES)).strip()
    for _ in range(2):
        ssh(lab, "storage", LUN_TOOL, "remove", number)
    assert number not in ssh(lab, "storage", "ls", "/srv/iscsi").split()


def test_a_file_over_nfs_is_the_same_on_all_hosts(lab: Layout) -> None:
    url = "nfs://storage/srv/nfs/trial.img"
    ssh(lab, "h1", "qemu-img", "create", "-f", "raw", url, str(SIZE_BYTES))
    assert all(str(SIZE_BYTES) in capacity(lab, host, url) for host in HOSTS)
    ssh(lab, "storage", "rm", "/srv/nfs/trial.img")


def test_a_storage_host_comes_back_from_a_power_loss_with_all_it_had(lab: Layout, lun: str) -> None:
    ssh(lab, "h1", "sh", "-c", "echo kept > /srv/shared/note; sync /srv/shared/note")
    control.kill_host(lab, "storage")
    control.start_host(lab, "storage")
    for host in HOSTS:
        assert str(SIZE_BYTES) in capacity(lab, host, f"iscsi://storage/{TARGET}/{lun}")
    wait = (
        'for try in $(seq 200); do [ "$(cat /srv/shared/note 2>/dev/null)" = kept ] && exit 0; sleep 0.1; done; exit 1'
    )
    for host in HOSTS:
        ssh(lab, host, "sh", "-c", wait)
    ssh(lab, "h2", "rm", "/srv/shared/note")
