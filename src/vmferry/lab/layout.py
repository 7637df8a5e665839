"""Where a lab keeps things, and how its parts are called on the machine."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from vmferry.errors import UserError

RUN = Path("/run/vmferry")
_NAME = re.compile(r"[a-z][a-z0-9]{0,9}")
"""Ten characters: the name is part of a network interface's, which has fifteen at most."""
_CACHE = re.compile(r"[A-Za-z0-9._+/-]+")


@dataclass(frozen=True, slots=True)
class Layout:
    """`run` is gone after a reboot at the latest; `cache` outlives labs, but for `disks`."""

    name: str
    run: Path
    cache: Path

    @property
    def images(self) -> Path:
        return self.cache / "images"

    @property
    def guest_dir(self) -> Path:
        """Bound read-only into every host: what guests boot from."""
        return self.cache / "guest"

    @property
    def disks(self) -> Path:
        return self.cache / "labs" / self.name

    @property
    def state(self) -> Path:
        return self.run / "state.json"

    @property
    def config(self) -> Path:
        return self.run / "config.toml"

    @property
    def ssh(self) -> Path:
        """A wrapper of ssh that knows the lab's key and hosts: libvirt's `command=` takes one word only.

        Not in the run directory: many a Debian mounts /run so that nothing in it can be executed.
        """
        return self.disks / "ssh"

    @property
    def ssh_config(self) -> Path:
        return self.run / "ssh_config"

    @property
    def user_key(self) -> Path:
        return self.run / "id_ed25519"

    @property
    def host_key(self) -> Path:
        """One key for all hosts of the lab: they are one machine and one user's."""
        return self.run / "ssh_host_ed25519_key"

    @property
    def known_hosts(self) -> Path:
        return self.run / "known_hosts"

    @property
    def prefix(self) -> str:
        """Begins the name of every control group, namespace and container of this lab, and of no other's."""
        return f"vmferry-{self.name}"

    @property
    def link(self) -> str:
        """The machine's only interface into the lab."""
        return f"vf-{self.name}"

    def namespace(self, host: str) -> str:
        return f"{self.prefix}-{host}"

    def host_dir(self, host: str) -> Path:
        return self.disks / host

    def host_root(self, host: str) -> Path:
        """The host's file system, as long as it is mounted."""
        return self.host_dir(host) / "root"

    def console(self, host: str) -> Path:
        return self.host_dir(host) / "console.log"


def layout_of_environment(environ: Mapping[str, str] = os.environ) -> Layout:
    name = environ.get("VMFERRY_LAB", "lab")
    if not _NAME.fullmatch(name):
        raise UserError(
            f"VMFERRY_LAB={name!r} is no lab name: use a lower-case letter and up to nine letters or digits"
        )
    return Layout(name, RUN / name, _cache(environ.get("VMFERRY_CACHE", "/var/cache/vmferry")))


def _cache(text: str) -> Path:
    """Without links, as the kernel tells its mounts."""
    if not Path(text).is_absolute():
        raise UserError(f"VMFERRY_CACHE={text!r} is no absolute path: give one that begins with /")
    cache = Path(text).resolve()
    if not _CACHE.fullmatch(str(cache)):
        raise UserError(
            f"VMFERRY_CACHE={text!r} cannot be named in mount options and URIs:"
            " give a path of letters, digits and . _ + - only"
        )
    return cache
