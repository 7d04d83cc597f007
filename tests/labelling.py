"""A client that sends true labels until they are acknowledged, whatever happens to the service."""

from collections.abc import Sequence

import requests

from tests.running import wait_until

TIMEOUT_S = 20.0
PATIENCE_S = 120.0
PASSING = (429, 502, 503, 504)


class Labelling:
    """For one model; `attempts` counts requests, answered or not. Safe in threads."""

    def __init__(self, url: str, model: str) -> None:
        self._url = f"{url}/v1/models/{model}:feedback"
        self.attempts = 0

    def send(self, rows: Sequence[tuple[str, str]]) -> dict[str, int]:
        """What became of rows of a prediction's id and its label."""
        body = {"feedback": [{"prediction_id": name, "label": truth} for name, truth in rows]}
        found: list[dict[str, int]] = []

        def is_answered() -> bool:
            self.attempts += 1
            try:
                answer = requests.post(self._url, json=body, timeout=TIMEOUT_S)
            except (requests.ConnectionError, requests.Timeout):
                return False
            assert answer.status_code in (200, *PASSING), answer.text
            if answer.status_code == 200:
                found.append(answer.json()["outcomes"])
            return bool(found)

        wait_until(is_answered, "labels are acknowledged", PATIENCE_S)
        return found[0]
