"""docs/migration.md, made from the state table and the table of sightings by `script/pages`."""

from __future__ import annotations

from collections.abc import Iterator

from vmferry.flow.settle import TABLE as SETTLE
from vmferry.flow.sights import Sight
from vmferry.flow.states import AT_REST, TABLE, TERMINAL, Event, State

_HEAD = """\
# A migration, state by state

Made from `src/vmferry/flow/states.py` and `settle.py` by `script/pages`; a test fails when it is stale.

Each state does its work and says an event; the table says where that leads. Every effect on a host is written down
before it is made and again when it is over. From the copy on, no end of libvirt's own call is believed but a good one:
after everything else both hosts are asked who has the guest, and what they answer is the next event. *take over* is
said by whoever goes on with a job whose process died, and by `vmferry job repair`.
"""

_WITHOUT = (Event.CANCEL, Event.TAKE_OVER)
"""Every state at work has these two; they are in the table below the picture."""


def migration_page() -> str:
    return "\n".join([_HEAD, *_diagram(), "", *_states(), "", *_sightings(), ""])


def _diagram() -> Iterator[str]:
    yield "```mermaid\nstateDiagram-v2"
    yield f"    [*] --> {_name(State.PLANNED)}"
    for state, row in TABLE.items():
        for event, following in row.items():
            if event not in _WITHOUT and following is not state:
                yield f"    {_name(state)} --> {_name(following)}: {event}"
    yield from (f"    {_name(state)} --> [*]" for state in TABLE if state in TERMINAL)
    yield "```"


def _name(state: State) -> str:
    return state.replace("-", "_")


def _states() -> Iterator[str]:
    yield "| state | event and where it leads |\n|---|---|"
    for state, row in TABLE.items():
        cells = "; ".join(f"{event} → {_shown(following)}" for event, following in row.items())
        yield f"| {_shown(state)} | {cells or 'its end'} |"


def _shown(state: State) -> str:
    text = state.replace("_", " ")
    return f"**{text}**" if state in AT_REST else text


def _sightings() -> Iterator[str]:
    yield "## What two answers mean\n"
    yield "Of the source and of the target. *Believed*: how long both have to go on saying it before anything follows"
    yield "from it (at once; short: 2 s where nobody heard how libvirt's call ended; long: 30 s, since libvirt may be"
    yield "about to change it by itself).\n"
    yield "| source says | target says | event | believed | which means |\n|---|---|---|---|---|"
    for source, row in SETTLE.items():
        merged: dict[tuple[str, str, str], list[Sight]] = {}
        for target, cell in row.items():
            merged.setdefault((cell.event, cell.patience, cell.text), []).append(target)
        for (event, patience, text), targets in merged.items():
            meaning = text.format(source="*source*", target="*target*")
            yield f"| {source} | {', '.join(targets)} | {event} | {patience} | {meaning} |"
