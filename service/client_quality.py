"""The client's calls for quality: true labels are sent, and what they come to is read.

    with Client("http://localhost:8080") as client:
        client.feedback("digits", [(prediction_id, "3")])

To send a label again changes nothing, so that these are tried again like predictions.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any
from urllib.parse import quote, urlencode

import orjson

from service.base.strict_json import Json
from service.client_connection import Connection

ROWS_AT_ONCE = 5000  # some 100 ms of the service's database
IDS_AT_ONCE = 250


@dataclass(frozen=True, slots=True)
class RefusedLabel:
    """A row that wasn't kept: its place among those that were sent, from 0, and why."""

    row: int
    reason: str
    text: str


@dataclass(frozen=True, slots=True)
class Feedback:
    """What became of labels; `refused` lists the first hundred of each few thousand."""

    rows: int
    kept: int
    outcomes: dict[str, int]
    refused: tuple[RefusedLabel, ...]


@dataclass(frozen=True, slots=True)
class Forgotten:
    """How many predictions are forgotten, how many labelled rows went, and which ids are none."""

    forgotten: int
    labelled_rows: int
    refused: dict[str, str]


class QualityCalls(Connection):
    """What a client may do with labels."""

    def feedback(self, model: str, labels: Iterable[tuple[str, Any]]) -> Feedback:
        """Send true labels by prediction_id; row n of a batch is `<prediction_id>/n`.

        Those that are kept are on the service's disk when this returns. If it raises, some may be:
        sending all of them again is right.
        """
        rest = iter(labels)
        done = Feedback(0, 0, {}, ())
        while some := list(islice(rest, ROWS_AT_ONCE)):
            rows = [{"prediction_id": id_, "label": label} for id_, label in some]
            body = orjson.dumps({"feedback": rows}, option=orjson.OPT_SERIALIZE_NUMPY)
            done = _added(done, self.ask("POST", f"{_path(model)}:feedback", body))
        return done

    def forget(self, model: str, prediction_ids: Sequence[str], why: str = "") -> Forgotten:
        """Delete all that is kept of predictions; labels that come for them later are refused.

        `why` is a reason for the audit.
        """
        forgotten = labelled_rows = 0
        refused: dict[str, str] = {}
        for start in range(0, len(prediction_ids), IDS_AT_ONCE):
            some = list(prediction_ids[start : start + IDS_AT_ONCE])
            body = orjson.dumps({"prediction_ids": some} | ({"why": why} if why else {}))
            answer = self.ask("POST", f"{_path(model)}:forget", body)
            forgotten += answer["forgotten"]
            labelled_rows += answer["labelled_rows"]
            refused |= {one["prediction_id"]: one["text"] for one in answer["refused"]}
        return Forgotten(forgotten, labelled_rows, refused)

    def quality(self, model: str, window: str = "all", min_support: int = 1) -> Json:
        """How good each version is by the labels of predictions of 1h, 1d, 7d or all."""
        asked = urlencode({"window": window, "min_support": min_support})
        answer: Json = self.ask("GET", f"{_path(model)}/quality?{asked}")
        return answer


def _added(done: Feedback, answer: Json) -> Feedback:
    """What was sent before, and these rows."""
    outcomes = dict(done.outcomes)
    for outcome, rows in answer["outcomes"].items():
        outcomes[outcome] = outcomes.get(outcome, 0) + rows
    refused = tuple(
        RefusedLabel(done.rows + one["row"], one["reason"], one["text"])
        for one in answer["refused"]
    )
    return Feedback(
        done.rows + answer["rows"], done.kept + answer["kept"], outcomes, done.refused + refused
    )


def _path(model: str) -> str:
    return f"/v1/models/{quote(model, safe='')}"
