"""PromQL as the panels write it: short names for the variables that every query is narrowed by."""

import re
from dataclasses import dataclass

# Rules have no instance: they are sums over all.
NARROWED = {
    "<target>": 'job=~"$job", instance=~"$instance"',
    "<model>": 'job=~"$job", instance=~"$instance", model=~"$model"',
    "<version>": 'job=~"$job", instance=~"$instance", model=~"$model", version=~"$version"',
    "<rule model>": 'job=~"$job", model=~"$model"',
    "<rule version>": 'job=~"$job", model=~"$model", version=~"$version"',
    "[rate]": "[$__rate_interval]",
    "[range]": "[$__range]",
}


@dataclass(frozen=True, slots=True)
class Query:
    """One query of a panel; `legend` names its series, `instant` asks for the newest value."""

    text: str
    legend: str = ""
    instant: bool = False
    heatmap: bool = False

    @property
    def expression(self) -> str:
        """With the variables of the dashboard written out, on one line."""
        text = " ".join(self.text.split())
        for short, long in NARROWED.items():
            text = text.replace(short, long)
        left = re.search(r"<[a-z ]+>", text)
        if left:
            raise ValueError(f"{left[0]} is no short name; there are {', '.join(NARROWED)}")
        return text


def share(part: str, whole: str) -> str:
    """A part of a whole: 0 while there is none of it, nothing while there is no whole."""
    return f"({part} or 0 * {whole}) / ({whole} > 0)"


def quantile(which: float, bucket: str, by: str, duration: str = "[rate]") -> str:
    """A quantile of a histogram that each process counts for itself."""
    return f"histogram_quantile({which}, sum by ({by}, le) (rate({bucket}{duration})))"


def arrived(counter: str, by: str, duration: str = "[range]") -> str:
    """Exact increase of a counter of the database: every replica tells it, and it never falls."""
    newest = f"max without (instance) (max_over_time({counter}{duration}))"
    first = f"min without (instance) (min_over_time({counter}{duration}))"
    return f"sum by ({by}) ({newest} - {first})"
