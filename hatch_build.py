"""Compiles src/vmferry/native into one library when the package is built or installed."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FOLDER = Path("src/vmferry/native")
LIBRARY = FOLDER / "libvmferry.so"
FLAGS = (
    "-O3",
    "-std=c++17",
    "-Wall",
    "-Wextra",
    "-shared",
    "-fPIC",
    "-pthread",
    "-fno-math-errno",
    "-ffp-contract=off",
)
"""Without contraction the same plan comes out on every machine."""


class NativeBuild(BuildHookInterface):  # type: ignore[type-arg] - its configuration is not used here
    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """`version`: what is built, "standard" or "editable". Raises RuntimeError where there is no compiler."""
        root = Path(self.root)
        compiler = shlex.split(os.environ.get("CXX", "")) or [shutil.which("c++") or shutil.which("g++") or ""]
        if not compiler[0]:
            raise RuntimeError(
                "vmferry needs a C++ compiler to be built: install g++ (apt-get install g++), or a wheel"
            )
        new = root / f"{LIBRARY}.{os.getpid()}"  # a process that runs with the former one keeps its file
        try:
            sources = sorted(str(path) for path in (root / FOLDER).glob("*.cpp"))
            subprocess.run([*compiler, *FLAGS, "-o", str(new), *sources], check=True)
            new.replace(root / LIBRARY)
        finally:
            new.unlink(missing_ok=True)
        build_data["artifacts"].append(f"/{LIBRARY}")
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{sysconfig.get_platform().replace('-', '_').replace('.', '_')}"
