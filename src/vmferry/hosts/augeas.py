"""Libvirt's configuration files, edited by Augeas with libvirt's own lens: comments, order and layout stay.

It works on copies in a temporary directory of this machine; nothing is installed on a host.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from vmferry.errors import Failed
from vmferry.repair.change import Edited, Item

LIMIT_S = 20.0
_VALUE = re.compile(r"[A-Za-z0-9._:-]{0,200}")
_KEY = re.compile(r"[a-z_0-9]{1,60}")
_FILE = "/files/conf"


def edited(text: str | None, lens: str, source: str, values: Sequence[tuple[str, str]]) -> Edited:
    """`text` with these keys set. `source` is the lens as the host has it, `lens` its module's name.

    A file that the lens does not read is not edited: `problem` names its line. Raises Failed where Augeas is missing.
    """
    if "Sys." in source:
        return Edited(text, None, problem="the host's lens reads more than the file; libvirt's own does not")
    whole = text or ""
    if "\0" in whole or any("\udc80" <= letter <= "\udcff" for letter in whole):  # Augeas would end there
        line = re.split("[\0\udc80-\udcff]", whole, maxsplit=1)[0].count("\n") + 1
        return Edited(text, None, problem=f"line {line} is no text in UTF-8; correct it by hand")
    whole += "" if whole.endswith("\n") or not whole else "\n"  # libvirt needs no last line end, its lens does
    with tempfile.TemporaryDirectory(prefix="vmferry-") as directory:
        conf, lenses = Path(directory, "conf"), Path(directory, "lenses")
        lenses.mkdir()
        lenses.joinpath(f"{lens.lower()}.aug").write_text(source)
        conf.write_text(whole)
        said = _augtool(directory, lenses, _commands(lens, values))
        problem = _problem(said)
        if problem:
            return Edited(text, None, problem=problem)
        after = conf.read_text()
    return Edited(text, after if values else text, _items(said, values))


def _commands(lens: str, values: Sequence[tuple[str, str]]) -> str:
    lines = [f"transform {lens} incl /conf", "load", "print /augeas//error"]
    for key, value in values:
        if not _KEY.fullmatch(key) or not _VALUE.fullmatch(value):
            raise ValueError(f"{key} = {value!a} is nothing that is written into a configuration file")
        lines += [
            f"print {_FILE}/{key}",
            # One that is not set yet comes after its own commented line, where people look for it.
            f"ins {key} after \"{_FILE}[count({key}) = 0]/#comment[. =~ regexp('{key} *=.*')][last()]\"",
            f'setm {_FILE} {key} "{value}"',
        ]
    return "\n".join([*lines, "save", "print /augeas//error"]) + "\n"


def _augtool(root: str, lenses: Path, commands: str) -> str:
    command = ["augtool", "--noautoload", f"--root={root}", f"--include={lenses}"]
    try:
        done = subprocess.run(
            command,
            input=commands,
            capture_output=True,
            text=True,
            check=False,
            timeout=LIMIT_S,
            start_new_session=True,
        )
    except FileNotFoundError:
        raise Failed("augtool is not installed here, and edits libvirt's files: apt-get install augeas-tools") from None
    except subprocess.TimeoutExpired:
        raise Failed(f"augtool did not end within {LIMIT_S:g} s") from None
    return done.stdout


def _problem(said: str) -> str:
    if "/error = " not in said:
        return ""
    found = dict(re.findall(r'/error/(line|message) = "(.*)"', said))
    kind = re.search(r'/error = "(\w+)"', said)
    if kind is not None and kind[1] == "parse_failed" and "line" in found:
        return f"line {found['line']} is nothing that libvirt's own lens reads; correct it by hand"
    return f"Augeas does not edit it: {found.get('message') or (kind[1] if kind else 'unknown error')}"


def _items(said: str, values: Sequence[tuple[str, str]]) -> tuple[Item, ...]:
    before = dict(re.findall(rf'^{_FILE}/(\w+)(?:\[1\])? = "(.*)"$', said, re.MULTILINE))
    return tuple(Item(key, before.get(key, "not set"), value) for key, value in values if before.get(key) != value)
