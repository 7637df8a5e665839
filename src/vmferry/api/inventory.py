"""`/hosts` and `/guests`: the inventory, as it was last seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from vmferry.api.acting import Acting
from vmferry.api.answers import NULLABLE, TEXT, answer, many, ref, shape, told
from vmferry.api.gate import Admin, Here, Viewer
from vmferry.errors import Unknown
from vmferry.model.finding import Finding
from vmferry.model.guest import Guest
from vmferry.model.host import Host, HostEntry
from vmferry.service.check import check_hosts
from vmferry.service.documents import hosts_document
from vmferry.service.fleet import unknown_host
from vmferry.service.inventory import add_host, find_among, remove_host
from vmferry.service.inventory import list_hosts as ask_hosts
from vmferry.service.roll import Seen

router = APIRouter(tags=["inventory"])

Name = Annotated[str, Path(min_length=1, max_length=255, examples=["h1"])]
Limit = Annotated[int, Query(ge=1, le=1000, description="So many at the most.")]
AT = {"type": "string", "format": "date-time", "description": "When the hosts were asked"}
HOST_EXAMPLE: dict[str, Any] = {
    "name": "h1", "uri": "qemu+ssh://root@h1/system", "state": "ready", "release": "Debian GNU/Linux 12 (bookworm)",
    "libvirt": "9.0.0", "qemu": "7.2.22", "memory_bytes": 137438953472, "cpus": 32, "guests": 14, "problem": None,
}  # fmt: skip
HOSTS = shape({"hosts": many(ref(Host))}, {"seen_at": AT, "removed": many(TEXT)})
GUESTS = shape({"guests": many(ref(Guest))}, {"seen_at": AT, "next": NULLABLE, "unreachable": many({"type": "object"})})


class NewHost(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = Field(max_length=255, examples=["h1"])
    uri: str = Field(max_length=2000, examples=["qemu+ssh://root@h1/system"])
    peer_uri: str | None = Field(None, max_length=2000, description="How the other hosts reach its libvirt.")
    migration_address: str | None = Field(None, max_length=255, description="Its address on the migration network.")
    migration_rate_bytes_s: int | None = Field(None, ge=1, le=1 << 53, description="What its link there carries.")


@router.get("/hosts", responses=told(HOSTS, {"hosts": [HOST_EXAMPLE]}))
def list_hosts(site: Here, caller: Viewer) -> Response:
    """All hosts. What is told of them is as old as `seen_at` says."""
    seen = site.roll.seen()
    return answer({"hosts": seen.hosts, "seen_at": seen.at})


@router.get("/hosts/{host}", responses=told(HOSTS, {"hosts": [HOST_EXAMPLE]}))
def show_host(site: Here, caller: Viewer, host: Name) -> Response:
    """One host."""
    seen = site.roll.seen()
    found = [each for each in seen.hosts if each.name == host]
    if not found:
        raise unknown_host(host, [each.name for each in seen.hosts])
    return answer({"hosts": found, "seen_at": seen.at})


@router.post("/hosts", status_code=201, responses=told(HOSTS, {"hosts": [HOST_EXAMPLE]}, 201))
def add(site: Here, caller: Admin, request: Request, new: NewHost) -> Response:
    """Add a host. It is added also where it does not answer right now; its state says so."""
    entry = HostEntry(
        new.name, new.uri, new.peer_uri, new.migration_address, migration_rate_bytes_s=new.migration_rate_bytes_s
    )

    def work() -> Response:
        add_host(entry, site.declared, site.tools.store)
        site.roll.want()
        with site.open_fleet((entry,)) as fleet:
            return answer({"hosts": ask_hosts(fleet)}, 201)

    return Acting(site, caller, request, "host add", new.name, new.model_dump()).carry_out(work)


@router.delete("/hosts/{host}", responses=told(HOSTS))
def remove(site: Here, caller: Admin, request: Request, host: Name) -> Response:
    """Forget a host. Nothing is changed on it."""

    def work() -> Response:
        remove_host(host, site.declared, site.tools.store)
        site.roll.want()
        return answer({"hosts": [], "removed": [host]})

    return Acting(site, caller, request, "host remove", host).carry_out(work)


@router.get(
    "/hosts/{host}/check",
    responses=told(shape({"hosts": many({"type": "object"}), "findings": many(ref(Finding))})),
)
def check_host(site: Here, caller: Viewer, host: Name) -> Response:
    """All that can be said of a host whatever the guest; it is asked now."""
    with site.fleet() as fleet:
        facts = fleet.host(host).facts()
    return answer(hosts_document(check_hosts([facts], site.standing.policy)))


@router.get("/guests", responses=told(GUESTS))
def list_guests(
    site: Here,
    caller: Viewer,
    host: Annotated[str | None, Query(max_length=255, description="Only those of this host.")] = None,
    name: Annotated[str | None, Query(max_length=255, description="Only those with this in their name.")] = None,
    limit: Limit = 100,
    after: Annotated[str | None, Query(max_length=600, description="`next` of the page before.")] = None,
) -> Response:
    """Guests by name, then host. `next` is there where there are more."""
    seen = site.roll.seen()
    found = [
        each
        for each in seen.guests
        if host in (None, each.host) and (name is None or name in each.name) and (after is None or _place(each) > after)
    ]
    page = found[:limit]
    silent = [{"host": each.name, "problem": each.problem} for each in seen.hosts if each.problem is not None]
    more = _place(page[-1]) if len(found) > limit else None
    return answer({"guests": page, "unreachable": silent, "seen_at": seen.at, "next": more})


def _place(guest: Guest) -> str:
    return f"{guest.name}\n{guest.host}"


@router.get("/guests/{guest}", responses=told(GUESTS))
def show_guest(site: Here, caller: Viewer, guest: Name) -> Response:
    """One guest, by its name or UUID."""
    seen = site.roll.seen()
    return answer({"guests": guests_named(seen, guest), "seen_at": seen.at})


def guests_named(seen: Seen, name: str) -> Sequence[Guest]:
    """Or with that UUID; several where several hosts have it. Raises Unknown."""
    found = find_among(seen.guests, name)
    if not found:
        raise Unknown(f"there is no guest {name!a} on any host that answered at {seen.at}")
    return found
