from __future__ import annotations

import pytest

from vmferry.hosts.icmp import checksum
from vmferry.hosts.silence import Silence


@pytest.mark.parametrize(
    ("answered", "ended_s", "expected"),
    [
        (range(50), 1.0, 20),
        ([*range(10), *range(25, 50)], 1.0, 320),
        (range(10), 1.0, 820),
        ([], 1.0, None),
        (range(20, 50), 1.0, 20),
        ([3, 2, 1, 0, 99], 0.08, 20),
    ],
    ids=["none lost", "a gap", "silent at the end", "never answered", "not there at first", "late and unknown replies"],
)
def test_the_longest_silence(answered: list[int], ended_s: float, expected: int | None) -> None:
    silence = Silence()
    for sequence in range(50):
        silence.sent(sequence, sequence * 0.02)
    for sequence in answered:
        silence.answered(sequence)
    assert silence.longest_ms(ended_s) == expected


def test_sequence_numbers_may_wrap() -> None:
    silence = Silence()
    for sequence in range(65_530, 65_550):
        silence.sent(sequence, sequence * 0.02)
        silence.answered(sequence & 0xFFFF)
    assert silence.longest_ms(65_550 * 0.02) == 20


def test_a_packet_with_its_checksum_sums_to_nothing() -> None:
    bare = bytes.fromhex("08000000123400ff")
    whole = bare[:2] + checksum(bare).to_bytes(2, "big") + bare[4:]
    assert checksum(whole) == 0


def test_it_is_complete_once_the_last_echo_is_answered() -> None:
    silence = Silence()
    assert silence.complete
    for sequence in range(3):
        silence.sent(sequence, 1 + sequence * 0.02)
    assert not silence.complete
    silence.answered(1)
    assert not silence.complete
    silence.answered(2)
    assert silence.complete, "what was lost before the last answer does not come any more"
