"""A blocking call of libvirt's in a thread of its own, to be waited for in parts."""

from __future__ import annotations

import threading
from collections.abc import Callable

from vmferry.errors import HostError


class InThread:
    """`ports.Copy`. The thread is a daemon: a process that ends leaves the call, and what it began goes on."""

    def __init__(self, call: Callable[[], None]) -> None:
        self._call = call
        self._ended = threading.Event()
        self._problem: HostError | None = None
        self._bug: BaseException | None = None
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        try:
            self._call()
        except HostError as error:
            self._problem = error
        except BaseException as error:  # carried over to the thread that waits, which raises it
            self._bug = error
        finally:
            self._ended.set()

    def wait(self, timeout_s: float) -> bool:
        ended = self._ended.wait(timeout_s)
        if self._bug is not None:
            raise self._bug
        return ended

    @property
    def problem(self) -> HostError | None:
        return self._problem
