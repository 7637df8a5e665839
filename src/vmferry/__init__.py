"""vmferry: live migration for plain libvirt/KVM hosts, checked before, verified after, rolled back on failure."""

__version__ = "0.1.0"

SCHEMA = "vmferry/1"
"""Of all JSON that goes out: it is extended, never broken."""
