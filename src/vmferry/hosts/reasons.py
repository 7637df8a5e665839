"""Why a connection failed, in a line that a person understands, from what ssh and libvirt say of it."""

from __future__ import annotations

import re

from vmferry.hosts.uris import describe

_REASONS = (
    (
        r"REMOTE HOST IDENTIFICATION HAS CHANGED",
        "its ssh host key has changed; if that was meant, ssh-keygen -R {known_as} forgets the old one, then log in "
        "once with ssh {user}@{host} and compare the new one",
    ),
    (
        r"Host key verification failed",
        "its ssh host key is not known here or has changed; log in once with ssh {user}@{host} and compare the key",
    ),
    (
        r"Permission denied \(|Too many authentication failures|no such identity",
        "it refuses the ssh key of {user}; put the public key into its authorized_keys and try ssh {user}@{host}",
    ),
    (
        r"Could not resolve hostname|Name or service not known|unable to resolve|Temporary failure in name",
        "the name {host} does not resolve; check its spelling, DNS and /etc/hosts",
    ),
    (
        r"libvirt-sock|virtqemud-sock|Failed to connect socket to|virt-ssh-helper: cannot connect",
        "its libvirt daemon does not run or may not be used by {user}; there: systemctl enable --now libvirtd",
    ),
    (
        r"virt-ssh-helper.*not found|nc: .*not found|command not found",
        "libvirt is not installed there; install libvirt-daemon-system",
    ),
    (r"Connection refused", "{host} refuses the connection; check that sshd or libvirtd listens there, and the port"),
    (
        r"timed out|No route to host|Network is unreachable",
        "{host} does not answer; check that it is up and the network to it",
    ),
    (
        r"[Cc]ertificate|TLS handshake|gnutls",
        "its TLS certificate is not accepted; check /etc/pki and virt-pki-validate",
    ),
    (
        r"authentication failed|Authentication failed",
        "it refuses the sign-in; check libvirtd's auth settings and the user",
    ),
    (
        r"no connection driver available|Unable to parse URI|unexpected .* URI|invalid.*URI|unknown (driver|transport)",
        "libvirt does not know such a URI; one looks like qemu+ssh://root@host/system",
    ),
    (
        r"Broken pipe|Connection reset by peer|End of file",
        "the connection ended at once; see what ssh {user}@{host} says",
    ),
)


def reason(uri: str, text: str) -> str:
    """The first that fits; libvirt's own words where none does."""
    for pattern, words in _REASONS:
        if re.search(pattern, text):
            return words.format(**describe(uri))
    return (text.splitlines() or ["libvirt gives no reason"])[0]
