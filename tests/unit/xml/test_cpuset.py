from __future__ import annotations

import pytest

from vmferry.model.units import shown_numbers
from vmferry.xml.cpuset import MOST, numbers_of


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("", set()),
        ("3", {3}),
        ("0-3,8", {0, 1, 2, 3, 8}),
        ("0-3,^2", {0, 1, 3}),
        (" 1 , 2 ", {1, 2}),
        ("0-7,^2-3", {0, 1, 4, 5, 6, 7}),
        ("3-1", set()),
        ("a,-1,1-", set()),
    ],
)
def test_sets_of_numbers(text: str, numbers: set[int]) -> None:
    assert numbers_of(text) == numbers


def test_no_range_is_built_that_no_host_has() -> None:
    assert max(numbers_of("0-99999")) == MOST


@pytest.mark.parametrize("text", ["", "0", "0-3", "0-3,8", "0,2,4-5"])
def test_they_are_shown_as_they_are_read(text: str) -> None:
    assert shown_numbers(numbers_of(text)) == text
