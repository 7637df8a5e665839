"""Cases of the rules of how disks are used."""

from __future__ import annotations

from dataclasses import replace

from vmferry.facts.conf import ConfFile, Setting
from vmferry.facts.disk import DiskSight
from vmferry.facts.host import KnownGuest
from vmferry.facts.move import MoveFacts
from vmferry.facts.pool import Pool
from vmferry.facts.storage import (
    FcHost,
    IscsiSession,
    Multipath,
    MultipathPath,
    NvmeController,
    SrpPort,
    StorageFacts,
)
from vmferry.facts.system import SystemFacts
from vmferry.model.guest import Disk

from ..cases import (
    GUEST,
    OK,
    OTHER_UUID,
    PASSING,
    REFUSE,
    SIGHT,
    UUID,
    WARN,
    Cases,
    with_guest,
    with_sights,
    with_source,
    with_target,
)
from ..passing_storage import IMAGE, KEPT, POOL, with_storage

OTHER = replace(POOL, kind="netfs", servers=("t",), source="/v")
DISK = GUEST.disks[0]
LUSTRE = replace(KEPT, file=replace(IMAGE, kind="lustre"))
GFS2 = replace(KEPT, file=replace(IMAGE, kind="gfs2"))
LOCAL = DiskSight("vda", True, None, "ext4 inode 9", "", False)
DECLARED = ConfFile("/etc/libvirt/qemu.conf", (Setting("shared_filesystems", ("/srv/shared/",), 1),))
ELSEWHERE = ConfFile("/etc/libvirt/qemu.conf", (Setting("shared_filesystems", ("/srv/share",), 1),))


def cached(mode: str | None, sight: DiskSight = SIGHT, **source: object) -> MoveFacts:
    move = with_sights(sight, sight)
    guest = replace(move.guest, guest=replace(GUEST, disks=(replace(DISK, cache=mode),)))
    return replace(move, guest=guest, source=replace(move.source, **source))  # type: ignore[arg-type]


def used(*sources: str, uuid: str = OTHER_UUID, active: bool = True) -> tuple[KnownGuest, ...]:
    return (KnownGuest("other", uuid, active, disks=sources),)


def pools(*there: Pool) -> MoveFacts:
    return with_target(pools=there)


def grows(*options: str, mount: str = "/srv/shared", kind: str = "fuse.glusterfs") -> MoveFacts:
    client = ("/usr/sbin/glusterfs", *options, "--volfile-server=storage", "--volfile-id=/shared", mount)
    seen = replace(KEPT, file=replace(IMAGE, kind=kind))
    move = replace(with_sights(seen, seen), guest=with_guest(disks=(replace(DISK, format="qcow2"),)).guest)
    return with_storage(move, None, StorageFacts(gluster_clients=(client,)))


def volume(*there: Pool) -> MoveFacts:
    move = with_guest(disks=(Disk("vda", "disk", "volume", "shared/web.img"),))
    return replace(move, target=replace(move.target, host=replace(move.target.host, pools=there)))


def on_lustre(conf: ConfFile | None = None) -> MoveFacts:
    move = with_sights(LUSTRE, LUSTRE)
    system = SystemFacts(confs=() if conf is None else (conf,))
    return replace(move, source=replace(move.source, system=system))


def told(**storage: object) -> MoveFacts:
    return with_storage(PASSING, StorageFacts(**storage), None)  # type: ignore[arg-type]


SESSION = IscsiSession("session1", "iqn.x:t", "LOGGED_IN", "10.0.0.9:3260")
NVME = NvmeController("nvme1", "tcp", "nqn.x:s", "live")
PATHS = (MultipathPath("8:16", True), MultipathPath("8:32", False))

