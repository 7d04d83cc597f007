"""What is counted of canaries and shadows, beside what every version counts of its own answers."""

from collections import Counter

from service.base.metrics import (
    CANARY_REQUESTS,
    SHADOW_DIFFERENCE,
    SHADOW_DURATION,
    SHADOW_REQUESTS,
    SHADOW_ROWS,
)
from service.runtime.asked import Key
from service.web.agreement import Agreement

Arm = tuple[str, int, str]  # model, the version that got the request, `canary` or `current`


def count_arms(arms: list[Arm]) -> None:
    """Requests that a canary might have got, gathered: they are on the way of every answer."""
    for (model, version, arm), requests in Counter(arms).items():
        CANARY_REQUESTS.labels(model, str(version), arm).inc(requests)


def count_dropped(keys: list[Key]) -> None:
    """Copies that nobody took, gathered: they are many when a shadow is slow."""
    for key, requests in Counter(keys).items():
        count_outcome(key, "dropped", requests)


def count_outcome(key: Key, outcome: str, requests: int = 1) -> None:
    """Copies that ended so: compared, dropped, failed or incompatible."""
    model, version = key
    SHADOW_REQUESTS.labels(model, str(version), outcome).inc(requests)


def count_agreement(key: Key, agreement: Agreement) -> None:
    """The rows of one comparison."""
    model, version = key[0], str(key[1])
    differing = agreement.rows - agreement.agreeing
    for agrees, rows in (("true", agreement.agreeing), ("false", differing)):
        if rows:
            SHADOW_ROWS.labels(model, version, agrees).inc(rows)
    if agreement.largest is not None:
        SHADOW_DIFFERENCE.labels(model, version).observe(agreement.largest)


def observe_run(key: Key, took_s: float) -> None:
    """One run of a shadow version."""
    SHADOW_DURATION.labels(key[0], str(key[1])).observe(took_s)
