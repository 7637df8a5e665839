"""From where to where disks go with their guest."""

from __future__ import annotations

import json

import pytest

from ..faults.conftest import GUEST
from ..guests import page_when
from .conftest import IMAGES, Disks, Make

FIRST, SECOND, THIRD = (f"{GUEST}-{number}.img" for number in range(3))


def written(ground: Disks) -> None:
    """Returns once every block of its disks has been written."""
    page_when(ground.address, lambda page: all(disk.cycles >= 1 for disk in page.disks))


def test_from_local_to_local_of_each_generation_and_back(make: Make) -> None:
    ground = make("local")
    written(ground)
    path = f"{IMAGES}/{FIRST}"
    for source, target, kept in (("h1", "h2", False), ("h2", "h3", True), ("h3", "h1", True)):
        document = ground.migrated("--source-volumes", "keep" if kept else "remove", to=target)
        (disk,) = document["disks"]
        assert (disk["disk"], disk["path"], disk["source_volume"]) == ("vda", path, "kept" if kept else "removed")
        assert document["measured"]["disk_bytes"] >= 4 << 20
        assert ground.images(source) == ({FIRST} if kept else set())
        assert ground.images(target) == {FIRST}
        if kept:
            assert ground.allocated(target, path) <= 1.1 * ground.allocated(source, path) + (1 << 20)
            ground.on(source, f"rm {path}")
        ground.whole_on(target)


def test_its_own_images_stay_on_the_source_and_are_never_written_over(make: Make) -> None:
    ground = make("local")
    (disk,) = ground.migrated()["disks"]
    assert ground.images("h1") == ground.images("h2") == {FIRST}
    assert "h1 has an image of that name already" in ground.refused(to="h1")
    assert disk["remove"] == f"on h1: rm {IMAGES}/{FIRST}"
    ground.on("h1", disk["remove"].removeprefix("on h1: "))
    (disk,) = ground.migrated("--source-volumes", "rename", to="h1")["disks"]
    assert ground.images("h2") == {f"{FIRST}.{ground.last_job()['job']}"}
    ground.whole_on("h1")


def test_onto_an_image_that_is_there(make: Make) -> None:
    """By the user's word, and only of the right size."""
    ground = make("local")
    ground.on("h2", f"qemu-img create -q -f qcow2 {IMAGES}/{FIRST} 3M")
    assert "of 3145728 bytes; on h1 it has 4194304" in ground.refused("--onto-existing", "vda")
    ground.on("h2", f"rm {IMAGES}/{FIRST}; qemu-img create -q -f qcow2 {IMAGES}/{FIRST} 4M")
    ground.migrated("--onto-existing", "vda")
    ground.whole_on("h2")


@pytest.mark.parametrize("storage", ["iscsi", "nfs"])
def test_from_a_network_disk_into_a_pool(make: Make, storage: str) -> None:
    """Both hosts share it, so only the user's word copies it."""
    ground = make(storage)
    written(ground)
    pool, place = ("local", IMAGES) if storage == "iscsi" else ("shared", "/srv/shared")
    document = ground.migrated("--disk", f"vda={pool}:qcow2")
    (disk,) = document["disks"]
    assert disk["path"].startswith(f"{place}/{GUEST}-")
    assert (disk["format"], disk["source_volume"], disk["remove"]) == ("qcow2", "kept", "")
    assert ground.sources("h2") == {"vda": disk["path"]}
    ground.whole_on("h2")


def test_of_three_disks_the_one_that_is_shared_stays(make: Make) -> None:
    ground = make("local", "shared", "local")
    written(ground)
    document = ground.migrated()
    assert [disk["disk"] for disk in document["disks"]] == ["vda", "vdc"]
    assert ground.images("h2") == ground.images("h1") == {FIRST, THIRD}
    assert ground.sources("h2") == {
        "vda": f"{IMAGES}/{FIRST}",
        "vdb": f"/srv/shared/{SECOND}",
        "vdc": f"{IMAGES}/{THIRD}",
    }
    ground.whole_on("h2")


def restarted(ground: Disks, script: str) -> None:
    """The guest with another image, made of the one that it had."""
    ground.on("h1", f"virsh destroy {GUEST} >/dev/null; {script}; virsh start {GUEST} >/dev/null")
    page_when(ground.address, lambda page: all(disk.cycles >= 1 for disk in page.disks))


def raw(size: int) -> str:
    """Makes a raw image of that size of the one that the guest has."""
    path, xml = f"{IMAGES}/{FIRST}", f"/tmp/{GUEST}.xml"
    return (
        f"qemu-img convert -O raw {path} {path}.raw; mv {path}.raw {path}; truncate -s {size} {path};"
        f" virsh dumpxml --inactive {GUEST} >{xml}; sed -i \"s/type='qcow2'/type='raw'/\" {xml};"
        f" virsh define {xml} >/dev/null; rm {xml}"
    )


def findings(ground: Disks, to: str, rule: str) -> list[dict[str, str]]:
    (target,) = json.loads(ground.run("check", GUEST, "--to", to, "-o", "json").stdout)["targets"]
    return [each for each in target["findings"] if each["rule"] == rule]


