from __future__ import annotations

import json
from ipaddress import IPv4Address, IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmferry.errors import Failed, UserError
from vmferry.lab.plan import BOOKWORM, TRIXIE, free_subnets, make_plan
from vmferry.lab.state import LabState, Phase, Versions, decode, encode

TEN = IPv4Network("10.0.0.0/8")
EVERYTHING = [TEN, *map(IPv4Network, ("172.16.0.0/12", "192.168.0.0/16", "198.18.0.0/15"))]
NETWORKS = st.builds(
    lambda address, bits: IPv4Network((address, bits), strict=False),
    st.integers(int(IPv4Address("10.213.0.0")), int(IPv4Address("10.213.20.255"))),
    st.integers(20, 32),
)


def test_hosts_have_the_names_and_addresses_that_others_rely_on() -> None:
    plan = make_plan("lab", 3, False, [])
    assert [host.name for host in plan.hosts] == ["h1", "h2", "h3", "storage"]
    assert [host.address for host in plan.hosts] == ["10.213.0.11", "10.213.0.12", "10.213.0.13", "10.213.0.2"]
    assert [host.migration_address for host in plan.hosts] == ["10.213.1.11", "10.213.1.12", "10.213.1.13", ""]
    assert (plan.machine_address, plan.guest_address(0)) == ("10.213.0.1", "10.213.0.101")


def test_mixed_makes_the_last_hypervisor_the_older_one() -> None:
    plan = make_plan("lab", 3, True, [])
    assert [host.release for host in plan.hosts] == [TRIXIE, TRIXIE, BOOKWORM, TRIXIE]
    assert plan.mixed
    assert plan.releases == (TRIXIE, BOOKWORM)


@pytest.mark.parametrize(("hosts", "mixed"), [(0, False), (9, False), (1, True)])
def test_impossible_labs_are_refused(hosts: int, mixed: bool) -> None:
    with pytest.raises(UserError):
        make_plan("lab", hosts, mixed, [])


@given(st.lists(NETWORKS, max_size=20))
def test_free_subnets_overlap_no_route(routes: list[IPv4Network]) -> None:
    lab, migration = free_subnets(routes)
    assert not lab.overlaps(migration)
    assert not any(route.overlaps(subnet) for route in routes for subnet in (lab, migration))


def test_no_free_subnet_is_said() -> None:
    with pytest.raises(Failed, match=r"no free subnet: routes of the machine \(10\.0\.0\.0/8, "):
        free_subnets(EVERYTHING)


@pytest.mark.parametrize("number", range(1, len(EVERYTHING)))
def test_a_vpn_over_all_of_one_private_network_leaves_the_next(number: int) -> None:
    assert all(subnet.subnet_of(EVERYTHING[number]) for subnet in free_subnets(EVERYTHING[:number]))


def test_an_unknown_host_is_answered_with_the_names_there_are() -> None:
    with pytest.raises(UserError, match=r"no host 'h7'.* h1, h2, storage"):
        make_plan("lab", 2, False, []).host("h7")


@pytest.mark.parametrize("mixed", [False, True])
def test_state_survives_being_written_and_read(mixed: bool) -> None:
    plan = make_plan("lab", 2, mixed, [])
    state = LabState(plan, Phase.UP, "boot", {"h1": Versions("11.3.0", "10.0.2")})
    assert decode(json.loads(json.dumps(encode(state)))) == state
