"""What no log, record or document may show."""

from __future__ import annotations


class Secret:
    """A text that is handed on and never shown: nothing writes it down by accident, since no encoder knows it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """For the one place that it is made for."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(...)"
