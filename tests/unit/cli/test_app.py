"""The frame: help, completion, errors, pipes and interrupts."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest

from vmferry import errors
from vmferry.cli.app import COMMANDS, program
from vmferry.cli.errors import report
from vmferry.cli.options import Command, Group
from vmferry.cli.output import Format, Layout, render
from vmferry.cli.table import table_lines
from vmferry.fakes import FakeWorld, MemoryStore

Vmferry = Callable[..., Any]

CONTRACT = {
    errors.UserError: 2,
    errors.Failed: 1,
    errors.Refused: 3,
    errors.InDoubt: 6,
    errors.HostError: 1,
    errors.HostUnreachable: 7,
}


@pytest.mark.parametrize(("kind", "code"), CONTRACT.items(), ids=lambda value: getattr(value, "__name__", value))
def test_exit_codes_are_the_contracts(kind: type[errors.VmferryError], code: int) -> None:
    host = ("alpha",) if issubclass(kind, errors.HostError) else ()
    assert kind(*host, "text").exit_code == code


def test_every_command_loads_and_has_help_and_shared_options() -> None:
    context = click.Context(program, info_name="vmferry")
    for name in COMMANDS:
        command = program.get_command(context, name)
        assert command is not None, name
        assert command.help, name
        assert isinstance(command, (Command, Group)), name


def test_help_names_every_command(vmferry: Vmferry) -> None:
    ran = vmferry("--help")
    assert ran.code == 0
    assert all(name in ran.out for name in COMMANDS)


def test_a_bug_is_one_line_and_a_traceback_with_debug(
    vmferry: Vmferry, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "hosts", lambda: 1 // 0)
    ran = vmferry("host", "list")
    assert (ran.code, ran.err.count("\n")) == (1, 1)
    assert "internal error: ZeroDivisionError" in ran.err
    assert "Traceback" in vmferry("host", "list", "--debug").err


def test_an_interrupt_is_130(capfd: pytest.CaptureFixture[str]) -> None:
    assert report(KeyboardInterrupt(), debug=False) == 130
    assert capfd.readouterr().err == "vmferry: interrupted\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completion_script_of_every_shell(vmferry: Vmferry, shell: str) -> None:
    ran = vmferry("completion", shell)
    assert ran.code == 0
    assert f"{shell}_complete" in ran.out


def test_bash_takes_the_script(vmferry: Vmferry, tmp_path: Path) -> None:
    script = tmp_path / "vmferry.bash"
    script.write_text(vmferry("completion", "bash").out)
    subprocess.run(["bash", "-n", str(script)], check=True)


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("vmferry host show ", ["alpha", "beta", "gamma"]),
        ("vmferry host remove b", ["beta"]),
        ("vmferry guest show w", ["web"]),
        ("vmferry guest show ", ["db", "web"]),
    ],
)
def test_names_complete_without_asking_a_host(
    vmferry: Vmferry,
    world: FakeWorld,
    store: MemoryStore,
    monkeypatch: pytest.MonkeyPatch,
    words: str,
    offered: list[str],
) -> None:
    store.remember_guests("alpha", [("web", "1"), ("db", "2"), ("has space", "3"), ("$(reboot)", "4")])
    for host in world.hosts.values():
        host.faults.unreachable = "nobody asks"
    monkeypatch.setenv("_VMFERRY_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(words.count(" ")))
    ran = vmferry()
    assert ran.out.split() == [f"plain,{name}" for name in offered]


def test_a_reader_that_goes_away_is_no_failure() -> None:
    command = [sys.executable, "-c", "from vmferry.cli.app import main; main()", "completion", "bash"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.close()
    _, said = process.communicate()
    assert (process.returncode, said) == (0, b"")


def test_the_help_imports_nothing_that_it_does_not_show() -> None:
    code = (
        "import sys; from vmferry.cli.app import run; run(['--help']); "
        "print(sorted({'libvirt', 'sqlalchemy', 'alembic', 'lxml', 'rich', 'msgspec', 'yaml'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_json_keeps_its_schema_and_units_first() -> None:
    assert render({"hosts": []}, [], Format.JSON) == '{\n  "schema": "vmferry/1",\n  "hosts": []\n}\n'


def test_a_narrow_terminal_gets_one_field_a_line_and_loses_nothing() -> None:
    headings, rows = ("NAME", "URI"), [("alpha", "qemu+ssh://root@alpha/system"), ("beta", "")]
    assert table_lines(headings, rows, 20, lambda cell, text: text) == [
        "NAME  alpha",
        "URI   qemu+ssh://root@alpha/system",
        "",
        "NAME  beta",
    ]


def test_columns_line_up_also_with_wide_characters() -> None:
    lines = table_lines(("NAME", "STATE"), [("日本", "ready"), ("e\u0301", "ready")], 80, lambda cell, text: text)
    assert lines == ["NAME   STATE", "日本   ready", "e\u0301      ready"]


def test_no_colour_without_a_terminal() -> None:
    assert "\x1b" not in render({}, [Layout(("STATE",), [("ready",)])], Format.TABLE)


class Terminal:
    """Standard output as if it were a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("no_color", "coloured"), [("", True), ("1", False)])
def test_colour_on_a_terminal_unless_it_is_not_wanted(
    monkeypatch: pytest.MonkeyPatch, no_color: str, coloured: bool
) -> None:
    monkeypatch.setattr("sys.stdout", Terminal())
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", no_color)
    assert ("\x1b[32mready" in render({}, [Layout(("STATE",), [("ready",)])], Format.TABLE)) is coloured
