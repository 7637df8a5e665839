from __future__ import annotations

from vmferry.hosts.greeting import Greeting, read_greeting

LINES = (
    "release Debian GNU/Linux 13 (trixie)",
    "speed br0 10000",
    "speed mig0 1000",
    "speed lo -1",
    "address br0 10.0.0.11",
    "address mig0 10.0.1.11",
    "address lo 127.0.0.1",
)


def test_what_a_host_tells() -> None:
    assert read_greeting(LINES).release == "Debian GNU/Linux 13 (trixie)"


def test_the_rate_is_that_of_the_card_with_the_address() -> None:
    greeting = read_greeting(LINES)
    assert greeting.rate_bytes_s("10.0.1.11") == 125_000_000
    assert greeting.rate_bytes_s("127.0.0.1") is None
    assert greeting.rate_bytes_s("192.0.2.1") is None
    assert greeting.rate_bytes_s(None) is None


def test_a_host_without_a_shell_tells_nothing() -> None:
    assert read_greeting(()) == Greeting()
