"""libvirt XML <-> model: read without entities or network, edited in place."""
