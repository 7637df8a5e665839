# The host's storage: mounts, block devices and the ways to them, and what it serves to others. All of it by the shell's
# own means, but for mountinfo and the states of multipath: a host may have thousands of devices.

# The first line of each of these files, in one line of the section; `-` for one that is empty or not there.
told_files() { # NAME FILE...
    line=" $1"
    shift
    for file; do
        word=
        read -r word <"$file" || :
        line="$line ${word:--}"
    done
    printf '%s\n' "$line"
}

tell_devices() {
    for device in /sys/block/*; do
        case ${device##*/} in loop*|ram*|zram*|dm-*|md*|sr*|fd*|nbd*) continue ;; esac
        wwid=$device/device/wwid
        [ -e "$wwid" ] || wwid=$device/wwid
        [ -e "$device/size" ] && told_files "${device##*/}" "$device/size" "$device/device/state" "$wwid"
    done
}

tell_maps() {
    for map in /sys/block/dm-*/dm; do
        uuid=
        read -r uuid <"$map/uuid" || :
        case $uuid in mpath-*) told_files map "$map/name" "$map/uuid" ;; *) continue ;; esac
        multipath=yes
    done
    [ -z "$multipath" ] || told dmsetup status --target multipath
}

tell_ways() {
    for each in /sys/class/fc_host/*; do
        [ -e "$each/port_name" ] && told_files "fc ${each##*/}" "$each/port_name" "$each/port_state" "$each/fabric_name"
    done
    for each in /sys/class/srp_remote_ports/*; do
        [ -e "$each/state" ] && told_files "srp ${each##*/}" "$each/state"
    done
    for each in /sys/class/iscsi_session/*; do
        [ -e "$each/targetname" ] || continue
        number=${each##*/session}
        way=/sys/class/iscsi_connection/connection$number:0
        told_files "iscsi session$number" "$each/targetname" "$each/state" "$way/persistent_address" "$way/persistent_port"
    done
    for each in /sys/class/nvme/*; do
        [ -e "$each/transport" ] && told_files "nvme ${each##*/}" "$each/transport" "$each/subsysnqn" "$each/state"
    done
}

tell_lock_tables() {
    for each in /sys/fs/gfs2/*; do
        [ -e "$each/id" ] && told_files "gfs2 ${each##*/}" "$each/id" "$each/uuid"
    done
    for each in /sys/kernel/config/cluster/*; do
        [ -d "$each" ] && printf ' ocfs2 %s\n' "${each##*/}"
    done
}

tell_exports() {
    while read -r directory _; do
        case $directory in /*) printf ' nfs %s\n' "$directory" ;; esac
    done </var/lib/nfs/etab
    for brick in /var/lib/glusterd/vols/*/bricks/*; do
        [ -e "$brick" ] || continue
        volume=${brick%/bricks/*} directory=
        while IFS== read -r key value; do [ "$key" = path ] && directory=$value; done <"$brick"
        # The file is on every server of the volume, the directory only on the brick's own.
        [ -n "$directory" ] && [ -d "$directory" ] && printf ' gluster %s\n' "${volume##*/}"
    done
    for target in /sys/kernel/config/target/iscsi/iqn.*; do
        [ -d "$target" ] && printf ' iscsi %s\n' "${target##*/}"
    done
}

# What serves the mounts of GlusterFS: how long it keeps sizes is told nowhere else.
tell_gluster_clients() {
    case $(cat /proc/self/mountinfo) in *' - fuse.glusterfs '*) ;; *) return ;; esac
    for process in /proc/[0-9]*; do
        name=
        read -r name <"$process/comm" || :
        [ "$name" = glusterfs ] && printf ' %s\n' "$(tr '\0' ' ' <"$process/cmdline")"
    done
}

# Libvirt's own figures of a pool are as old as its last refresh, and to refresh one opens all of its images.
tell_room() {
    for pool in /run/libvirt/storage/*.xml; do
        [ -e "$pool" ] || continue
        path=$(sed -n 's:^ *<path>\(/.*\)</path>.*:\1:p' "$pool" | head -n 1)
        case $path in ''|/dev/*) continue ;; esac
        told stat --file-system --format='%a %S %n' -- "$path"
    done
}

tell_storage() {
    section mounts
    told cat /proc/self/mountinfo
    section gluster
    tell_gluster_clients
    section devices
    tell_devices
    section maps
    tell_maps
    section ways
    tell_ways
    section locks
    tell_lock_tables
    section exports
    tell_exports
    section room
    tell_room
}
