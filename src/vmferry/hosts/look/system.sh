# The host's system: release, daemons and their settings, what QEMU brings along.

tell_system() {
    section os
    told cat /etc/os-release
}
