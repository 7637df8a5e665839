"""Root file systems of hosts, made once with the machine's own apt and kept in the cache.

CACHE/images/RELEASE-HASH/      complete, and never changed: hosts lay a file system of their own over it
CACHE/images/.building-XXXX/    what an interrupted build leaves; the next one removes it
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from vmferry.lab import apt
from vmferry.lab.mounts import mountinfo
from vmferry.lab.recipe import Recipe, customize
from vmferry.lab.shell import run

_BUILDING = ".building-"

_DIE_WITH_US = ("setpriv", "--pdeathsig", "KILL", "--", "unshare", "--pid", "--fork", "--kill-child", "--mount-proc")
"""Before a command: no process and no mount of it outlives this process, whatever ends it."""


def ensure_images(images: Path, recipes: Sequence[Recipe], say: Callable[[str], None]) -> list[Path]:
    """Those that are missing are built side by side. The caller holds the lab lock.

    Raises Failed with the last words of mmdebstrap.
    """
    missing = [recipe for recipe in recipes if not (images / recipe.key).is_dir()]
    if missing:
        images.mkdir(parents=True, exist_ok=True)
        for leftover in images.glob(f"{_BUILDING}*"):
            shutil.rmtree(leftover)
        for recipe in missing:
            say(f"building the {recipe.release} image (once, about a minute)")
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda recipe: _make(images, recipe), missing))
    return [images / recipe.key for recipe in recipes]


def _make(images: Path, recipe: Recipe) -> None:
    final = images / recipe.key
    work = Path(tempfile.mkdtemp(prefix=_BUILDING, dir=images))
    try:
        _build(work, recipe)
        (work / "root").rename(final)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    _remove_older(images, recipe.release, final)


def _build(work: Path, recipe: Recipe) -> None:
    root = work / "root"
    sources = work / "machine.sources"
    sources.write_text(apt.render(apt.machine_sources(), recipe.release))
    options = [f"--aptopt={line}" for line in apt.acquire_options()]
    run(
        *_DIE_WITH_US,
        "mmdebstrap",
        "--quiet",
        "--mode=root",
        "--variant=apt",
        "--skip=cleanup/reproducible",
        f"--include={','.join(recipe.packages)}",
        *("--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-exclude=/usr/share/man/*"),
        *("--dpkgopt=path-exclude=/usr/share/locale/*", "--dpkgopt=path-exclude=/usr/lib/modules/*"),
        *options,
        recipe.release,
        str(root),
        str(sources),
        env={"DEBIAN_FRONTEND": "noninteractive"},
    )
    customize(root, recipe)
    root.chmod(0o755)


def _remove_older(images: Path, release: str, current: Path) -> None:
    """Images of recipes of the past; one in use stays, since a lab of another name may be up on it."""
    in_use = mountinfo()
    for image in images.glob(f"{release}-*"):
        if image != current and str(image) not in in_use:
            shutil.rmtree(image)
