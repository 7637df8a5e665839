# The host's storage: mounts, block devices and the ways to them.

tell_storage() {
    section mounts
    told cat /proc/self/mountinfo
}