def test_a_raw_image_of_an_odd_size_stays_sparse(make: Make) -> None:
    ground, path, size = make("local"), f"{IMAGES}/{FIRST}", (32 << 20) + 4096
    restarted(ground, raw(size))
    (said,) = findings(ground, "h3", "storage.copy.target")
    assert "keeps no holes" in said["observed"], "from 11.3 to 9.0 nothing does"
    (disk,) = ground.migrated()["disks"]
    assert disk["allocated_bytes"] <= 1.1 * ground.allocated("h1", path) + (2 << 20)
    assert json.loads(ground.on("h2", f"qemu-img info -U --output=json {path}"))["virtual-size"] == size
    ground.whole_on("h2")


def test_a_size_that_qemu_does_not_copy_is_said_before(make: Make) -> None:
    ground = make("local")
    restarted(ground, raw((4 << 20) + 512))
    (said,) = findings(ground, "h2", "storage.copy.target")
    assert (said["severity"], said["observed"].endswith("QEMU copies it only to where that may be")) == ("warn", True)
    ran = ground.run("migrate", GUEST, "--to", "h2", "-q", check=False)
    assert ran.returncode == 4
    assert "different sizes" in ran.stderr or "request alignment" in ran.stderr or "End of file" in ran.stderr
    assert ground.images("h2") == set()
    ground.on("h1", said["remedy"].removeprefix("on h1: "))
    ground.migrated()
    ground.whole_on("h2")


@pytest.mark.parametrize("shared", [True, False], ids=["base_shared", "base_local"])
def test_an_image_with_a_base(make: Make, shared: bool) -> None:
    """What both hosts share of it stays; else the copy has all of it in itself."""
    ground = make("local")
    written(ground)
    path, base = f"{IMAGES}/{FIRST}", f"/srv/shared/{GUEST}-base.img" if shared else f"{IMAGES}/{GUEST}-base.img"
    restarted(ground, f"mv {path} {base}; qemu-img create -q -f qcow2 -b {base} -F qcow2 {path}")
    ground.migrated()
    info = json.loads(ground.on("h2", f"qemu-img info -U --output=json {path}"))
    assert info.get("full-backing-filename") == (base if shared else None)
    assert ground.images("h2") == {FIRST}
    ground.whole_on("h2")


def test_two_disks_with_a_bandwidth_of_their_own(make: Make) -> None:
    """Memory has its own again, and afterwards nothing of it is left on the guest."""
    ground = make("local", "local")
    written(ground)
    document = ground.migrated("--storage-bandwidth", "4MiB/s")
    assert document["measured"]["duration_s"] >= 2
    told = ground.on("h2", f"virsh migrate-getspeed {GUEST}").strip()
    assert int(told) > 1 << 30
    ground.whole_on("h2")


def test_an_encrypted_image_stays_encrypted(make: Make) -> None:
    """With the secret that both hosts hold; what it has in it is compared by the guest itself."""
    ground, path, uuid = make("local"), f"{IMAGES}/{FIRST}", "5ec2e700-0000-4000-8000-000000000001"
    encryption = f"<encryption format='luks'><secret type='passphrase' uuid='{uuid}'/></encryption>"
    usage = "<usage type='volume'><volume>of the test</volume></usage>"
    for host in ("h1", "h2"):
        ground.on(host, f"echo \"<secret private='yes'><uuid>{uuid}</uuid>{usage}</secret>\" >/tmp/s.xml")
        ground.on(host, f"virsh secret-define /tmp/s.xml; virsh secret-set-value {uuid} $(echo secret | base64)")
        ground.undo.append(lambda host=host: ground.on(host, f"virsh secret-undefine {uuid}"))  # type: ignore[misc]
    volume = (
        f"<volume><name>{FIRST}</name><capacity>{4 << 20}</capacity>"
        f"<target><format type='raw'/>{encryption}</target></volume>"
    )
    ground.on("h1", f'echo "{volume}" >/tmp/v.xml; virsh destroy {GUEST}; rm {path}; virsh pool-refresh local')
    ground.on("h1", "virsh vol-create local /tmp/v.xml")
    ground.on(
        "h1",
        f"virsh dumpxml --inactive {GUEST} | sed \"s#type='qcow2'#type='raw'#;"
        f" s#<source file='{path}'/>#<source file='{path}'>{encryption}</source>#\" >/tmp/{GUEST}.xml;"
        f" virsh define /tmp/{GUEST}.xml; virsh start {GUEST}",
    )
    page_when(ground.address, lambda page: all(disk.cycles >= 1 for disk in page.disks))
    (said,) = findings(ground, "h2", "storage.copy.target")
    assert "on its way there what it holds is not" in said["observed"]
    ground.migrated()
    assert json.loads(ground.on("h2", f"qemu-img info -U --output=json {path}"))["format"] == "luks"
    assert ground.sources("h2") == {"vda": path}
    ground.whole_on("h2")
