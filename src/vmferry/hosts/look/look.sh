# Runs on a host by way of ssh and changes nothing there, but for the marks of `sights.sh`, which go as they came, and
# for what `rename` names. It
# tells of the host at once, then answers requests, one a line: those of `sights.sh` and `probe.sh`, `tell`, and `end`,
# which all answers so far are followed by. `tell` is asked alone. It answers with sections, each a line `@NAME` and its lines, every one of
# them indented by a space.
# What a line says is data: it is quoted wherever it is used, and no part of it is ever run.
LC_ALL=C
export LC_ALL

tell_host() {
    # shellcheck source=/dev/null
    (. /etc/os-release && printf 'release %s\n' "$PRETTY_NAME")
    for device in /sys/class/net/*; do
        read -r speed <"$device/speed" && printf 'speed %s %s\n' "${device##*/}" "$speed"
    done
    ip -o addr show | while read -r _ device _ address _; do printf 'address %s %s\n' "$device" "${address%/*}"; done
    echo end
}

section() { printf '@%s\n' "$1"; } # NAME

# What a command says, as lines of the section. A command that is not there or fails leaves its section empty.
told() { timeout "$limit_s" "$@" 2>/dev/null | sed 's/^/ /'; } # COMMAND...

tell() {
    tell_system
    tell_network
    tell_storage
}

# Never over another file, and never twice.
rename() { # INDEX OLD NEW
    if [ -e "$3" ] && [ ! -e "$2" ]; then
        printf '%s renamed\n' "$1"
    elif [ -e "$3" ] || [ -L "$3" ]; then
        printf '%s %s is there already\n' "$1" "$3"
    else
        mv -nT -- "$2" "$3" 2>/dev/null
        if [ -e "$2" ]; then printf '%s it could not be renamed\n' "$1"; else printf '%s renamed\n' "$1"; fi
    fi
}

limit_s=5 qemu_user=''
tab=$(printf '\t')
trap remove_marks EXIT
trap 'exit 1' HUP INT TERM PIPE
tell_host 2>/dev/null
while IFS= read -r request; do
    rest=${request#* }
    index=${rest%% *} argument=${rest#* }
    case ${request%% *} in
    file | mark)
        format=${argument%% *} argument=${argument#* }
        mark=${argument%% *} path=${argument#* }
        [ -n "$qemu_user" ] || find_qemu_user
        case $request in
        mark*) leave_mark "$index" "$format" "$mark" "$path" ;;
        *) look_for_mark "$index" "$format" "$mark" "$path" & ;;
        esac ;;
    block) look_at_block "$index" "$argument" & ;;
    image) look_at_image "$index" "${argument%% *}" "${argument#* }" & ;;
    name) look_at_name "$index" "$argument" & ;;
    unmark) remove_marks ;;
    rename) rename "$index" "${argument%%"$tab"*}" "${argument#*"$tab"}" ;;
    resolve) try_name "$index" "$argument" & ;;
    port) try_port "$index" "${argument%% *}" "${argument#* }" & ;;
    peer) try_peer "$index" "$argument" & ;;
    neighbour) try_neighbour "$index" "${argument%% *}" "${argument#* }" & ;;
    tell) tell 2>/dev/null ;;
    end) wait; echo end ;;
    esac
done
