# The host's network: links, addresses, bridges.

tell_network() {
    section links
    told ip -o link show
}
