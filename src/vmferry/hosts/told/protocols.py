"""By what name people know the way bytes come to a host."""

from __future__ import annotations

FILE_SYSTEMS = {
    "nfs": "NFS",
    "cifs": "SMB",
    "smb3": "SMB",
    "ceph": "CephFS",
    "fuse.ceph": "CephFS",
    "fuse.ceph-fuse": "CephFS",
    "glusterfs": "GlusterFS",
    "fuse.glusterfs": "GlusterFS",
    "gfs2": "GFS2",
    "ocfs2": "OCFS2",
    "gpfs": "Spectrum Scale",
    "lustre": "Lustre",
    "beegfs": "BeeGFS",
    "afs": "AFS",
    "9p": "9P",
    "virtiofs": "virtiofs",
    "fuse.moosefs": "MooseFS",
    "fuse.mfs": "MooseFS",
    "fuse.quobyte": "Quobyte",
    "fuse.sshfs": "SSHFS",
}
"""Those that several hosts can see."""
CLIENTS_INODES = frozenset({"cifs", "smb3", "fuse.sshfs"})
"""Of these a file's inode number may be the client's invention: another on every host."""
LOCAL_FILE_SYSTEMS = frozenset({"ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "tmpfs", "overlay", "f2fs", "bcachefs"})
ONE_KIND = {"nfs4": "nfs"}
"""One export may be mounted by either version."""

URLS = {
    "iscsi": "iSCSI",
    "nfs": "NFS",
    "gluster": "GlusterFS",
    "rbd": "Ceph RBD",
    "nbd": "NBD",
    "http": "HTTP",
    "https": "HTTP",
    "ftp": "FTP",
    "ftps": "FTP",
    "ssh": "SSH",
    "sheepdog": "Sheepdog",
    "vxhs": "VxHS",
}
TRANSPORTS = {
    "iscsi": "iSCSI LUN",
    "fc": "Fibre Channel LUN",
    "fcoe": "FCoE LUN",
    "srp": "SRP LUN",
    "nvme-tcp": "NVMe over TCP",
    "nvme-rdma": "NVMe over RDMA",
    "nvme-fc": "NVMe over Fibre Channel",
}
"""Of block devices that several hosts can reach."""
