from __future__ import annotations

import pytest

from vmferry.model.units import format_bytes, format_duration, format_rate, parse_bit_rate, parse_bytes


@pytest.mark.parametrize(
    ("text", "size"),
    [("0", 0), ("1048576", 1 << 20), ("512MiB", 512 << 20), ("20MB", 20_000_000), ("1.5 GiB", 3 << 29), ("7B/s", 7)],
)
def test_sizes(text: str, size: int) -> None:
    assert parse_bytes(text) == size


@pytest.mark.parametrize("text", ["", "fast", "-1", "5 mib", "5Mb", "1e3", "nan", "9999999TiB"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(ValueError, match="is"):
        parse_bytes(text)


def test_bit_rates() -> None:
    assert parse_bit_rate("200mbit") == 200_000_000
    assert parse_bit_rate("10Gbit/s") == 10_000_000_000
    assert parse_bit_rate("64kbit") == 64_000
    for text in ("", "0mbit", "200", "200MB", "-1gbit"):
        with pytest.raises(ValueError, match="is no rate"):
            parse_bit_rate(text)


def test_how_people_read_them() -> None:
    assert [format_bytes(size) for size in (0, 999, 1000, 5 << 20, 1 << 30, 3 << 42)] == [
        "0 B",
        "999 B",
        "0.98 KiB",
        "5.00 MiB",
        "1.00 GiB",
        "12.0 TiB",
    ]
    assert format_rate(125_000_000) == "119 MiB/s"
    assert [format_duration(seconds) for seconds in (0.045, 2.14, 200)] == ["45 ms", "2.1 s", "3 min 20 s"]
