"""Sizes and rates as they are typed."""

from __future__ import annotations

from collections.abc import Callable

import click

from vmferry.model.units import parse_bit_rate, parse_bytes


class Amount(click.ParamType):  # type: ignore[type-arg]  # a class of its own type only since click 8.3
    """A number with a unit; its value is an int, positive unless `zero` is allowed."""

    def __init__(self, name: str, parse: Callable[[str], int], *, zero: bool = False) -> None:
        self.name = name
        self._parse, self._zero = parse, zero

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        try:
            amount = self._parse(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)
        if amount <= 0 and not self._zero:
            self.fail(f"{value!r} has to be more than nothing", param, ctx)
        return amount


SIZE = Amount("size", parse_bytes)
"""`100MiB/s`, `20MB` or a number, to bytes."""

SIZE_OR_ZERO = Amount("size", parse_bytes, zero=True)

BIT_RATE = Amount("rate", lambda text: parse_bit_rate(text) // 8)
"""`10gbit`, to bytes a second."""
