"""The rules of this house that no other tool watches."""

from __future__ import annotations

import ast
import os
import re
import statistics
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from vmferry.lab.shell import TOOLS

ROOT = Path(__file__).parents[2]
NOT_OURS = {".git", ".venv", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".import_linter_cache"}
MODULES = sorted((ROOT / "src").rglob("*.py"))
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
# A mirror is the machine's choice: its own apt sources and pip settings name it, no file of ours does.
REGISTRY = re.compile(r"\b(pypi|pythonhosted|npmjs|(deb|security|snapshot|ftp[\w.]*)\.debian)\.(org|com|net)\b")


def files() -> Iterator[Path]:
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in NOT_OURS]
        yield from (Path(folder, name) for name in names)


def project() -> dict[str, list[str]]:
    table: dict[str, list[str]] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return table


def name_of(requirement: str) -> str:
    return re.split(r"[^\w.-]", requirement.strip(), maxsplit=1)[0].lower().replace("_", "-")


def imported_packages(module: Path) -> set[str]:
    """Top-level names, wherever in the module they are imported."""
    nodes = list(ast.walk(ast.parse(module.read_text())))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    named = {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module and not node.level}
    return {name.partition(".")[0] for name in plain | named}


def test_modules_are_short() -> None:
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in MODULES}
    assert {path: length for path, length in lengths.items() if length > 400} == {}
    assert statistics.median(lengths.values()) <= 150


def test_functions_are_short() -> None:
    lengths = {
        f"{path.relative_to(ROOT)}:{node.name}": (node.end_lineno or node.lineno) - node.lineno + 1
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert {name: length for name, length in lengths.items() if length > 60} == {}
    assert statistics.quantiles(lengths.values(), n=10)[-1] <= 30


def test_no_file_names_a_registry() -> None:
    assert [path for path in files() if REGISTRY.search(path.read_text(errors="ignore"))] == []


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_locked_packages_have_version_and_hash(lock: Path) -> None:
    entries = re.findall(r"^\S(?:.*\\\n)*.*", re.sub(r"#.*", "", lock.read_text()), re.MULTILINE)
    assert entries
    assert [entry for entry in entries if not re.search(r"^[\w.-]+==\S+.*--hash=sha256:\w{64}", entry, re.DOTALL)] == []


def test_lock_has_every_dependency() -> None:
    table = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = {name_of(line) for line in table["dependencies"] + table["optional-dependencies"]["dev"]}
    locked = {name_of(line) for line in re.findall(r"^\w.*==", (ROOT / "requirements/lock.txt").read_text(), re.M)}
    assert wanted <= locked


def test_every_dependency_is_used() -> None:
    imported = set().union(*(imported_packages(module) for module in MODULES))
    distributions = packages_distributions()
    used = {name_of(name) for package in imported for name in distributions.get(package, [])}
    assert {name_of(line) for line in project()["dependencies"]} - used == set()


def test_setup_installs_every_tool_of_the_lab() -> None:
    array = re.search(r"^packages=\((.*?)^\)", (ROOT / "script/setup").read_text(), re.DOTALL | re.MULTILINE)
    assert array
    assert set(TOOLS.values()) <= set(re.sub(r"#.*", "", array[1]).split())


def test_commands_of_the_documents_exist() -> None:
    texts = [(ROOT / name).read_text() for name in ("README.md", "CONTRIBUTING.md")]
    named = set(re.findall(r"\bscript/[\w-]+", " ".join(texts)))
    assert {"script/demo", "script/test"} <= named
    assert [name for name in sorted(named) if not os.access(ROOT / name, os.X_OK)] == []


def test_links_of_the_documents_lead_somewhere() -> None:
    documents = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    links = {(path, link) for path in documents for link in re.findall(r"\]\(([^)#\s]+)", path.read_text())}
    relative = {(path, link) for path, link in links if "://" not in link and not link.startswith("mailto:")}
    assert relative
    assert sorted(f"{path.name}: {link}" for path, link in relative if not (path.parent / link).exists()) == []
