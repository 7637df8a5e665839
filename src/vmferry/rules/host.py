"""The host itself: its kernel, its clock, its hooks, and how many sessions its sshd takes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from vmferry.facts.host import HostFacts
from vmferry.facts.move import MoveFacts, PairFacts
from vmferry.facts.system import Hook, SystemFacts
from vmferry.model.finding import Finding, Severity
from vmferry.model.host import HostState
from vmferry.rules.alike import by_setup, by_shape, by_systems
from vmferry.rules.effective import LET_IN, NO_SHELL, conf, value
from vmferry.rules.registry import Voice, host_rule, move_rule, pair_rule

MOST_APART_S = 1.0
"""A guest that sets its clock by its host's jumps by the difference."""
FEW_SESSIONS = 10
FIRST_USERFAULTFD = (4, 3)
"""The kernel that has it first."""
BACKPORTED = ".el7"
"""Kernels that have it in spite of their number."""


@pair_rule(
    "host.open",
    "the target takes guests: it is not being drained, nor in maintenance",
    "none: a host that is being emptied would not become empty",
)
def takes_guests(pair: PairFacts, say: Voice) -> Iterator[Finding]:
    target, required = pair.target, str(HostState.READY)
    if target.state is HostState.READY:
        yield say.ok(target.name, required, required)
    else:
        yield say.refuse(
            target.name, str(target.state), required, f"vmferry undrain {target.name}, or choose another target"
        )


@pair_rule(
    "host.clock",
    "the clocks of the two hosts agree",
    "none: a guest's clock jumps, and a certificate is not yet or no longer valid",
    severity=Severity.WARN,
)
def clock(pair: PairFacts, say: Voice) -> Iterator[Finding]:
    """Two clocks that are surely further apart are told of; how sure depends on how quickly the hosts answered."""
    source, target = pair.source, pair.target
    required = f"not more than {MOST_APART_S:g} s apart"
    if source.clock_offset_s is None or target.clock_offset_s is None:
        blind = source.name if source.clock_offset_s is None else target.name
        yield say.unknown(target.name, f"the clock of {blind} is not known: {NO_SHELL}", required, LET_IN)
        return
    apart_s = target.clock_offset_s - source.clock_offset_s
    error_s = source.clock_error_s + target.clock_error_s
    observed = (
        f"{abs(apart_s):.1f} s {'ahead of' if apart_s > 0 else 'behind'} {source.name}, give or take {error_s:.1f} s"
    )
    if abs(apart_s) - error_s > MOST_APART_S:
        remedy = (
            f"set the clocks of both by one NTP server: timedatectl set-ntp true; chronyc makestep, on {target.name}"
        )
        yield say.warn(target.name, observed, required, remedy)
    else:
        yield say.ok(target.name, observed, required)


@pair_rule(
    "host.hooks",
    "both hosts have the same hook scripts",
    "libvirt: Hook script execution failed: ...",
    severity=Severity.WARN,
    alike=by_systems,
)
def hooks(pair: PairFacts, say: Voice) -> Iterator[Finding]:
    """The target's qemu hook sees every guest that comes in, and may change or refuse it."""
    here, there = (_hooks(host) for host in (pair.source, pair.target))
    required = "the same hook scripts in /etc/libvirt/hooks of both"
    if here is None or there is None:
        blind = pair.source.name if here is None else pair.target.name
        yield say.unknown(pair.target.name, f"those of {blind} are not known: {NO_SHELL}", required, LET_IN)
        return
    for path in sorted(here.keys() | there.keys()):
        if here.get(path) != there.get(path):
            copy = f"scp -p {pair.source.name}:{path} {pair.target.name}:{path}, or remove both"
            remedy = f"see which is meant; then the other way round or: {copy}"
            yield say.warn(pair.target.name, _difference(pair, path, here, there), required, remedy)
    if here == there:
        what = f"{len(here)} scripts, the same on both" if here else "none on either"
        yield say.ok(pair.target.name, what, required)


def _hooks(host: HostFacts) -> dict[str, Hook] | None:
    if host.system is None or host.system.hooks is None:
        return None
    return {hook.path: hook for hook in host.system.hooks}


def _difference(pair: PairFacts, path: str, here: dict[str, Hook], there: dict[str, Hook]) -> str:
    if path not in here or path not in there:
        return f"{ascii(path)[1:-1]} is only on {(pair.source if path in here else pair.target).name}"
    return f"{ascii(path)[1:-1]} differs: {here[path].sha256[:12]} and {there[path].sha256[:12]}"


@move_rule(
    "host.userfaultfd",
    "the target can take a guest by post-copy",
    "QEMU: Postcopy is not supported: Userfaultfd not available",
    alike=by_shape,
)
def userfaultfd(move: MoveFacts, say: Voice) -> Iterator[Finding]:
    """For information, unless post-copy is asked for."""
    target, asked = move.target.host, move.wish.post_copy
    required = "userfaultfd for QEMU" + ("" if asked else ", if post-copy is ever wanted")
    system = target.system
    if system is None or system.kernel is None:
        if asked:
            yield say.unknown(target.name, f"not known: {NO_SHELL}", required, LET_IN)
        return
    missing = no_userfaultfd(target, system)
    if missing is None:
        yield say.ok(target.name, "QEMU may use it", required)
        return
    observed, remedy = missing
    yield (say.refuse if asked else say.note)(target.name, observed, required, remedy)


def no_userfaultfd(host: HostFacts, system: SystemFacts) -> tuple[str, str] | None:
    """What keeps QEMU from it, and what helps; None: nothing."""
    numbers = re.match(r"(\d+)\.(\d+)", system.kernel or "")
    too_old = numbers is not None and (int(numbers[1]), int(numbers[2])) < FIRST_USERFAULTFD
    if too_old and BACKPORTED not in (system.kernel or ""):
        return f"kernel {system.kernel} is too old for it", "migrate without post-copy"
    as_root = value(conf(host, "qemu"), "user", "") in ("root", "+0", "0")
    if system.userfaultfd != 0 or as_root or system.userfaultfd_device:
        return None
    return "vm.unprivileged_userfaultfd is 0", f"on {host.name}: sysctl -w vm.unprivileged_userfaultfd=1"


@host_rule(
    "host.ssh-sessions",
    "sshd takes enough sessions at the same time",
    "libvirt: Cannot recv data: kex_exchange_identification: Connection closed by remote host",
    severity=Severity.WARN,
    alike=by_setup,
)
def ssh_sessions(host: HostFacts, say: Voice) -> Iterator[Finding]:
    """MaxStartups counts those that have not logged in yet: a burst of qemu+ssh connections meets it."""
    limits = host.system.max_startups if host.system is not None else None
    if limits is None:
        return
    observed = f"MaxStartups {':'.join(map(str, limits))}"
    required = f"at least {FEW_SESSIONS} that have not logged in yet"
    if limits[0] < FEW_SESSIONS:
        remedy = f"on {host.name}: set MaxStartups 100 in /etc/ssh/sshd_config; systemctl reload sshd, or ssh"
        yield say.warn(host.name, f"{observed}: it drops sessions from {limits[0]} on", required, remedy)
    else:
        yield say.ok(host.name, observed, required)
