"""The part of the passing move that the rules of the definition look at."""

from __future__ import annotations

UUID = "11111111-2222-3333-4444-555555555555"
MIGRATABLE = f"""\
<domain type='kvm'>
  <name>web</name>
  <uuid>{UUID}</uuid>
  <memory unit='GiB'>1</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='pc-q35-7.2'>hvm</type></os>
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw' cache='none'/>
      <source file='/srv/shared/web.img'/>
      <target dev='vda' bus='virtio'/>
    </disk>
    <disk type='file' device='cdrom'><target dev='sda' bus='sata'/><readonly/></disk>
    <interface type='network'>
      <mac address='52:54:00:00:00:01'/>
      <source network='lab'/>
      <model type='virtio'/>
    </interface>
  </devices>
</domain>
"""