CASES: Cases = {
    "storage.known-to-libvirt": [
        ("GlusterFS", PASSING, OK, "fuse.glusterfs"),
        ("Lustre", on_lustre(), REFUSE, "is on lustre, which libvirt does not know"),
        ("Lustre, declared", on_lustre(DECLARED), OK, "lustre"),
        ("another is declared", on_lustre(ELSEWHERE), REFUSE, "which libvirt does not know"),
    ],
    "storage.cache": [
        ("none", PASSING, OK, "cache mode none"),
        ("directsync", cached("directsync"), OK, "directsync"),
        ("writeback", cached("writeback"), WARN, "cache mode writeback: libvirt 11.3.0 with QEMU 10.0.2 lets it pass"),
        ("nothing said", cached(None), WARN, "no cache mode, which is writeback"),
        ("an old QEMU", cached("writeback", qemu="3.1.0"), REFUSE, "does not drop caches"),
        ("an old libvirt", cached(None, libvirt="4.5.0"), REFUSE, "libvirt 4.5.0 with QEMU 10.0.2 does not"),
        ("of no known version", cached("writeback", qemu=None), REFUSE, "does not drop caches"),
        ("unsafe", cached("unsafe"), REFUSE, "may not be there when it arrives"),
        ("a cluster file system", cached("writeback", GFS2, qemu="2.0.0"), OK, "keeps caches alike"),
    ],
    "storage.growing": [
        ("asked anew", grows("--attribute-timeout=0"), OK, "asked for anew"),
        ("told apart", grows("--attribute-timeout", "0"), OK, "asked for anew"),
        ("kept by default", grows(), REFUSE, "qcow2 grows, and sizes are kept for 1 s"),
        ("kept for long", grows("--attribute-timeout=600"), REFUSE, "kept for 600 s"),
        ("of another FUSE", grows(kind="fuse.mfs"), WARN, "how long fuse.mfs keeps sizes there is not known"),
        ("another mount's client", grows(mount="/srv/other"), WARN, "is not known"),
    ],
    "storage.in-use": [
        ("alone", PASSING, OK, "no other guest"),
        ("it itself", with_source(guests=used("/srv/shared/web.img", uuid=UUID)), OK, "no other guest"),
        ("another on the source", with_source(guests=used("/srv/shared/web.img")), REFUSE, "guest other on h1"),
        ("another on the target", with_target(guests=used("/x", "/srv/shared/web.img")), REFUSE, "guest other on h2"),
        ("one that is shut off", with_target(guests=used("/srv/shared/web.img", active=False)), WARN, "shut off guest"),
        ("a file of the target's own", replace(
            with_sights(LOCAL, LOCAL), target=replace(
                with_sights(LOCAL, LOCAL).target, host=with_target(guests=used("/srv/shared/web.img")).target.host)),
         OK, "no other guest"),
    ],
    "storage.pool": [
        ("active", PASSING, OK, "shared is active"),
        ("missing", pools(), WARN, "h2 has no pool shared"),
        ("inactive", pools(replace(POOL, active=False)), WARN, "the pool shared is not active on h2"),
        ("of another name", pools(replace(POOL, name="images")), OK, "images is active"),
        ("of another server", pools(OTHER), WARN, "netfs t:/v there"),
        ("a volume's, active", volume(POOL), OK, "shared is active"),
        ("a volume's, missing", volume(), REFUSE, "h2 has no pool shared"),
        ("a volume's, inactive", volume(replace(POOL, active=False)), REFUSE, "not active on h2"),
    ],
    "storage.paths": [
        ("all alive", PASSING, OK, "no path lost"),
        ("one lost", told(multipaths=(Multipath("mpatha", "36001", PATHS),)), WARN, "1 of 2 paths failed (8:32)"),
        ("states not told", told(multipaths=(Multipath("mpatha", "36001", None),)), OK, "1 multipath devices"),
        ("a link down", told(fc_hosts=(FcHost("host1", "0x10", "Linkdown", "0x0"),)), WARN, "host1 (0x10) is Linkdown"),
        ("a session lost", told(iscsi_sessions=(replace(SESSION, state="FAILED"),)), WARN, "iqn.x:t is FAILED"),
        ("SRP lost", told(srp_ports=(SrpPort("port-5:1", "lost"),)), WARN, "port-5:1 is lost"),
        ("NVMe lost", told(nvme_controllers=(replace(NVME, state="connecting"),)), WARN, "nqn.x:s is connecting"),
        ("all kinds alive", told(iscsi_sessions=(SESSION,), nvme_controllers=(NVME,)), OK, "no path lost"),
    ],
}  # fmt: skip
