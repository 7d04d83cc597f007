"""Labels in hundreds of thousands through the service: how many a second, and what a scrape takes.

Five models in two versions of ten classes, four workers. Receipts are issued here, with the
service's own keys, for predictions of the last eight days; they are sent in requests of many rows,
then of one row each.
"""

import json
import os
import random
import shutil
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import sqlalchemy as sa

from benchmarks import process
from benchmarks.child import ChildFailed
from benchmarks.contestants import ROOT
from benchmarks.kerasd import Kerasd, kerasd
from service.base.database import open_database
from service.quality.predicted import Kind, Shape, pack_classes
from service.quality.receipt import Receipts
from service.quality.receipt_keys import ReceiptKeys
from service.quality.store_keys import KeyStore

MODELS, VERSIONS, CLASSES, WORKERS = 5, (1, 2), 10, 4
ROWS = 100_000
MANY = 5000  # rows of a large request
SENDERS = 4
ONES = 2000  # requests of one row
DAYS = 8
ASKED = 24  # predictions of each version: enough that each worker has answered some
SCRAPES, FRESH = 40, 6
COMPILED_S, LOOK_S = 180.0, 0.2
STALE_S = 5.5  # after which a worker reads its windows anew
RIGHT = 0.9
SHAPE = Shape(Kind.CLASSES, CLASSES)

Claim = dict[str, object]


@dataclass(frozen=True, slots=True)
class Labels:
    """What one database came to; sizes in bytes, of the database before the rows and after."""

    database: str
    rows: int
    many_per_s: float
    ones_per_s: float
    one_ms: Sequence[float]
    before: int
    after: int
    scrape_ms: Sequence[float]
    fresh_ms: Sequence[float]
    series: int
    scrape_bytes: int
    others_cores: float

    @property
    def row_bytes(self) -> float:
        """What a labelled row takes."""
        return (self.after - self.before) / self.rows


def measure(top: Path, rows: int = ROWS, database_url: str = "") -> Labels:
    """Start the service on this database, or on SQLite, and measure. Raises ChildFailed."""
    repository, state = top / "models", top / "state"
    _furnish(repository)
    settings = {"workers": str(WORKERS)} | ({"database_url": database_url} if database_url else {})
    url = database_url or f"sqlite:///{state}/kerasd.sqlite"
    with kerasd(repository, state, top / "labels.log", settings) as service:
        engine = open_database(url)
        try:
            return _measure(service, engine, _claims(engine, repository, random.Random(7)), rows)
        finally:
            engine.dispose()


