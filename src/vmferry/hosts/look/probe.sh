# Tries from this host towards another. Each ends by itself within seconds, whether or not anybody still listens.

one_line() { tr '\n' '\t' | head -c 2000; }

try_name() { # N NAME
    command -v getent >/dev/null || { printf '%s unable getent is not installed\n' "$1"; return; }
    said=$(timeout 3 getent ahosts -- "$2")
    case $? in
    0 | 2) printf '%s name %s\n' "$1" "$(printf '%s' "$said" | one_line)" ;;
    *) printf '%s unable no answer within 3 s\n' "$1" ;;
    esac
}

connect() { # SECONDS HOST PORT
    # shellcheck disable=SC2016
    timeout "$1" bash -c 'exec 3<>"/dev/tcp/$1/$2"' bash "$2" "$3" 2>&1 </dev/null
}

try_port() { # N HOST PORT
    command -v bash >/dev/null || { printf '%s unable bash is not installed\n' "$1"; return; }
    said=$(connect 2 "$2" "$3")
    printf '%s port %s %s\n' "$1" $? "$(printf '%s' "$said" | one_line)"
}

# The daemon runs as root, and what proves its identity is root's: keys of ssh, known hosts, certificates.
try_peer() { # N URI
    [ "$(id -u)" = 0 ] || { printf '%s unable the shell here is not root'\''s, as the daemon is\n' "$1"; return; }
    command -v virsh >/dev/null || { printf '%s unable virsh is not installed\n' "$1"; return; }
    said=$( (SSH_ASKPASS_REQUIRE=never timeout 4 virsh -q -c "$2" hostname </dev/null | sed 's/^/host=/') 2>&1 | one_line)
    printf '%s peer %s\n' "$1" "${said:-no answer within 4 s}"
}

# Who answers for an address on a link: ping where there is one, or else the refusal of a port that nobody uses.
try_neighbour() { # N LINK ADDRESS
    case $3 in fe80:*) place=$3%$2 ;; *) place=$3 ;; esac
    if ping -n -q -c 1 -W 1 -I "$2" "$3" >/dev/null 2>&1; then said='' status=0
    else said=$(connect 1 "$place" 9); status=$?
    fi
    entry=$(ip neigh show to "$3" dev "$2")
    printf '%s neighbour %s %s\t%s\n' "$1" "$status" "$entry" "$(printf '%s' "$said" | one_line)"
}
