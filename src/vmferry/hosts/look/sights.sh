# What disks' bytes are in. Each request has a number, which begins every line of its answer.
#   file N FORMAT MARK PATH    block N PATH    image N SERVERS JSON    name N SERVERS
#   mark N FORMAT MARK PATH    unmark
# `mark` looks as `file` does and leaves a mark beside the file: an empty directory of that name, which nobody else has.
# On another host `file` then looks for it. MARK and SERVERS are `-` where there is none.

mark_life_s=20
newline='
'
marks='' watches=''

# The first line of what a failed command said, or that it was ended for its slowness.
complain() { # N STATUS TEXT
    if [ "$2" -eq 124 ]; then set -- "$1" "$2" "no answer within $limit_s s"; fi
    printf '%s problem %s\n' "$1" "$(printf '%s' "$3" | tr '\n' ' ')"
}

# By whose rights QEMU runs: as qemu.conf says, or else the user that the distribution has for it.
find_qemu_user() {
    own_uid=$(id -u)
    qemu_user=$(sed -n 's/^[[:blank:]]*user[[:blank:]]*=[[:blank:]]*"+\{0,1\}\([^"]*\)".*/\1/p' /etc/libvirt/qemu.conf | tail -n 1)
    [ -n "$qemu_user" ] || while IFS=: read -r name _; do
        case $name in libvirt-qemu|qemu) qemu_user=$name ;; esac
    done </etc/passwd
    qemu_user=${qemu_user:-root}
    qemu_uid=$(id -u "$qemu_user") qemu_gid=$(id -g "$qemu_user")
} 2>/dev/null

rights() { # PATH
    if [ -r "$1" ]; then printf r; fi
    if [ -w "$1" ]; then printf w; fi
}

tell_rights() { # N PATH
    [ "$own_uid" = 0 ] && [ -n "$qemu_uid" ] || return
    root=$(rights "$2") may=$(rights "$2")
    # shellcheck disable=SC2016
    [ "$qemu_uid" = 0 ] || may=$(timeout "$limit_s" setpriv --reuid="$qemu_uid" --regid="$qemu_gid" --init-groups \
        sh -c '[ -r "$1" ] && printf r; [ -w "$1" ] && printf w; :' sh "$2" 2>/dev/null) || may='?'
    printf '%s rights root=%s may=%s user=%s\n' "$1" "$root" "$may" "$qemu_user"
}

tell_servers() { # N SERVER,SERVER...
    [ "$2" = - ] && return
    rest=$2,
    while [ -n "$rest" ]; do
        name=${rest%%,*} rest=${rest#*,}
        [ -n "$name" ] || continue
        printf '%s server %s %s\n' "$1" "$name" "$(timeout 2 getent ahosts "$name" | while read -r address kind _; do
            [ "$kind" = STREAM ] && printf '%s ' "$address"
        done)"
    done
} 2>/dev/null

