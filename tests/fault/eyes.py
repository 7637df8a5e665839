"""Connections and keepers of jobs that something watches, and may disturb, at every call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

At = Callable[[str, str, str, tuple[Any, ...]], None]
"""Worker, host or `jobs`, method, arguments."""


def _nothing(worker: str, where: str, method: str, given: tuple[Any, ...]) -> None:
    pass


class Watched:
    """Anything with methods. `before` and `after` are called around each; what they raise is what the caller gets."""

    def __init__(self, inner: Any, worker: str, where: str, before: At = _nothing, after: At = _nothing) -> None:  # noqa: ANN401
        self.inner, self.worker, self.where = inner, worker, where
        self.before, self.after = before, after

    @property
    def entry(self) -> Any:  # noqa: ANN401 - of a host
        return self.inner.entry

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        method = getattr(self.inner, name)

        def call(*given: Any, **named: Any) -> Any:  # noqa: ANN401
            self.before(self.worker, self.where, name, given)
            answer = method(*given, **named)
            self.after(self.worker, self.where, name, given)
            return answer

        self.__dict__[name] = call
        return call
