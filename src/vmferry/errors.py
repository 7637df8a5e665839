"""Whose fault it is and what comes next.

    VmferryError            one line: what, why, what to do next
    |- UserError            the request cannot be meant as given       (exit 2)
    |  `- Unknown           it names what there is not
    |- Failed               it did not work, and nothing was changed   (exit 1)
    |- Refused              a check says no                            (exit 3)
    |- InDoubt              an operator has to decide                  (exit 6)
    |- Fenced               another worker has the job by now          (exit 6)
    `- HostError            a host's own answer, its text kept         (exit 1)
       `- HostUnreachable   it gave none                               (exit 7)

Only the edges (command line, API) end with these codes, or turn them into statuses.
"""

from __future__ import annotations


class VmferryError(Exception):
    """Base of everything that vmferry raises on purpose. `message` is one line for people."""

    exit_code = 1
    """Of a command that ends with it; the contract's."""

    def __init__(self, message: str, *, detail: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.detail = detail
        """The text of the system below (libvirt, ssh), verbatim; empty where there is none."""


class UserError(VmferryError):
    """The request itself is wrong: an unknown name, a bad value, a broken file."""

    exit_code = 2


class Unknown(UserError):
    """There is nothing of that name."""


class Failed(VmferryError):
    """The operation failed and nothing was changed."""


class Refused(VmferryError):
    """A check found that the operation would not work or would not be safe."""

    exit_code = 3


class InDoubt(VmferryError):
    """It is not known where the guest runs; nothing destructive was done."""

    exit_code = 6


class Fenced(VmferryError):
    """This worker's lease was taken over: it must not do anything more on the job."""

    exit_code = 6


class HostError(VmferryError):
    """A host answered with an error. `code` is libvirt's error number where it came from libvirt."""

    def __init__(self, host: str, message: str, *, detail: str = "", code: int | None = None) -> None:
        super().__init__(message, detail=detail)
        self.host = host
        self.code = code


class HostUnreachable(HostError):
    """A host gave no answer within its time limit, or refused the connection."""

    exit_code = 7


def silent(host: str, timeout_s: float) -> HostUnreachable:
    return HostUnreachable(
        host,
        f"host {host} gave no answer within {timeout_s:g} s; check that it is up and its libvirt daemon runs, "
        "or allow more with --timeout",
    )