def _measure(
    service: Kerasd, engine: sa.Engine, claims: Iterator[tuple[str, Claim]], rows: int
) -> Labels:
    _ask_all(service)
    began, others = time.monotonic(), process.cpu_seconds_of_others(service.root)
    before = _size(engine)
    ones = min(ONES, rows // 10)
    many_per_s = _send_many(service, claims, rows - ones)
    ones_per_s, one_ms = _send_ones(service, claims, ones)
    after = _size(engine)
    scrape_ms, told = _scrape(service)
    fresh_ms = [_timed(lambda: _told(service), after_s=STALE_S) for _ in range(FRESH)]
    used = process.cpu_seconds_of_others(service.root) - others
    return Labels(
        engine.dialect.name, rows, many_per_s, ones_per_s, one_ms, before, after, scrape_ms,
        fresh_ms, sum(not line.startswith(b"#") for line in told.splitlines()), len(told),
        used / (time.monotonic() - began),
    )  # fmt: skip


def _furnish(repository: Path) -> None:
    """One file under five names, in two versions each: compiled once."""
    source = ROOT / "model_repo" / "digits"
    for number in range(MODELS):
        model = repository / f"digits{number}"
        for version in VERSIONS:
            shutil.copytree(source / "1", model / str(version))
        config = (source / "model.yaml").read_text()
        (model / "model.yaml").write_text(f"{config}\nversion_policy: all\n")


def _claims(
    engine: sa.Engine, repository: Path, draw: random.Random
) -> Iterator[tuple[str, Claim]]:
    """Model and row for ever: labels of predictions of one row each, nine in ten of them right."""
    keys = ReceiptKeys(KeyStore(engine))
    keys.refresh()
    clock = [time.time()]
    receipts = Receipts(keys, str(repository.absolute()), lambda: clock[0])
    issuers = [
        (f"digits{number}", receipts.issuer(f"digits{number}", version, SHAPE))
        for number in range(MODELS)
        for version in VERSIONS
    ]
    now = time.time()
    while True:
        model, issuer = draw.choice(issuers)
        clock[0] = now - draw.random() * DAYS * 86400
        said, score = draw.randrange(CLASSES), 0.5 + draw.random() / 2
        issued = issuer.issue(pack_classes(CLASSES, np.array([said]), np.array([score])), 1)
        if issued is None:
            raise ChildFailed("the service has made no key of receipts")
        true = said if draw.random() < RIGHT else draw.randrange(CLASSES)
        yield model, {"prediction_id": issued.id, "label": str(true)}


def _ask_all(service: Kerasd) -> None:
    body = (ROOT / "model_repo" / "digits" / "examples.json").read_bytes()
    for number in range(MODELS):
        for version in VERSIONS * ASKED:
            path = f"/v1/models/digits{number}/versions/{version}:predict"
            _check(_patiently(service, path, body))


def _patiently(service: Kerasd, path: str, body: bytes) -> tuple[int, bytes]:
    """The answer of a version that may still be compiled."""
    deadline = time.monotonic() + COMPILED_S
    while True:
        answer = service.call("POST", path, body)
        if answer[0] != 503 or time.monotonic() > deadline:
            return answer
        time.sleep(LOOK_S)


def _send_many(service: Kerasd, claims: Iterator[tuple[str, Claim]], rows: int) -> float:
    """Rows a second of large requests; making them isn't counted."""
    waiting: dict[str, list[Claim]] = {}
    bodies: list[tuple[str, bytes]] = []
    for model, claim in islice(claims, rows):
        waiting.setdefault(model, []).append(claim)
        if len(waiting[model]) == MANY:
            bodies.append((model, json.dumps({"feedback": waiting.pop(model)}).encode()))
    bodies += [(model, json.dumps({"feedback": left}).encode()) for model, left in waiting.items()]
    took_ms = _timed(lambda: _send(service, bodies))
    return rows / took_ms * 1000


def _send_ones(
    service: Kerasd, claims: Iterator[tuple[str, Claim]], requests: int
) -> tuple[float, list[float]]:
    """Requests a second of one row each, and how long each took."""
    bodies = [
        (model, json.dumps({"feedback": [claim]}).encode())
        for model, claim in islice(claims, requests)
    ]
    times: list[float] = []
    took_ms = _timed(lambda: times.extend(_send(service, bodies)))
    return requests / took_ms * 1000, times


def _send(service: Kerasd, bodies: Sequence[tuple[str, bytes]]) -> list[float]:
    """By several clients at once; the times in milliseconds. Raises ChildFailed."""

    def post(one: tuple[str, bytes]) -> float:
        model, body = one

        def ask() -> None:
            answer = _check(service.call("POST", f"/v1/models/{model}:feedback", body))
            record = json.loads(answer)
            if record["outcomes"] != {"accepted": record["rows"]}:
                raise ChildFailed(f"labels were refused: {record['outcomes']}")

        return _timed(ask)

    with ThreadPoolExecutor(SENDERS) as threads:
        return list(threads.map(post, bodies))


def _scrape(service: Kerasd) -> tuple[list[float], bytes]:
    """Scrapes in a row, after each worker has had some, and what is told."""
    for _ in range(SCRAPES // 2):
        _told(service)
    return [_timed(lambda: _told(service)) for _ in range(SCRAPES)], _told(service)


def _told(service: Kerasd) -> bytes:
    return _check(service.call("GET", "/metrics"))


def _timed(work: Callable[[], object], after_s: float = 0.0) -> float:
    time.sleep(after_s)
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


def _check(answer: tuple[int, bytes]) -> bytes:
    status, body = answer
    if status != 200:
        raise ChildFailed(f"status {status}: {body[:300]!r}")
    return body


def _size(engine: sa.Engine) -> int:
    """Bytes of the whole database."""
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            size = sa.func.pg_database_size(sa.func.current_database())
            return int(connection.execute(sa.select(size)).scalar_one())
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    return os.stat(str(engine.url.database)).st_size


def spread(ms: Sequence[float]) -> tuple[float, float]:
    """Median and maximum."""
    return statistics.median(ms), max(ms)
