"""The same for several hosts at the same time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def side_by_side(work: Callable[[T], R], items: Sequence[T]) -> list[R]:
    """The results in the order of the items; raises the first error in that order.

    An interrupt ends the wait at once, which a thread pool would not: what still runs ends with the process.
    """
    futures: list[Future[R]] = [Future() for _ in items]
    for item, future in zip(items, futures, strict=True):
        threading.Thread(target=_fulfil, args=(future, work, item), daemon=True).start()
    return [future.result() for future in futures]


def _fulfil(future: Future[R], work: Callable[[T], R], item: T) -> None:
    try:
        future.set_result(work(item))
    except BaseException as error:
        future.set_exception(error)
