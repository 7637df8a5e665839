from __future__ import annotations

import json
from ipaddress import IPv4Network

import pytest

from vmferry.errors import UserError
from vmferry.lab import network
from vmferry.lab.layout import layout_of_environment
from vmferry.lab.network import cable_commands, host_commands, mac, machine_commands, parse_rate, shape_arguments
from vmferry.lab.plan import make_plan

PLAN = make_plan("lab", 8, False, [])


@pytest.mark.parametrize(
    ("text", "bits_s"), [("200mbit", 200_000_000), ("1Gbit", 10**9), ("64kbit", 64_000), ("9600bit", 9600)]
)
def test_rates(text: str, bits_s: int) -> None:
    assert parse_rate(text) == bits_s


@pytest.mark.parametrize("text", ["", "0mbit", "200", "200mb", "-1mbit", "1e3mbit", "200mbit burst 1", "9999999gbit"])
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="is no rate"):
        parse_rate(text)


@pytest.mark.parametrize("rate_bits_s", [64_000, 200_000_000, 10**10])
def test_the_bucket_holds_a_whole_segment(rate_bits_s: int) -> None:
    arguments = shape_arguments("mig0", rate_bits_s)
    assert int(arguments[arguments.index("burst") + 1]) >= 65_536
    assert f"{rate_bits_s}bit" in arguments


def test_names_of_links_fit_into_the_kernels_fifteen_characters() -> None:
    layout = layout_of_environment({"VMFERRY_LAB": "a123456789"})
    commands = machine_commands(layout, PLAN).splitlines()
    for host in PLAN.hosts:
        commands += cable_commands(layout.namespace(host.name), host)
    names = [line.split()[2] for line in commands if line.startswith("link add")]
    assert len(names) == len(set(names)) == 2 * len(PLAN.hypervisors) + 2
    assert all(len(name) <= 15 for name in names)


def test_addresses_of_cards_are_stable_local_and_distinct() -> None:
    addresses = [mac(host.address) for host in PLAN.hosts] + [mac(host.migration_address) for host in PLAN.hypervisors]
    assert len(set(addresses)) == len(addresses)
    assert all(address.startswith("02:") for address in addresses)
    assert mac("10.213.0.11") == "02:76:0a:d5:00:0b"


def test_the_storage_host_is_not_on_the_migration_network() -> None:
    commands = [*cable_commands("ns", PLAN.storage), *host_commands(PLAN.storage)]
    assert not any("mig" in command for command in commands)
    assert f"addr add {PLAN.storage.address}/24 dev br0" in commands


def test_a_default_route_in_two_halves_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = [{"dst": dst} for dst in ("default", "0.0.0.0/1", "128.0.0.0/1", "10.8.0.0/24", "10.9.0.1")]
    monkeypatch.setattr(network, "run", lambda *_: json.dumps(listed))
    assert network.routes() == [IPv4Network("10.8.0.0/24"), IPv4Network("10.9.0.1/32")]
