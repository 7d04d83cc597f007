"""What a request for feedback carries: rows as JSON, as NDJSON or as CSV, each on its own.

A row that can't be read doesn't spoil the others: it becomes a claim that nothing answers to, and
why stands beside it.
"""

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import orjson

from service.base.errors import JsonInvalid, RequestInvalid
from service.base.strict_json import Json
from service.quality.feedback import Claim

MAX_ROWS = 20_000
MAX_SHOWN = 60
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
KEYS = frozenset({"prediction_id", "label"})
FORMS = "{'feedback': [...]}, or {'instances': [...], 'labels': [...]}"


class Form(Enum):
    """How the rows are written."""

    JSON = "json"
    NDJSON = "ndjson"
    CSV = "csv"


MEDIA_TYPES = {
    "application/x-ndjson": Form.NDJSON,
    "application/ndjson": Form.NDJSON,
    "application/jsonl": Form.NDJSON,
    "text/csv": Form.CSV,
}


@dataclass(slots=True)
class Sent:
    """The rows in their order; `faults` says of those that can't be read why, by number from 0."""

    claims: list[Claim] = field(default_factory=list)
    faults: dict[int, str] = field(default_factory=dict)

    def add(self, record: Any) -> None:
        """One row more, as JSON has it."""
        fault = _fault(record)
        if fault:
            self.refuse(fault)
        else:
            self.claims.append(Claim(record["prediction_id"], record["label"]))

    def refuse(self, why: str) -> None:
        """One row more, which can't be read; no prediction has an empty id."""
        self.faults[len(self.claims)] = why
        self.claims.append(Claim("", None))


@dataclass(frozen=True, slots=True)
class Unpredicted:
    """Instances that are yet to be predicted, and a label for each."""

    instances: list[Any]
    labels: list[Any]


def form_of(content_type: str) -> Form:
    """JSON, unless the content type names another form."""
    return MEDIA_TYPES.get(content_type.partition(";")[0].strip().lower(), Form.JSON)


def read(content: bytes, form: Form) -> Sent | Unpredicted:
    """The rows of a body. Raises RequestInvalid for one that can't be read, or has too many."""
    text = content.removeprefix(BYTE_ORDER_MARK)
    if form is Form.CSV:
        return read_csv(text)
    if form is Form.NDJSON:
        return read_ndjson(text)
    record = read_object(text)
    if set(record) == {"instances", "labels"}:
        return _unpredicted(record)
    if set(record) != {"feedback"}:
        raise RequestInvalid(f"the body: expected {FORMS}, got the keys {_names(record)}")
    rows = record["feedback"]
    if not isinstance(rows, list):
        raise RequestInvalid("feedback: expected a list of rows")
    check_count(len(rows))
    sent = Sent()
    for row in rows:
        sent.add(row)
    return sent


def read_ndjson(text: bytes, most: int = MAX_ROWS) -> Sent:
    """A JSON object on each line; empty lines are none."""
    lines = [line for line in text.splitlines() if line.strip()]
    check_count(len(lines), most)
    sent = Sent()
    for line in lines:
        try:
            sent.add(orjson.loads(line))
        except orjson.JSONDecodeError as error:
            sent.refuse(f"The line is no JSON: {error.msg}")
    return sent


def read_csv(content: bytes, most: int = MAX_ROWS) -> Sent:
    """A head with `prediction_id` and `label`, then a row on each line.

    A label that is a list is written as JSON.
    """
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise RequestInvalid(f"the body: expected UTF-8, got another byte at {error.start}") from (
            error
        )
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    sent = Sent()
    try:
        head = [name.strip() for name in next(lines, [])]
        if sorted(head) != sorted(KEYS):
            raise RequestInvalid(
                "the body: expected a first line with prediction_id,label"
                f", got {','.join(head)[:MAX_SHOWN]!a}"
            )
        for cells in lines:
            if cells:
                _add_cells(sent, head, cells)
            check_count(len(sent.claims), most)
    except csv.Error as error:
        raise RequestInvalid(f"the body: line {lines.line_num} is no CSV: {error}") from error
    return sent


def read_object(text: bytes) -> Json:
    """A JSON object. Raises JsonInvalid or RequestInvalid."""
    try:
        record = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise JsonInvalid(error.msg, error.pos) from error
    if not isinstance(record, dict):
        raise RequestInvalid(f"the body: expected a JSON object, such as {FORMS}")
    return record


def check_count(rows: int, most: int = MAX_ROWS) -> None:
    """Refuse more rows than one request may have."""
    if rows > most:
        raise RequestInvalid(f"the body: expected at most {most} rows; send the others by another")


def _unpredicted(record: Json) -> Unpredicted:
    instances, labels = record["instances"], record["labels"]
    if not isinstance(instances, list) or not isinstance(labels, list):
        raise RequestInvalid("instances, labels: expected two lists")
    if len(instances) != len(labels):
        raise RequestInvalid(
            f"labels: expected one for each of {len(instances)} instances, got {len(labels)}"
        )
    check_count(len(labels))
    return Unpredicted(instances, labels)


def _add_cells(sent: Sent, head: list[str], cells: list[str]) -> None:
    if len(cells) != len(head):
        sent.refuse(f"The line has {len(cells)} cells, expected {len(head)}.")
        return
    row = dict(zip(head, cells, strict=True))
    sent.claims.append(Claim(row["prediction_id"].strip(), _label(row["label"])))


def _label(cell: str) -> Any:
    """The text; or a list, for a model that gives several labels or numbers."""
    if cell.startswith("["):
        try:
            return orjson.loads(cell)
        except orjson.JSONDecodeError:
            return cell
    return cell


def _fault(record: Any) -> str:
    """Why a row can't be read; empty if it can."""
    if not isinstance(record, dict):
        return "The row is no object with prediction_id and label."
    if set(record) != KEYS:
        return f"The row has the keys {_names(record)}, expected prediction_id and label."
    if not isinstance(record["prediction_id"], str):
        return "The prediction_id is no text."
    return ""


def _names(names: Iterable[str]) -> str:
    return ascii(", ".join(sorted(names))[:MAX_SHOWN]) if names else "none"
