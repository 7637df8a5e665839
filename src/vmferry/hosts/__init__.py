"""The adapters: libvirt connections and jobs, a shell on each host, probes. The only importers of libvirt."""

from vmferry.hosts.connector import LibvirtConnector

__all__ = ["LibvirtConnector"]
