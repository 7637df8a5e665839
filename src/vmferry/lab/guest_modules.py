"""Kernel modules of a package as Debian ships them: plain or compressed, and without modules.dep (depmod makes that
on an installed system), so their dependencies are read from the modules themselves."""

import lzma
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from vmferry.errors import Failed

_DEPENDS = re.compile(rb"\0depends=([^\0]*)\0")


def read_modules(kernel_root: Path) -> dict[str, Path]:
    """Name (with underscores, as `depends=` spells it) -> file, of every module under a kernel's directory."""
    return {path.name.split(".")[0].replace("-", "_"): path for path in kernel_root.rglob("*.ko*")}


def built_in(kernel_root: Path) -> set[str]:
    """The names of what this kernel has as part of itself: which of the modules these are differs between releases."""
    lists = kernel_root.rglob("modules.builtin")
    return {Path(line).stem.replace("-", "_") for path in lists for line in path.read_text().splitlines()}


def module_bytes(path: Path) -> bytes:
    content = path.read_bytes()
    return lzma.decompress(content) if path.suffix == ".xz" else content


def dependencies(module: bytes) -> list[str]:
    found = _DEPENDS.search(module)
    return [name.replace("-", "_") for name in found[1].decode().split(",") if name] if found else []


def load_order(wanted: Iterable[str], depends: Mapping[str, list[str]]) -> list[str]:
    """The wanted modules and all that they need, each after its dependencies."""
    order: list[str] = []

    def visit(name: str) -> None:
        for needed in depends[name]:
            visit(needed)
        if name not in order:
            order.append(name)

    for name in wanted:
        visit(name)
    return order


def collect(kernel_root: Path, wanted: Iterable[str]) -> list[tuple[str, bytes]]:
    """(name, content) of the wanted modules and their dependencies, in load order; without those built in."""
    inside = built_in(kernel_root)
    loaded = [name for name in wanted if name not in inside]
    files, contents, depends = read_modules(kernel_root), dict[str, bytes](), dict[str, list[str]]()
    todo = list(loaded)
    while todo:
        name = todo.pop()
        if name in contents:
            continue
        if name not in files:
            raise Failed(f"the guest's kernel package has no module {name}; use a Debian cloud kernel package")
        contents[name] = module_bytes(files[name])
        depends[name] = dependencies(contents[name])
        todo += depends[name]
    return [(name, contents[name]) for name in load_order(loaded, depends)]
