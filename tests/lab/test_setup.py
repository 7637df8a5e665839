"""The set-up as the first command ever on bare Debian: roots with nothing but apt in them, and a clean checkout."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from vmferry.lab import apt

from .conftest import TEST_LAB

CHECKOUT = Path(__file__).parents[2]
DIE_WITH_US = ("setpriv", "--pdeathsig", "KILL", "--")
CERTIFICATES = "/etc/machine-certificates.crt"
NOT_CHECKED_OUT = shutil.ignore_patterns(".git", ".venv", "__pycache__", ".*_cache", ".hypothesis")
PASSED_ON = re.compile(r"(?i)(https?|all|no)_proxy|PIP_(INDEX_URL|DEFAULT_TIMEOUT)|UV_(DEFAULT_INDEX|INDEX_URL)")


@dataclass(frozen=True, slots=True)
class BareRoot:
    path: Path
    user: str
    environment: dict[str, str]

    @property
    def checkout(self) -> Path:
        return self.path / "checkout"

    def run(self, *argv: str, user: str = "") -> subprocess.CompletedProcess[str]:
        """On the machine's own network, in a mount namespace that ends with the command; both outputs together."""
        apart = [*DIE_WITH_US, "unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
        apart.append(f"--root={self.path}")
        who = ["runuser", "-u", user or self.user, "--"]
        return subprocess.run(
            [*apart, "--wd=/checkout", *who, *argv],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    def traces(self) -> dict[str, tuple[int, int]]:
        """When each file was last written that a needless piece of work would write."""
        places = (self.path / name for name in ("checkout", "root", "home", "usr", "var/lib"))
        files = (file for place in places for file in place.rglob("*") if not file.is_dir() or file.is_symlink())
        return {str(file): (stat.st_mtime_ns, stat.st_ino) for file in files if (stat := file.lstat())}


@pytest.fixture(
    scope="module", params=[("bookworm", "root"), ("trixie", "someone")], ids=["bookworm-root", "trixie-sudo"]
)
def bare_root(request: pytest.FixtureRequest) -> Iterator[BareRoot]:
    release, user = request.param
    prefix = f"vmferry-bare-{TEST_LAB}-"
    for leftover in Path("/var/tmp").glob(f"{prefix}*"):  # of a run that was killed; there is no other run now
        shutil.rmtree(leftover)
    with tempfile.TemporaryDirectory(prefix=prefix, dir="/var/tmp") as folder:
        root = Path(folder, "root")
        sources = Path(folder, "debian.sources")
        sources.write_text(apt.render(apt.machine_sources(), release))
        options = [f"--aptopt={line.rstrip(';')}" for line in apt.acquire_options()]
        if user != "root":
            options.append("--include=sudo")
        mmdebstrap = ["mmdebstrap", "--quiet", "--mode=root", "--variant=apt", "--dpkgopt=force-unsafe-io"]
        subprocess.run([*DIE_WITH_US, *mmdebstrap, *options, release, root, sources], check=True)
        shutil.copytree(CHECKOUT, root / "checkout", ignore=NOT_CHECKED_OUT, symlinks=True)
        if user != "root":
            make_user(root, user)
        yield BareRoot(root, user, machine_settings(root, user))


def make_user(root: Path, user: str) -> None:
    """One who may use sudo, and has the checkout for his own."""
    subprocess.run(["useradd", f"--root={root}", "--create-home", user], check=True)
    (root / "etc/sudoers.d" / user).write_text(f"{user} ALL=(ALL) NOPASSWD: ALL\n")
    subprocess.run(["chroot", root, "chown", "-R", user, "/checkout"], check=True)


def machine_settings(root: Path, user: str) -> dict[str, str]:
    """The machine's certificates, proxies and package index, which a bare root cannot know."""
    bundle = os.environ.get("PIP_CERT") or os.environ.get("SSL_CERT_FILE") or "/etc/ssl/certs/ca-certificates.crt"
    shutil.copy(bundle, root / CERTIFICATES.lstrip("/"))
    (root / "etc/apt/apt.conf.d/99machine").write_text(f'Acquire::https::CAInfo "{CERTIFICATES}";\n')
    asked = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True)
    index = re.search(r"^\S*\.index-url='(.*)'$", asked.stdout, re.MULTILINE)
    shutil.copy("/etc/hosts", root / "etc/hosts")
    settings = {name: value for name, value in os.environ.items() if PASSED_ON.fullmatch(name)}
    found = {"PIP_INDEX_URL": index[1]} if index else {}
    ours = {"PIP_CERT": CERTIFICATES, "SSL_CERT_FILE": CERTIFICATES, "PATH": "/usr/sbin:/usr/bin"}
    home = "/root" if user == "root" else f"/home/{user}"
    return {**found, **settings, **ours, "HOME": home, "LC_ALL": "C.UTF-8"}


@pytest.mark.timeout(900)
def test_set_up_refuses_in_one_line_where_it_cannot_work(bare_root: BareRoot) -> None:
    release = bare_root.path / "usr/lib/os-release"
    debian = release.read_text()
    release.write_text("ID=other\nVERSION_ID=1\n")
    elsewhere = bare_root.run("script/setup")
    release.write_text(debian)
    assert (elsewhere.returncode, len(elsewhere.stdout.splitlines())) == (1, 1), elsewhere.stdout
    assert "this is other 1" in elsewhere.stdout

    powerless = bare_root.run("script/setup", user="nobody")
    assert (powerless.returncode, len(powerless.stdout.splitlines())) == (1, 1), powerless.stdout
    assert "not root and has no sudo" in powerless.stdout
    assert re.search(r"apt-get install --no-install-recommends .*\bpython3-venv\b", powerless.stdout)


@pytest.mark.timeout(900)
def test_set_up_is_the_first_command_and_the_second_time_does_nothing(bare_root: BareRoot) -> None:
    first = bare_root.run("script/setup")
    assert first.returncode == 0, first.stdout
    written = bare_root.traces()

    second = bare_root.run("script/setup")
    assert (second.returncode, second.stdout) == (0, "")
    assert bare_root.traces() == written

    # Those that run whole commands once with the newer Python, and what touches the world.
    whole = [f"tests/unit/{each}" for each in ("cli", "hosts", "service", "store", "placement")]
    tests = bare_root.run("script/test", *(whole if bare_root.user != "root" else ["tests/unit/test_config.py"]))
    assert tests.returncode == 0, tests.stdout
    assert re.search(r"\d+ passed", tests.stdout)
