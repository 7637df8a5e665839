"""`/rules`: what is checked."""

from __future__ import annotations

from fastapi import APIRouter, Response

from vmferry.api.answers import answer, many, shape, told
from vmferry.api.gate import Here, Viewer
from vmferry.api.inventory import Name
from vmferry.errors import Unknown
from vmferry.rules.registry import all_rules
from vmferry.service.documents import rules_document

router = APIRouter(prefix="/rules", tags=["rules"])
RULES = shape({"rules": many({"type": "object"})})


@router.get("", responses=told(RULES))
def list_rules(site: Here, caller: Viewer) -> Response:
    """All rules, in the order of a report."""
    return answer(rules_document(all_rules()))


@router.get("/{rule}", responses=told(RULES))
def show(site: Here, caller: Viewer, rule: Name) -> Response:
    """One rule, by its id."""
    found = [each for each in all_rules() if each.id == rule]
    if not found:
        raise Unknown(f"there is no rule {rule!a}; see /api/v1/rules")
    return answer(rules_document(found))
