"""The definition that a target gets: how it differs from the source's, and what the guest has there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from vmferry.facts.guest import GuestFacts
from vmferry.facts.move import MoveFacts
from vmferry.model.guest import Disk
from vmferry.model.storage import DiskCopy
from vmferry.placement.elsewhere import edited
from vmferry.rules.copies import copies
from vmferry.xml.diff import definition_diff
from vmferry.xml.disks import disks
from vmferry.xml.parse import BadXml, parse
from vmferry.xml.placing import placed, with_their_sources
from vmferry.xml.rewrite import rewritten


def target_diff(move: MoveFacts) -> str:
    """A unified diff from the source's definition to the target's; empty where the target's is the same."""
    facts, given = move.guest, move.wish.definition
    if given is None and not move.target.edits and not copies(move):
        return ""
    before = facts.migratable_xml or facts.live_xml
    try:
        after = rewritten(before, move.target.edits, facts.live_xml) if given is None else given
        after = placed(after, copies(move), running=True)
        return definition_diff(before, after, f"{move.source.name}/{facts.guest.name}", move.target.host.name)
    except BadXml:  # a rule speaks of it
        return ""


def arriving(move: MoveFacts) -> GuestFacts:
    """The guest as the target will have it: with the sources of its disks there."""
    guest = move.guest.guest
    there = tuple(_copied(edited(disk, move.target.edits), copies(move)) for disk in guest.disks)
    if move.wish.definition is not None:
        given = {disk.target: disk for disk in disks(parse(move.wish.definition, "the given definition"))}
        there = tuple(_as_given(disk, given.get(disk.target)) for disk in there)
    return replace(move.guest, guest=replace(guest, disks=there))


def kept_disks(move: MoveFacts) -> tuple[tuple[str, str | None], ...] | None:
    """(target, source) of the disks in the definition that the target will keep; None: it cannot be read."""
    if move.guest.inactive_xml is None:
        return None
    try:
        found = disks(parse(move.guest.inactive_xml, "the definition that is kept"))
        made = with_their_sources(copies(move), move.guest.inactive_xml)
    except BadXml:
        return None
    return tuple((disk.target, _copied(edited(disk, move.target.edits), made).source) for disk in found)


def _copied(disk: Disk, made: Sequence[DiskCopy]) -> Disk:
    copy = next((each for each in made if each.disk == disk.target and each.pool is not None), None)
    return disk if copy is None else replace(disk, kind="file", source=copy.path, format=copy.format)


def _as_given(disk: Disk, given: Disk | None) -> Disk:
    return disk if given is None else replace(disk, kind=given.kind, source=given.source)
