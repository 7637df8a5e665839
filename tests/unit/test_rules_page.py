from __future__ import annotations

from pathlib import Path

from vmferry.cli.rules_page import rules_page
from vmferry.rules import all_rules

PAGE = Path(__file__).parents[2] / "docs/rules.md"


def test_the_page_is_what_the_rules_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == rules_page(), "docs/rules.md is stale: run script/pages"


def test_every_rule_is_on_it_once() -> None:
    page = rules_page()
    assert [page.count(f"| `{rule.id}` |") for rule in all_rules()] == [1] * len(all_rules())
