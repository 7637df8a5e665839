"""Many blocking calls at once, each within a time limit.

Daemon threads: a call into a host that never answers must not keep the process from ending.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


def all_at_once(calls: Sequence[Callable[[], T]], timeout_s: float) -> list[T | Exception]:
    """Run every call in a thread of its own; one answer a call, in order.

    What a call raised is its answer. One that has not answered after `timeout_s` seconds, all together, is answered
    by a TimeoutError, and its thread is left behind.
    """
    answers: queue.SimpleQueue[tuple[int, T | Exception]] = queue.SimpleQueue()

    def run(number: int, call: Callable[[], T]) -> None:
        try:
            answers.put((number, call()))
        except Exception as error:
            answers.put((number, error))

    for number, call in enumerate(calls):
        threading.Thread(target=run, args=(number, call), daemon=True).start()
    results: list[T | Exception] = [TimeoutError(f"no answer within {timeout_s:g} s") for _ in calls]
    deadline = time.monotonic() + timeout_s
    for _ in calls:
        try:
            number, answer = answers.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            break
        results[number] = answer
    return results
