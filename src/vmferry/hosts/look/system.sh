# The host's system: release, daemons and their settings, what QEMU brings along.

tell_system() {
    section clock
    told date +%s.%N
    section files
    told grep -sH '' /etc/os-release /etc/redhat-release /proc/sys/kernel/osrelease /proc/1/comm \
        /proc/sys/vm/unprivileged_userfaultfd /sys/module/kvm_*/parameters/nested \
        /sys/fs/selinux/enforce /sys/fs/selinux/booleans/virt_* /sys/module/apparmor/parameters/enabled
    section memory
    told grep -s -e '^MemAvailable:' -e '^Shmem:' /proc/meminfo
    section exists
    for path in /dev/kvm /dev/userfaultfd /etc/rc[35].d/S*libvirtd /etc/rc[35].d/S*libvirt-bin; do
        [ -e "$path" ] && printf ' %s\n' "$path"
    done
    tell_libvirt_settings
    tell_daemons
    tell_sshd
    tell_hooks
    tell_qemu
}

# Lines of comments and passwords stay on the host; the others keep their numbers.
tell_libvirt_settings() {
    [ -d /etc/libvirt ] && ! [ -x /etc/libvirt ] && return
    section confs
    set --
    for conf in libvirtd virtqemud virtproxyd qemu qemu-lockd qemu-sanlock virtlockd; do
        path=/etc/libvirt/$conf.conf
        [ -e "$path" ] || continue
        [ -r "$path" ] || { printf ' unreadable %s\n' "$path"; continue; }
        printf ' readable %s\n' "$path"
        case $conf in qemu) readers='libvirtd virtqemud' ;; *) readers=$conf ;; esac
        for reader in $readers; do
            [ -e "/var/run/$reader.pid" ] && [ "$path" -nt "/var/run/$reader.pid" ] && printf ' newer %s\n' "$path"
        done
        set -- "$@" "$path"
    done
    section conf-lines
    [ $# -gt 0 ] || return
    told grep -Hnv -e '^[[:space:]]*#' -e '^[[:space:]]*$' -e '^[[:space:]]*[a-z]*_password' -- "$@" | head -c 200000
    echo
}

tell_daemons() {
    if [ -d /run/systemd/system ]; then
        section units
        set --
        for unit in libvirtd.service libvirtd.socket libvirtd-tls.socket libvirtd-tcp.socket libvirt-bin.service \
            virtqemud.service virtqemud.socket virtproxyd.service virtproxyd.socket virtproxyd-tls.socket \
            virtproxyd-tcp.socket virtlogd.service virtlogd.socket virtlockd.service virtlockd.socket \
            virtnetworkd.socket virtstoraged.socket virtsecretd.socket virtnodedevd.socket \
            libvirt-guests.service firewalld.service; do
            for path in /usr/lib/systemd/system /lib/systemd/system /etc/systemd/system; do
                [ -e "$path/$unit" ] && set -- "$@" "$unit" && break
            done
        done
        [ $# -gt 0 ] && told systemctl show -p Id -p LoadState -p ActiveState -p UnitFileState -- "$@"
    fi
    section daemons
    for daemon in libvirtd virtqemud virtproxyd virtlogd virtlockd; do
        pid=
        read -r pid _ <"/var/run/$daemon.pid" # its line is not always ended
        [ -n "$pid" ] && [ -r "/proc/$pid/cmdline" ] || continue
        printf ' %s %s\n' "$daemon" "$(tr '\0\n' '  ' <"/proc/$pid/cmdline")"
    done
}

tell_sshd() {
    [ -r /etc/ssh/sshd_config ] || return
    section sshd
    told grep -sHi -e '^[[:space:]]*maxstartups' -e '^[[:space:]]*include' -- \
        /etc/ssh/sshd_config /etc/ssh/sshd_config.d/*.conf
}

tell_hooks() {
    [ -d /etc/libvirt ] && ! [ -x /etc/libvirt ] && return
    section hooks
    set --
    for path in /etc/libvirt/hooks/* /etc/libvirt/hooks/*.d/*; do
        [ -f "$path" ] && [ -x "$path" ] && set -- "$@" "$path"
    done
    [ $# -gt 0 ] && told sha256sum -- "$@"
}

tell_qemu() {
    section modules
    for path in /usr/lib/qemu/block-*.so /usr/lib/*/qemu/block-*.so /usr/lib64/qemu*/block-*.so; do
        [ -e "$path" ] && printf ' %s\n' "${path##*/}"
    done
    section firmware
    told stat -L -c '%s %n' -- /usr/share/qemu/*.rom /usr/share/qemu/*bios*.bin /usr/share/qemu-kvm/*.rom \
        /usr/share/qemu-kvm/*bios*.bin /usr/share/seabios/*.bin /usr/share/seavgabios/*.bin /usr/share/vgabios/*.bin \
        /usr/share/ipxe/*.rom /usr/share/ipxe/qemu/*.rom /usr/share/ipxe.efi/*.rom /usr/lib/ipxe/qemu/*.rom \
        /usr/share/OVMF/*.fd \
        /usr/share/edk2/*/*.fd /usr/share/edk2/*/*.raw /usr/share/AAVMF/*.fd /usr/share/qemu-efi*/*.fd
    command -v swtpm >/dev/null || return
    section swtpm
    told swtpm --version
}
