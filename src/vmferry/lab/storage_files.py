"""The text of the files that make a host of the shared image a storage host, or a client of one."""

from pathlib import Path

TARGET = "iqn.2026-01.test.vmferry:lab"
VOLUME = "shared"
SHARED_DIR = "/srv/shared"
NFS_DIR = "/srv/nfs"
LOCAL_DIR = "/var/lib/libvirt/images"
LUN_TOOL = "/usr/local/sbin/vmferry-lun"


def lun_script() -> str:
    return (Path(__file__).parent / "storage_lun.sh").read_text()


# Files come and go in the directory itself: with names cached, a new file of an old name would be the removed one.
# PR_SET_IO_FLUSHER needs a capability that a container may lack; it only matters to a server that is its own client.
GANESHA = f"""\
NFS_CORE_PARAM {{
    Protocols = 3;
    Enable_NLM = false;
    Enable_RQUOTA = false;
    allow_set_io_flusher_fail = true;
}}
MDCACHE {{
    Dir_Chunk = 0;
}}
EXPORT {{
    Attr_Expiration_Time = 0;
    Export_Id = 1;
    Path = {NFS_DIR};
    Pseudo = {NFS_DIR};
    Access_Type = RW;
    Squash = No_Root_Squash;
    SecType = sys;
    Protocols = 3;
    Transports = TCP;
    FSAL {{ Name = VFS; }}
}}
"""

DIRECTORIES = """\
d /srv/iscsi 0755
d /srv/nfs 0755
d /srv/gluster 0755
"""

LUN_UNIT = f"""\
[Unit]
Description=LUNs of the lab
Requires=tgt.service
After=tgt.service
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart={LUN_TOOL} sync
[Install]
WantedBy=multi-user.target
"""

_CREATE = f"gluster --mode=script volume create {VOLUME} storage:/srv/gluster/{VOLUME} force"
_START = f"gluster --mode=script volume start {VOLUME}"
# What Gluster's own settings for guests' images (its group "virt") say of caches: O_DIRECT goes to the brick, and what
# another host has written is never hidden by something that was read before.
_FOR_GUESTS = ("performance.strict-o-direct on", *(f"performance.{each} off" for each in ("quick-read", "io-cache")))
_SET = " && ".join(f"gluster --mode=script volume set {VOLUME} {each}" for each in _FOR_GUESTS)

VOLUME_UNIT = f"""\
[Unit]
Description=GlusterFS volume of the lab
Requires=glusterd.service
After=glusterd.service
ConditionPathExists=!/var/lib/glusterd/vols/{VOLUME}/info
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -c '{_CREATE} && {_SET} && {_START}'
[Install]
WantedBy=multi-user.target
"""

_MOUNT = f"--attribute-timeout=0 --volfile-server=storage --volfile-id=/{VOLUME} {SHARED_DIR}"
"""Sizes are asked for anew every time: else a guest that has just come reads zeros behind the end that the host
remembers.
"""
# In the foreground and started again for ever: the storage host may come up later than this one, or come back.
MOUNT_UNIT = f"""\
[Unit]
Description=The lab's shared directory
After=network.target
StartLimitIntervalSec=0
[Service]
ExecStartPre=-/bin/umount --lazy {SHARED_DIR}
ExecStart=/usr/sbin/glusterfs --no-daemon {_MOUNT}
ExecStopPost=-/bin/umount --lazy {SHARED_DIR}
Restart=always
RestartSec=300ms
[Install]
WantedBy=multi-user.target
"""

_START_POOL = """virsh pool-info "$pool" | grep -q "State: *running" || virsh pool-start "$pool" || exit 1"""

# Not libvirt's own autostart: it tries once, and holds up the daemon for as long as the storage host does not answer.
POOLS_UNIT = f"""\
[Unit]
Description=The lab's pools on the storage host
After=libvirtd.service
StartLimitIntervalSec=0
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/bin/mountpoint --quiet {SHARED_DIR}
ExecStart=/bin/sh -c 'for pool in iscsi shared; do {_START_POOL}; done'
Restart=on-failure
RestartSec=300ms
[Install]
WantedBy=multi-user.target
"""


def dir_pool(name: str, path: str) -> str:
    return f"<pool type='dir'><name>{name}</name><target><path>{path}</path></target></pool>\n"


def iscsi_pool(name: str, host: str) -> str:
    """A pool of the LUNs as libvirt reaches them by itself, without the kernel's initiator."""
    return (
        f"<pool type='iscsi-direct'><name>{name}</name><source><host name='storage'/><device path='{TARGET}'/>"
        f"<initiator><iqn name='iqn.2026-01.test.vmferry:{host}'/></initiator></source></pool>\n"
    )
