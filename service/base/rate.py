"""How often somebody may ask: `100/s`, `600/m`, `5000/h`."""

import re
from dataclasses import dataclass

PERIODS_S = {"s": 1, "m": 60, "h": 3600}
TEXT = re.compile(r"([1-9][0-9]{0,6})/([smh])")
NANOSECONDS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `count` requests at once; what was used comes back evenly over `period_s`."""

    count: int
    period_s: int

    @property
    def interval_ns(self) -> int:
        """After how long one more request is allowed."""
        return max(1, self.period_s * NANOSECONDS // self.count)

    @property
    def period_ns(self) -> int:
        """After how long all of them are allowed again."""
        return self.period_s * NANOSECONDS

    def __str__(self) -> str:
        unit = next(unit for unit, seconds in PERIODS_S.items() if seconds == self.period_s)
        return f"{self.count}/{unit}"


def parse_rate(text: str) -> Rate:
    """Read a rate. Raises ValueError."""
    match = TEXT.fullmatch(text)
    if match is None:
        raise ValueError("expected a rate such as 100/s, 600/m or 5000/h")
    return Rate(int(match[1]), PERIODS_S[match[2]])
