"""How the copy is to be made and steered: options of `migrate`, where virsh has one by virsh's name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import click

from vmferry.cli.sizes import SIZE
from vmferry.cli.storage_options import disk_copy_options, read_storage
from vmferry.errors import UserError
from vmferry.model.tuning import Convergence, Tuning
from vmferry.model.wish import Copying

F = TypeVar("F", bound=Callable[..., Any])

MOST_DOWNTIME_MS = 2_000_000
"""QEMU's own limit."""
PER_CENT = click.IntRange(1, 99)
THREADS = click.IntRange(1, 255)
METHODS = ("mt", "xbzrle", "zlib", "zstd")

COMPRESSION_TUNING = {
    "comp_mt_level": "compression.mt.level",
    "comp_mt_threads": "compression.mt.threads",
    "comp_mt_dthreads": "compression.mt.dthreads",
    "comp_xbzrle_cache": "compression.xbzrle.cache",
    "comp_zlib_level": "compression.zlib.level",
    "comp_zstd_level": "compression.zstd.level",
}
"""To libvirt's names."""


class Methods(click.ParamType):  # type: ignore[type-arg]  # a class of its own type only since click 8.3
    """`xbzrle,zstd`, to a tuple."""

    name = "methods"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        if isinstance(value, tuple):
            return value
        methods = tuple(word.strip() for word in str(value).split(","))
        unknown = [word for word in methods if word not in METHODS]
        if unknown:
            self.fail(f"{unknown[0]!r} is none of {', '.join(METHODS)}", param, ctx)
        return methods


MAIN = (
    click.option("--bandwidth", type=SIZE, metavar="BYTES_S", help="At most so much, as 100MiB/s."),
    click.option(
        "--max-downtime",
        type=click.IntRange(1, MOST_DOWNTIME_MS),
        metavar="MS",
        help="The guest may stand still for so long; without it, for as long as QEMU has it (300).",
    ),
    click.option(
        "--max-time",
        type=click.IntRange(1, 7 * 86_400),
        metavar="S",
        help="For the copy. What then happens is the policy's: see --convergence.",
    ),
    click.option(
        "--convergence",
        type=click.Choice([each.value for each in Convergence]),
        help="For a guest that dirties memory too fast. careful: throttle it, else leave it where it is; balanced: "
        "post-copy where that is safe; must-finish: stop it for the rest of the copy at the last.",
    ),
    click.option(
        "--post-copy",
        type=click.Choice(["never", "allow"]),
        help="Without it, where the policy needs it and both hosts and the way between them are safe for it.",
    ),
    click.option("--tls", is_flag=True, help="Encrypt the memory's way by QEMU's own TLS."),
)
"""What makes sense of many guests at once, too."""

OPTIONS = (
    *MAIN,
    click.option("--postcopy-bandwidth", type=SIZE, metavar="BYTES_S", help="Of post-copy; without it, --bandwidth."),
    click.option("--auto-converge", is_flag=True, help="Slow the guest down as long as it dirties too fast."),
    click.option("--auto-converge-initial", type=PER_CENT, metavar="PERCENT", help="At first by so much."),
    click.option("--auto-converge-increment", type=PER_CENT, metavar="PERCENT", help="By so much more at a time."),
    click.option("--parallel", is_flag=True, help="Several streams (multifd)."),
    click.option("--parallel-connections", type=click.IntRange(1, 255), metavar="N", help="So many of them."),
    click.option("--zerocopy", is_flag=True, help="Of parallel streams: without copying in the kernel."),
    click.option(
        "--comp-methods",
        "--compression",
        "compression",
        type=Methods(),
        metavar="METHOD[,METHOD]",
        help=f"Compress with {', '.join(METHODS)}.",
    ),
    click.option(
        "--comp-mt-level", type=click.IntRange(0, 9), metavar="LEVEL", help="Of mt: 1 fast to 9 small; 0: none."
    ),
    click.option("--comp-mt-threads", type=THREADS, metavar="N", help="Of mt: so many that compress."),
    click.option("--comp-mt-dthreads", type=THREADS, metavar="N", help="Of mt: so many that decompress."),
    click.option("--comp-xbzrle-cache", type=SIZE, metavar="BYTES", help="Of xbzrle: its cache, on the source."),
    click.option("--comp-zlib-level", type=click.IntRange(0, 9), metavar="LEVEL", help="Of zlib; 0: none."),
    click.option("--comp-zstd-level", type=click.IntRange(0, 20), metavar="LEVEL", help="Of zstd; 0: none."),
    click.option("--tls-destination", metavar="NAME", help="The name that the target's certificate has to have."),
)


def copy_options(command: F) -> F:
    """The command gets them all by name, for `read_copying`."""
    return _given(command, OPTIONS)


def many_copy_options(command: F) -> F:
    """Of commands that move many guests, of which `--parallel` says how many at once; for `read_many_copying`."""
    return _given(command, MAIN)


def _given(command: F, options: Sequence[Callable[[F], F]]) -> F:
    command = disk_copy_options(command)
    for option in reversed(options):
        command = option(command)
    return command


def read_copying(typed: Mapping[str, Any], definition: object = None) -> Copying:
    """Raises UserError where two of them contradict each other; what hosts would refuse is the rules' to say."""
    return replace(
        _main(typed, definition),
        tuning=Tuning(
            auto_converge=typed["auto_converge"],
            auto_converge_initial=typed["auto_converge_initial"],
            auto_converge_increment=typed["auto_converge_increment"],
            parallel=typed["parallel"],
            parallel_connections=typed["parallel_connections"],
            zerocopy=typed["zerocopy"],
            compression=typed["compression"] or (),
            compression_tuning=tuple(
                (name, typed[option]) for option, name in COMPRESSION_TUNING.items() if typed[option] is not None
            ),
            tls=typed["tls"],
            tls_destination=typed["tls_destination"],
            post_copy_bandwidth_bytes_s=typed["postcopy_bandwidth"],
        ),
    )


def read_many_copying(typed: Mapping[str, Any]) -> Copying:
    """Raises UserError as `read_copying` does."""
    return replace(_main(typed, None), tuning=Tuning(tls=typed["tls"]))


def _main(typed: Mapping[str, Any], definition: object) -> Copying:
    convergence = None if typed["convergence"] is None else Convergence(typed["convergence"])
    if convergence is Convergence.CAREFUL and typed["post_copy"] == "allow":
        raise UserError("careful never uses post-copy: drop --post-copy allow, or take --convergence balanced")
    return Copying(
        bandwidth_bytes_s=typed["bandwidth"],
        max_downtime_ms=typed["max_downtime"],
        max_time_s=typed["max_time"],
        convergence=convergence,
        post_copy=None if typed["post_copy"] is None else typed["post_copy"] == "allow",
        storage=read_storage(typed, definition),
    )