# What makes a share's name certain: the server's own number of the file system, a cluster's lock table.
tell_share() { # N MOUNT
    source=${2#*SOURCE=\"}
    source=${source%%\"*}
    case $2 in
    FSTYPE=\"nfs*) sed "s/^/$1 nfsfs /" /proc/fs/nfsfs/volumes ;;
    FSTYPE=\"gfs2*) for table in /sys/fs/gfs2/*; do
        read -r id <"$table/id" && printf '%s gfs2 %s %s\n' "$1" "$id" "${table##*/}"
    done ;;
    esac
    case $source in
    /dev/*) return ;;
    //*) server=${source#//} server=${server%%/*} ;;
    \[*\]:*) server=${source%%\]*} server=${server#\[} ;;
    *:*) server=${source%%:*} ;;
    *) return ;;
    esac
    tell_servers "$1" "$server"
} 2>/dev/null

is_local() { # MOUNT
    case $1 in
    FSTYPE=\"ext[234]\"*|FSTYPE=\"xfs\"*|FSTYPE=\"btrfs\"*|FSTYPE=\"zfs\"*|FSTYPE=\"f2fs\"*) ;;
    FSTYPE=\"tmpfs\"*|FSTYPE=\"overlay\"*|FSTYPE=\"bcachefs\"*) ;;
    *) return 1 ;;
    esac
}

# A name that was not there a moment ago may be remembered as absent; to list its directory makes a client ask again.
find_mark() { # N PATH MOUNT
    directory=${2%/*} left=8
    if is_local "$3"; then left=0; fi
    until [ -d "$2" ]; do
        if [ "$left" -eq 0 ]; then printf '%s unmarked\n' "$1"; return; fi
        left=$((left - 1))
        sleep 0.25
        timeout "$limit_s" ls -f "$directory" >/dev/null 2>&1
    done
    printf '%s marked\n' "$1"
}

look_at_file() { # N FORMAT MARK PATH
    said=$(timeout "$limit_s" stat -L -c '%s %i %b %B %u %g %a' -- "$4" 2>&1) || { complain "$1" $? "$said"; return 1; }
    path=$(timeout "$limit_s" readlink -f -- "$4")
    mount=$(timeout "$limit_s" findmnt -P -n -o FSTYPE,SOURCE,UUID,TARGET,MAJ:MIN,FSROOT,OPTIONS --target "$path" | tail -n 1)
    case $path in *"$newline"*) complain "$1" 1 'a line end in its path'; return 1 ;; esac
    printf '%s file %s %s\n%s path %s\n' "$1" "$said" "$mount" "$1" "$path"
    tell_rights "$1" "$path"
    tell_share "$1" "$mount"
    [ "$2" != qcow2 ] || printf '%s head %s\n' "$1" "$(timeout "$limit_s" od -An -v -tx1 -N 32 -- "$path" | tr -d ' \n')"
}

look_for_mark() { # N FORMAT MARK PATH
    look_at_file "$@" && [ "$3" != - ] && find_mark "$1" "${path%/*}/$3" "$mount"
}

# The watch is there before the mark, and in a session of its own: whatever becomes of this one, the mark goes.
# shellcheck disable=SC2016
watch='trap "rmdir -- \"\$1\"" EXIT; trap "exit 0" HUP INT TERM
while [ "$2" -gt 0 ] && kill -0 "$3"; do sleep 1 & wait; set -- "$1" $(($2 - 1)) "$3"; done'

leave_mark() { # N FORMAT MARK PATH
    look_at_file "$@" && ! is_local "$mount" || return
    mark=${path%/*}/$3
    marks=$marks$mark$newline
    watches="$watches $(setsid sh -c "$watch" sh "$mark" "$mark_life_s" $$ </dev/null >/dev/null 2>&1 & echo $!)"
    said=$(timeout "$limit_s" mkdir -m 700 -- "$mark" 2>&1) && printf '%s marked\n' "$1" ||
        printf '%s unmarked %s\n' "$1" "$(printf '%s' "${said:-no answer within $limit_s s}" | tr '\n' ' ')"
}

remove_marks() {
    while [ -n "$marks" ]; do
        timeout "$limit_s" rmdir -- "${marks%%"$newline"*}"
        marks=${marks#*"$newline"}
    done
    for watch in $watches; do kill -s TERM -- "-$watch"; done
    watches=''
} 2>/dev/null

look_at_block() { # N PATH
    said=$(timeout "$limit_s" stat -L -c '0x%t 0x%T %F' -- "$2" 2>&1) || { complain "$1" $? "$said"; return; }
    case $said in *' block special file') ;; *) printf '%s problem it is no block device\n' "$1"; return ;; esac
    # shellcheck disable=SC2086
    set -- "$1" "$2" ${said% block*}
    mapped=
    read -r mapped 2>/dev/null <"/sys/dev/block/$(($3)):$(($4))/dm/uuid"
    printf '%s block %s\n' "$1" "$mapped"
    timeout "$limit_s" lsblk -Psbno NAME,TYPE,SIZE,WWN,SERIAL,TRAN,STATE -- "$2" | while read -r line; do
        printf '%s device %s\n' "$1" "$line"
        name=${line#NAME=\"}
        tell_way "$1" "${name%%\"*}" 2>/dev/null
    done
}

# How a device is reached, where lsblk does not say.
tell_way() { # N NAME
    way=$(readlink -f "/sys/class/block/$2/device") || return
    case $way in
    */session*)
        session=${way##*/session}
        session=session${session%%/*}
        read -r iqn <"/sys/class/iscsi_session/$session/targetname" && printf '%s iscsi %s %s %s\n' "$1" "$2" "$iqn" "${way##*:}"
        read -r address <"/sys/class/iscsi_connection/connection${session#session}:0/persistent_address" &&
            printf '%s server %s %s\n' "$1" "$address" "$address" ;;
    */host*)
        host=${way#*/host}
        [ -d "/sys/class/srp_host/host${host%%/*}" ] && printf '%s srp %s\n' "$1" "$2" ;;
    */nvme*)
        for each in "$way/transport" "$way"/nvme*/transport; do
            read -r transport <"$each" && read -r nqn <"$way/subsysnqn" && read -r number <"/sys/class/block/$2/nsid" &&
                printf '%s nvme %s %s %s %s\n' "$1" "$2" "$transport" "$nqn" "$number" && return
        done ;;
    esac
}

look_at_image() { # N SERVERS JSON
    tell_servers "$1" "$2"
    command -v qemu-img >/dev/null || { printf '%s unable qemu-img is not installed\n' "$1"; return; }
    said=$(timeout "$limit_s" qemu-img info -U --output=json -- "json:$3" 2>&1) || { complain "$1" $? "$said"; return; }
    printf '%s image %s\n' "$1" "$(printf '%s\n' "$said" | sed -n 's/.*"virtual-size": \([0-9]*\).*/\1/p' | tail -n 1)"
}

look_at_name() { # N SERVERS
    tell_servers "$1" "$2"
    printf '%s named\n' "$1"
}
