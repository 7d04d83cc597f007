"""How a rate is written."""

import pytest

from service.base.rate import Rate, parse_rate


@pytest.mark.parametrize(
    ("text", "rate", "interval_ns"),
    [
        ("100/s", Rate(100, 1), 10_000_000),
        ("600/m", Rate(600, 60), 100_000_000),
        ("1/h", Rate(1, 3600), 3_600_000_000_000),
    ],
)
def test_a_rate_is_read_and_written(text: str, rate: Rate, interval_ns: int) -> None:
    assert parse_rate(text) == rate
    assert str(rate) == text
    assert rate.interval_ns == interval_ns


@pytest.mark.parametrize(
    "text", ["", "0/s", "-1/s", "1", "1/d", "1.5/s", "100 / s", "99999999/s", "١/s", "1/s\n"]
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="100/s"):
        parse_rate(text)
