"""What the lab asks of the machine, what it reads there, and what it says when something is missing."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from vmferry.errors import Failed, UserError
from vmferry.lab import access, cgroup, control, mounts, shell
from vmferry.lab.cgroup import hierarchies
from vmferry.lab.host import parse_versions
from vmferry.lab.layout import Layout, layout_of_environment
from vmferry.lab.parallel import side_by_side
from vmferry.lab.plan import make_plan
from vmferry.lab.state import Versions, load

UNIFIED = "31 24 0:27 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"
HYBRID = """\
30 24 0:26 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755
31 30 0:27 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu
32 30 0:28 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd
33 30 0:29 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
"""


def test_groups_go_into_every_hierarchy_that_systemd_may_use() -> None:
    assert hierarchies(UNIFIED) == [Path("/sys/fs/cgroup")]
    assert hierarchies(HYBRID) == [Path("/sys/fs/cgroup/systemd"), Path("/sys/fs/cgroup/unified")]


@pytest.mark.parametrize("name", ["", "Lab", "1lab", "a-b", "../x", "elevenchars", "a b"])
def test_a_lab_name_that_could_not_name_a_link_is_refused(name: str) -> None:
    with pytest.raises(UserError, match="is no lab name"):
        layout_of_environment({"VMFERRY_LAB": name})


def test_a_relative_cache_is_refused() -> None:
    with pytest.raises(UserError, match="no absolute path"):
        layout_of_environment({"VMFERRY_CACHE": "cache"})


@pytest.mark.parametrize("name", ["a b", "a:b", "a,b", "a'b", "a%20b"])
def test_a_cache_that_mount_options_or_uris_would_misread_is_refused(name: str) -> None:
    with pytest.raises(UserError, match="cannot be named"):
        layout_of_environment({"VMFERRY_CACHE": f"/var/{name}"})


def test_links_in_the_caches_path_are_resolved(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    assert layout_of_environment({"VMFERRY_CACHE": f"{tmp_path}/link/cache"}).cache == tmp_path / "real/cache"


def test_mount_points_are_read_as_they_are_and_innermost_first(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [
        f"{number} 1 0:9 / {point} rw - tmpfs x rw" for number, point in enumerate(("/c/a", r"/c/a/b\040c", "/cd"))
    ]
    monkeypatch.setattr(mounts, "mountinfo", lambda: "\n".join(lines))
    assert mounts.below(Path("/c")) == [Path("/c/a/b c"), Path("/c/a")]
    assert mounts.is_point(Path("/c/a"))
    assert not mounts.is_point(Path("/c"))


def test_a_process_that_is_out_of_sight_is_never_killed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    killed: list[int] = []
    group = tmp_path / "vmferry-test/h1"
    group.mkdir(parents=True)
    (group / "cgroup.procs").write_text("0\n")
    monkeypatch.setattr(cgroup, "mountinfo", lambda: f"1 1 0:9 / {tmp_path} rw - cgroup2 x rw")
    monkeypatch.setattr(cgroup, "_LIMIT_S", 0.0)
    monkeypatch.setattr(os, "kill", lambda pid, _: killed.append(pid))
    with pytest.raises(Failed, match="does not see into"):
        cgroup.kill(_layout(tmp_path), "h1")
    assert killed == []


def test_absent_devices_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "umask", lambda _: 0)
    monkeypatch.setattr(control, "missing_packages", list)
    monkeypatch.setattr(control, "_DEVICES", (str(tmp_path), str(tmp_path / "tun")))
    with pytest.raises(Failed, match=f"^the lab needs {tmp_path}/tun: "):
        control.up(_layout(tmp_path))


def test_without_root_it_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    layout = _layout(tmp_path)
    for attempt in (control.up, control.down):
        with pytest.raises(Failed, match=r"needs root.*sudo"):
            attempt(layout)
    assert list(tmp_path.iterdir()) == []


def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    missing = {"mmdebstrap", "systemd-nspawn", "ip"}
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "umask", lambda _: 0)
    monkeypatch.setattr(shutil, "which", lambda tool, path: None if tool in missing else f"/usr/bin/{tool}")
    with pytest.raises(Failed, match=r"apt-get install iproute2 mmdebstrap systemd-container$"):
        control.up(_layout(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_a_tool_that_fails_is_quoted() -> None:
    with pytest.raises(Failed, match=r"^cat -- /nowhere failed: cat: /nowhere: No such file or directory$"):
        shell.run("cat", "--", "/nowhere")


def test_a_tool_that_is_missing_is_named_by_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setitem(shell.TOOLS, "no-such-tool", "its-package")
    with pytest.raises(Failed, match="no-such-tool is not installed: apt-get install its-package"):
        shell.run("no-such-tool")


@pytest.mark.parametrize("text", [None, "", "{", "[]", '{"name": "lab"}', "\x00"])
def test_an_unreadable_state_is_none(tmp_path: Path, text: str | None) -> None:
    layout = _layout(tmp_path)
    if text is not None:
        layout.state.write_text(text)
    assert load(layout) is None


def test_versions_are_read_from_virsh() -> None:
    text = (
        "Compiled against library: libvirt 11.3.0\nUsing library: libvirt 11.3.0\n"
        "Using API: QEMU 11.3.0\nRunning hypervisor: QEMU 10.0.13\n\n"
    )
    assert parse_versions(text) == Versions("11.3.0", "10.0.13")


def test_every_host_knows_every_other_by_name() -> None:
    text = access.hosts_file(make_plan("lab", 2, False, []))
    assert text.splitlines()[2:] == [
        "10.213.0.11 h1",
        "10.213.1.11 h1-mig",
        "10.213.0.12 h2",
        "10.213.1.12 h2-mig",
        "10.213.0.2 storage",
    ]


def test_work_side_by_side_keeps_the_order_and_the_first_error() -> None:
    assert side_by_side(lambda number: number * 2, [1, 2, 3]) == [2, 4, 6]
    assert side_by_side(str, []) == []
    with pytest.raises(ZeroDivisionError):
        side_by_side(lambda number: 1 / number, [1, 0, 2])


def _layout(path: Path) -> Layout:
    return Layout("test", path, path / "cache")
