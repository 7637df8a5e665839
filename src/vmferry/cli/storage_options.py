"""What becomes of the guest's disks: options of `migrate`, `check` and `plan`, where virsh has one by virsh's name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from vmferry.cli.sizes import SIZE
from vmferry.errors import UserError
from vmferry.model.storage import Place, SourceVolumes, Storage, StorageWish

F = TypeVar("F", bound=Callable[..., Any])


class Disks(click.ParamType):  # type: ignore[type-arg]  # a class of its own type only since click 8.3
    """`vda,vdb`, to a tuple."""

    name = "disks"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        if isinstance(value, tuple):
            return value
        names = tuple(dict.fromkeys(word.strip() for word in str(value).split(",")))
        if not all(names):
            self.fail(f"{value!r} is no list of disks as vda,vdb", param, ctx)
        return names


class PlaceType(click.ParamType):  # type: ignore[type-arg]
    """`vda=POOL:FORMAT`."""

    name = "place"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Place:
        from vmferry.rules.copies import place_of

        if isinstance(value, Place):
            return value
        try:
            return place_of(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


WHERE = (
    click.option(
        "--storage",
        type=click.Choice([each.value for each in Storage]),
        help="auto: disks that both hosts share stay, those that only the source has are copied; shared: all stay; "
        "copy: all that are not shared are copied.",
    ),
    click.option(
        "--disk",
        "places",
        type=PlaceType(),
        multiple=True,
        metavar="DISK=POOL[:FORMAT]",
        help="Copy it into that pool of the target, as raw or qcow2; repeatable.",
    ),
    click.option("--migrate-disks", type=Disks(), metavar="DISK[,DISK]", help="Copy these and no others."),
    click.option(
        "--onto-existing",
        type=Disks(),
        metavar="DISK[,DISK]",
        help="Write over the images of that name which the target has already.",
    ),
)
HOW = (
    click.option("--storage-bandwidth", type=SIZE, metavar="BYTES_S", help="Of the disks together."),
    click.option(
        "--copy-storage-synchronous-writes",
        is_flag=True,
        help="The guest's writes wait for the target's from the start, not only once they come too fast.",
    ),
    click.option(
        "--source-volumes",
        type=click.Choice([each.value for each in SourceVolumes]),
        default=SourceVolumes.KEEP.value,
        show_default=True,
        help="What becomes of the source's images of copied disks, once the guest is verified on the target.",
    ),
)


def storage_options(command: F) -> F:
    """Which disks are copied, and where to: for `read_storage`."""
    return _with(command, WHERE)


def disk_copy_options(command: F) -> F:
    """The same, and how."""
    return _with(command, (*WHERE, *HOW))


def _with(command: F, options: tuple[Callable[[F], F], ...]) -> F:
    for option in reversed(options):
        command = option(command)
    return command


def read_storage(typed: Mapping[str, Any], definition: object = None) -> StorageWish:
    """Raises UserError where two of them contradict each other. `definition`: whether the user has given his own."""
    choice = None if typed["storage"] is None else Storage(typed["storage"])
    places, named = typed["places"], typed["migrate_disks"] or ()
    copied = bool(places or named or typed["onto_existing"])
    if choice is Storage.SHARED and copied:
        raise UserError("--storage shared copies no disk: drop it, or --disk, --migrate-disks and --onto-existing")
    twice = next((each.disk for each in places if sum(other.disk == each.disk for other in places) > 1), None)
    if twice is not None:
        raise UserError(f"--disk {twice}=... is given twice; a disk is copied to one place")
    if definition is not None and (copied or choice is Storage.COPY):
        raise UserError("a disk that is copied is written into the definition by vmferry: drop --xml, or the copies")
    return StorageWish(
        choice=choice,
        disks=named,
        places=places,
        onto_existing=typed["onto_existing"] or (),
        bandwidth_bytes_s=typed.get("storage_bandwidth"),
        synchronous=bool(typed.get("copy_storage_synchronous_writes")),
        source_volumes=SourceVolumes(typed.get("source_volumes") or SourceVolumes.KEEP),
    )
