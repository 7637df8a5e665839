"""The page about migrations is what the tables say."""

from __future__ import annotations

from pathlib import Path

from vmferry.flow.page import migration_page
from vmferry.flow.states import TABLE

PAGE = Path(__file__).parents[3] / "docs/migration.md"


def test_the_page_is_what_the_tables_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == migration_page(), "docs/migration.md is stale: run script/pages"


def test_every_transition_is_in_the_page() -> None:
    page = migration_page()
    for state, row in TABLE.items():
        line = next(
            line
            for line in page.splitlines()
            if line.startswith((f"| {state.replace('_', ' ')} |", f"| **{state.replace('_', ' ')}**"))
        )
        assert line.count("→") == len(row)
