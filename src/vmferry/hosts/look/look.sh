# Runs on a host by way of ssh and changes nothing there. It tells of the host at once, then answers requests, one a line:
#   file N PATH    block N PATH    image N JSON    tell      and `end`, which all answers so far are followed by.
# `tell` is asked alone. It answers with sections, each a line `@NAME` and its lines, every one of them indented by a space.
# What a line says is data: it is quoted wherever it is used, and no part of it is ever run.
LC_ALL=C
export LC_ALL

tell_host() {
    # shellcheck source=/dev/null
    (. /etc/os-release && printf 'release %s\n' "$PRETTY_NAME")
    for device in /sys/class/net/*; do
        [ -d "$device/bridge" ] && printf 'bridge %s\n' "${device##*/}"
        read -r speed <"$device/speed" && printf 'speed %s %s\n' "${device##*/}" "$speed"
    done
    command -v ovs-vsctl >/dev/null && timeout 2 ovs-vsctl list-br | sed 's/^/bridge /'
    ip -o addr show | while read -r _ device _ address _; do printf 'address %s %s\n' "$device" "${address%/*}"; done
    echo end
}

# The first line of what a failed command said, or that it was ended for its slowness.
complain() { # N STATUS TEXT
    if [ "$2" -eq 124 ]; then set -- "$1" "$2" "no answer within $limit_s s"; fi
    printf '%s problem %s\n' "$1" "$(printf '%s' "$3" | tr '\n' ' ')"
}

look_at_file() { # N PATH
    said=$(timeout "$limit_s" stat -L -c '%s %i' -- "$2" 2>&1) || { complain "$1" $? "$said"; return; }
    mount=$(timeout "$limit_s" findmnt -P -n -o FSTYPE,SOURCE,UUID --target "$(readlink -f -- "$2")" | tail -n 1)
    printf '%s file %s %s\n' "$1" "$said" "$mount"
}

look_at_block() { # N PATH
    said=$(timeout "$limit_s" stat -L -c '0x%t 0x%T %F' -- "$2" 2>&1) || { complain "$1" $? "$said"; return; }
    case $said in *' block special file') ;; *) printf '%s problem it is no block device\n' "$1"; return ;; esac
    # shellcheck disable=SC2086
    set -- "$1" "$2" ${said% block*}
    mapped=$(cat "/sys/dev/block/$(($3)):$(($4))/dm/uuid" 2>/dev/null)
    printf '%s block MAPPED="%s" %s\n' "$1" "$mapped" "$(timeout "$limit_s" lsblk -Pbdno SIZE,WWN,TRAN -- "$2")"
}

look_at_image() { # N JSON
    command -v qemu-img >/dev/null || { printf '%s unable qemu-img is not installed\n' "$1"; return; }
    said=$(timeout "$limit_s" qemu-img info -U --output=json -- "json:$2" 2>&1) || { complain "$1" $? "$said"; return; }
    printf '%s image %s\n' "$1" "$(printf '%s\n' "$said" | sed -n 's/.*"virtual-size": \([0-9]*\).*/\1/p' | tail -n 1)"
}

section() { printf '@%s\n' "$1"; } # NAME

# What a command says, as lines of the section. A command that is not there or fails leaves its section empty.
told() { timeout "$limit_s" "$@" 2>/dev/null | sed 's/^/ /'; } # COMMAND...

tell() {
    tell_system
    tell_network
    tell_storage
}

limit_s=5
tell_host 2>/dev/null
while IFS= read -r request; do
    rest=${request#* }
    index=${rest%% *} argument=${rest#* }
    case ${request%% *} in
    file) look_at_file "$index" "$argument" & ;;
    block) look_at_block "$index" "$argument" & ;;
    image) look_at_image "$index" "$argument" & ;;
    tell) tell 2>/dev/null ;;
    end) wait; echo end ;;
    esac
done
