#!/bin/sh
# The storage host's LUNs: /srv/iscsi/N is LUN N of the one target. The files are the truth; tgtd is made to follow.
#   vmferry-lun sync | add BYTES (prints N) | remove N
set -eu
target=$(cat /etc/vmferry-target)
cd /srv/iscsi
exec 9>/run/vmferry-lun.lock
flock 9

publish() {
    tgtadm --lld iscsi --mode logicalunit --op new --tid 1 --lun "$1" --backing-store "$PWD/$1" --bsoflags direct
}

free_number() {
    number=1
    while [ -e "$number" ]; do number=$((number + 1)); done
    echo "$number"
}

sync_all() {
    tgtadm --lld iscsi --mode target --op new --tid 1 --targetname "$target"
    for file in [0-9]*; do
        [ ! -e "$file" ] || publish "$file"
    done
    tgtadm --lld iscsi --mode target --op bind --tid 1 --initiator-address ALL
}

case $1 in
sync) sync_all ;;
add)
    number=$(free_number)
    truncate --size="$2" "$number"
    publish "$number" || { rm "$number"; exit 1; }
    echo "$number"
    ;;
remove)
    [ -e "$2" ] || exit 0
    tgtadm --lld iscsi --mode logicalunit --op delete --tid 1 --lun "$2"
    rm "$2"
    ;;
esac
