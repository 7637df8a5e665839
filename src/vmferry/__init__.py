"""vmferry: live migration for plain libvirt/KVM hosts, checked before, verified after, rolled back on failure."""

__version__ = "0.1.0"
