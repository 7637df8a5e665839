# Runs on a host by way of ssh, as root, and changes it: one call a session, which is the last line of what is sent, and
# after it the bytes that the call reads. What a call is given is quoted by whoever sends it. Ends with
#   0 done    3 it is not there    4 it is not what it was taken for    5 it is not empty    and with words for the rest.
LC_ALL=C
PATH=$PATH:/usr/sbin:/sbin
export LC_ALL PATH
limit_s=20
fixes=/var/lib/vmferry/fixes

same() { [ "$(sha256sum <"$1")" = "$2  -" ]; } # PATH SUM

relabel() { if command -v restorecon >/dev/null; then restorecon -- "$1"; fi; } # PATH

user() { echo "$(id -u) $(id -un)"; }

show_file() { # PATH MOST_BYTES
    [ -e "$1" ] || return 3
    head -c "$2" -- "$1"
}

# Made whole beside it, then put in its place. A copy of the old one brings owner, mode and label along.
put_file() { # PATH SUM_BEFORE SUM_AFTER BACKUP
    path=$(readlink -f -- "$1") || path=$1
    temporary=$path.vmferry-new
    trap 'rm -f -- "$temporary"' EXIT
    if [ -n "$2" ]; then
        [ -e "$path" ] || return 3
        same "$path" "$2" || return 4
        cp -a -- "$path" "$temporary" || return
        if [ -n "$4" ]; then cp -a -- "$path" "$path.$4" || return; fi
    elif [ -e "$path" ]; then return 4
    fi
    umask 022
    cat >"$temporary" || return
    same "$temporary" "$3" || { echo "the new text of $path did not arrive whole" >&2; return 1; }
    sync -- "$temporary" || return
    if [ -n "$2" ]; then same "$path" "$2" || return 4; fi
    mv -f -T -- "$temporary" "$path" || return
    relabel "$path"
}

remove_file() { # PATH SUM
    [ -e "$1" ] || return 0
    same "$1" "$2" || return 4
    rm -- "$1"
}

drop_copy() { # PATH BACKUP SUM
    path=$(readlink -f -- "$1") || path=$1
    if [ -e "$path.$2" ] && same "$path.$2" "$3"; then rm -- "$path.$2"; fi
}

# Of a private key nothing leaves the host but its sum.
show_key() { # PATH
    [ -f "$1" ] || return 3
    sum=$(sha256sum <"$1") || return
    printf '%s %s\n' "${sum%% *}" "$(stat -L -c '%u:%g %a' -- "$1")"
}

put_key() { # PATH SUM_BEFORE SUM_AFTER OWNER MODE BACKUP
    temporary=$1.vmferry-new
    trap 'rm -f -- "$temporary"' EXIT
    if [ -n "$2" ]; then
        [ -e "$1" ] || return 3
        same "$1" "$2" || return 4
        cp -a -- "$1" "$1.$6" || return
    elif [ -e "$1" ]; then return 4
    fi
    umask 077
    rm -f -- "$temporary"
    cat >"$temporary" || return
    same "$temporary" "$3" || { echo "the new key for $1 did not arrive whole" >&2; return 1; }
    chown "$4" -- "$temporary" && chmod "$5" -- "$temporary" && sync -- "$temporary" || return
    mv -f -T -- "$temporary" "$1" || return
    relabel "$1"
}

restore_key() { # PATH SUM_NOW SUM_BEFORE BACKUP
    if [ -n "$2" ]; then
        [ -e "$1" ] || return 3
        same "$1" "$2" || return 4
    fi
    [ -e "$1.$4" ] && same "$1.$4" "$3" || { echo "the old key $1.$4 is not there any more" >&2; return 1; }
    mv -f -T -- "$1.$4" "$1"
}

show_units() { timeout "$limit_s" systemctl show -p Id -p LoadState -p UnitFileState -p ActiveState -- "$@"; } # UNIT...

# A libvirt of which a worker hangs ends itself after 30 s only.
unit() { timeout 50 systemctl "$@"; } # VERB UNIT...

# A service that failed too often in a row would not be started again by anyone.
restart() { # LIMIT UNIT...
    limit_s=$1
    shift
    timeout "$limit_s" systemctl reset-failed -- "$@"
    timeout "$limit_s" systemctl restart -- "$@"
}

show_directory() { # PATH
    [ -d "$1" ] || return 3
    stat -L -c %a -- "$1"
}

make_directory() { # PATH MODE
    [ ! -e "$1" ] || return 4
    mkdir -m "$2" -- "$1" || return
    relabel "$1"
}

remove_directory() { # PATH
    [ -d "$1" ] || return 0
    [ -z "$(ls -A -- "$1")" ] || return 5
    rmdir -- "$1"
}

# Its mode, or an empty line where it is not there; its file system, or where it would be; and which directories it lacks.
show_place() { # PATH
    path=$1 missing=
    show_directory "$path" || echo
    while [ ! -e "$path" ]; do
        path=$(dirname -- "$path")
        [ -e "$path" ] || missing="$path
$missing"
    done
    timeout "$limit_s" findmnt -n -o FSTYPE,SOURCE --target "$path" | tail -n 1 || echo
    printf '%s' "$missing"
}

show_records() { # MOST_BYTES
    for record in "$fixes"/*.json; do
        [ -e "$record" ] || continue
        printf '%s\n' "${record##*/}"
        head -c "$1" -- "$record"
        printf '\n'
    done
}

put_record() { # NAME SUM
    umask 077
    mkdir -p -- "$fixes" || return
    cat >"$fixes/$1.new" || return
    same "$fixes/$1.new" "$2" || { echo "the record did not arrive whole" >&2; return 1; }
    sync -- "$fixes/$1.new" || return
    mv -f -T -- "$fixes/$1.new" "$fixes/$1"
}
