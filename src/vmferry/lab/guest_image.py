"""What a lab guest boots: the Debian cloud kernel and an initramfs with our workload as its only process.

    CACHE/guest/HASH/{vmlinuz,initramfs}      HASH of the workload's source and of this recipe

The kernel is the machine's own Debian's, fetched by apt with the machine's own settings.
"""

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vmferry.errors import Failed
from vmferry.lab.guest_cpio import Entry, character_device, directory, file, newc
from vmferry.lab.guest_modules import collect

MODULES = ("virtio_pci", "virtio_blk", "virtio_net", "virtio_balloon")
KERNEL_PACKAGE = "linux-image-cloud-amd64"

_SOURCE = Path(__file__).parent / "workload"
_COMPILER = ("gcc", "-std=gnu11", "-D_GNU_SOURCE", "-O2", "-Wall", "-Wextra", "-Werror", "-static", "-pthread")
_RECIPE = repr((1, MODULES, KERNEL_PACKAGE, _COMPILER))


@dataclass(frozen=True, slots=True)
class GuestImage:
    """The two files, in a directory that is never changed once it exists."""

    directory: Path

    @property
    def kernel(self) -> Path:
        return self.directory / "vmlinuz"

    @property
    def initramfs(self) -> Path:
        return self.directory / "initramfs"


def guest_image(cache: Path) -> GuestImage:
    """Where the image of today's source is, built or not."""
    return GuestImage(cache / "guest" / _key())


def prepare_guest_image(cache: Path) -> GuestImage:
    """The image, built if it is not in the cache. An interrupted build leaves nothing that is taken for an image."""
    image = guest_image(cache)
    if not image.directory.is_dir():
        image.directory.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=image.directory.parent, prefix=".building-") as scratch:
            _build(Path(scratch))
            _publish(Path(scratch) / "image", image.directory)
    return image


def remove_older_images(current: GuestImage) -> None:
    for image in current.directory.parent.glob("[!.]*"):
        if image != current.directory:
            shutil.rmtree(image)


def _key() -> str:
    digest = hashlib.sha256(_RECIPE.encode())
    for path in _sources():
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def _sources() -> list[Path]:
    return sorted(path for path in _SOURCE.iterdir() if path.suffix in (".c", ".h"))


def _build(scratch: Path) -> None:
    compile_workload(scratch / "init")
    kernel_root = _unpack_kernel(scratch)
    target = scratch / "image"
    target.mkdir()
    (kernel,) = (kernel_root / "boot").glob("vmlinuz-*")
    os.rename(kernel, target / "vmlinuz")
    target.joinpath("initramfs").write_bytes(newc(_contents(scratch / "init", kernel_root)))


def _publish(built: Path, final: Path) -> None:
    try:
        os.rename(built, final)
    except OSError:
        if not final.is_dir():  # somebody else built the same in the meantime
            raise


def compile_workload(target: Path) -> None:
    """The guest's process 1, static, from the C files beside this module."""
    _run([*_COMPILER, "-o", str(target), *(str(path) for path in _sources() if path.suffix == ".c")])


def _contents(init: Path, kernel_root: Path) -> list[Entry]:
    modules = collect(kernel_root, MODULES)
    order = "".join(f"{name}.ko\n" for name, _ in modules)
    return [
        directory("dev"),
        character_device("dev/console", 5, 1),
        directory("modules"),
        file("modules/order", order.encode()),
        *(file(f"modules/{name}.ko", content) for name, content in modules),
        file("init", init.read_bytes(), 0o755),
    ]


def _unpack_kernel(scratch: Path) -> Path:
    try:
        _download_kernel(scratch)
    except Failed:  # a mirror keeps no package that the machine's old lists still name
        _update_lists()
        _download_kernel(scratch)
    (package,) = scratch.glob("*.deb")
    root = scratch / "kernel"
    _run(["dpkg-deb", "-x", str(package), str(root)])
    return root


def _download_kernel(scratch: Path) -> None:
    _run(["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", _kernel_package()], cwd=scratch)


def _update_lists() -> None:
    _run(["apt-get", "-qq", "update"])


def _kernel_package() -> str:
    """The package that the metapackage stands for today; apt's lists are fetched where there are none."""
    found = _ask_kernel_package()
    if not found:
        _update_lists()
        found = _ask_kernel_package()
    if not found:
        raise Failed(f"apt knows no package {KERNEL_PACKAGE}; enable Debian's main component in apt's sources")
    return found


def _ask_kernel_package() -> str:
    answer = subprocess.run(["apt-cache", "depends", KERNEL_PACKAGE], capture_output=True, text=True, check=False)
    return parse_depends(answer.stdout)


def parse_depends(text: str) -> str:
    """The first dependency in what `apt-cache depends` prints, or nothing."""
    words = [line.split() for line in text.splitlines()]
    return next((line[1] for line in words if len(line) == 2 and line[0] == "Depends:"), "")


def _run(command: Sequence[str], cwd: Path | None = None) -> None:
    try:
        result = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise Failed(f"{command[0]} is not installed; run script/setup") from None
    if result.returncode != 0:
        lines = result.stderr.strip().splitlines() or [f"exit code {result.returncode}"]
        raise Failed(f"the guest's image cannot be built: {command[0]}: {lines[-1]}", detail=result.stderr)
