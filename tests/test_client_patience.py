"""How long who waits for a job bears that nobody answers."""

import pytest

from service.base.errors import ServiceRefused, ServiceUnreachable
from service.client_patience import PAUSE_S, Patience, patiently

AWAY = ServiceUnreachable("http://here", "ConnectionError")


class Clock:
    """Goes on by pauses alone."""

    def __init__(self) -> None:
        self.now = 1000.0

    def pause(self, lasts_s: float) -> None:
        self.now += lasts_s

    def patience(self, lasts_s: float) -> Patience:
        return Patience(lasts_s, lambda: self.now, self.pause)


@pytest.mark.parametrize(
    "error", [AWAY, *(ServiceRefused(status, "away") for status in (502, 503, 504))], ids=str
)
def test_patience_lasts_from_the_first_error_after_an_answer(
    error: ServiceUnreachable | ServiceRefused,
) -> None:
    clock = Clock()
    patience = clock.patience(lasts_s=2 * PAUSE_S)
    for _ in range(2):
        clock.now += 500  # all was quiet
        patience.bear(error)
        patience.bear(error)
        with pytest.raises(type(error)):
            patience.bear(error)
        patience.heard()
    assert clock.now == 2000 + 4 * PAUSE_S


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 500])
def test_what_the_service_refuses_is_raised_at_once(status: int) -> None:
    with pytest.raises(ServiceRefused):
        Clock().patience(lasts_s=100).bear(ServiceRefused(status, "no"))


def test_without_patience_an_absence_is_raised_at_once() -> None:
    def ask() -> None:
        raise AWAY

    with pytest.raises(ServiceUnreachable):
        patiently(ask, 0)
