"""The workers' metric files, read as prometheus_client reads them itself."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest
from prometheus_client.mmap_dict import MmapedDict, mmap_key
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families

from service.base.metric_files import MetricFiles

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]
BOUNDS = ("0.1", "1.0", "+Inf")


class Worker:
    """Writes as one process of prometheus_client does."""

    def __init__(self, folder: Path, pid: int) -> None:
        self._folder = folder
        self._pid = pid

    def set(self, kind: str, sample: str, value: float, **labels: str) -> None:
        family = sample.removesuffix("_total").removesuffix("_sum").removesuffix("_bucket")
        path = self._folder / f"{kind}_{self._pid}.db"
        file = MmapedDict(str(path))  # type: ignore[no-untyped-call]
        key = mmap_key(family, sample, list(labels), list(labels.values()), f"What {family} is.")
        file.write_value(key, value, 0.0)  # type: ignore[no-untyped-call]
        file.close()  # type: ignore[no-untyped-call]

    def observe(self, sum_: float, counts: tuple[int, ...], **labels: str) -> None:
        self.set("histogram", "took_sum", sum_, **labels)
        for bound, count in zip(BOUNDS, counts, strict=True):
            self.set("histogram", "took_bucket", count, **{**labels, "le": bound})

    def die(self) -> None:
        (self._folder / f"gauge_livesum_{self._pid}.db").unlink()


def both(folder: Path, files: MetricFiles) -> tuple[Samples, Samples]:
    """What is told here and by prometheus_client; the same in both forms."""
    registry = CollectorRegistry()
    MultiProcessCollector(registry, str(folder))  # type: ignore[no-untyped-call]
    told = _parsed(text_string_to_metric_families, files.text(False))
    wanted = _parsed(text_string_to_metric_families, generate_latest(registry))
    assert _parsed(parse_openmetrics, files.text(True) + b"# EOF\n") == _parsed(
        parse_openmetrics,
        generate_openmetrics(registry),  # type: ignore[no-untyped-call]
    )
    return told, wanted


def _parsed(parse: Callable[..., object], text: bytes) -> Samples:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in parse(text.decode())  # type: ignore[attr-defined]
        for sample in family.samples
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "metrics").mkdir()
    return tmp_path / "metrics"


def _write(worker: Worker, factor: int) -> None:
    worker.set("counter", "asked_total", 3 * factor, model="m", version="1")
    worker.set("counter", "asked_total", 1e9 * factor, model="m", version="2")
    worker.set("counter", "started_total", 1)
    worker.set("gauge_livesum", "waiting", 2 * factor, model="m")
    worker.set("gauge_max", "last", 1.7e9 + factor, model="m")
    worker.observe(0.75 * factor, (1, 2 * factor, 3), model="m")
    worker.observe(0.0, (0, 0, 0))


def test_all_workers_are_summed_as_prometheus_client_sums_them(folder: Path) -> None:
    files = MetricFiles(folder)
    for pid in (1, 22, 333):
        _write(Worker(folder, pid), pid)

    told, wanted = both(folder, files)

    assert told == wanted
    assert told["asked_total", frozenset({("model", "m"), ("version", "1")})] == 3 * 356
    assert told["last", frozenset({("model", "m")})] == 1.7e9 + 333


def test_what_is_new_since_the_last_scrape_is_read_as_well(folder: Path) -> None:
    files, worker = MetricFiles(folder), Worker(folder, 1)
    assert both(folder, files) == ({}, {})
    for round_ in range(1, 4):
        worker.set("counter", "asked_total", round_, model=f"m{round_}")
        worker.set("counter", "asked_total", 10 * round_, model="m1")
        worker.observe(round_, (round_, 0, 0), model=f"m{round_}")
        Worker(folder, 10 + round_).set("counter", "asked_total", 5, model="m1")

        told, wanted = both(folder, files)

        assert told == wanted
        assert told["asked_total", frozenset({("model", "m1")})] == 10 * round_ + 5 * round_


def test_a_dead_workers_live_gauges_are_gone_and_its_counters_stay(folder: Path) -> None:
    files, dead, alive = MetricFiles(folder), Worker(folder, 1), Worker(folder, 2)
    _write(dead, 1)
    dead.set("gauge_livesum", "waiting", 1, model="only-there")
    _write(alive, 5)
    both(folder, files)
    dead.die()

    told, wanted = both(folder, files)

    assert told == wanted
    assert told["waiting", frozenset({("model", "m")})] == 10
    assert ("waiting", frozenset({("model", "only-there")})) not in told
    assert told["started_total", frozenset()] == 2


@pytest.mark.parametrize("length", range(1, 18))
def test_keys_of_every_length_are_found(folder: Path, length: int) -> None:
    worker = Worker(folder, 1)
    worker.set("counter", "asked_total", 7, model="m" * length)
    worker.set("counter", "asked_total", 8, model="n")

    told, wanted = both(folder, MetricFiles(folder))

    assert told == wanted
    assert sorted(told.values()) == [7, 8]


def test_a_file_that_goes_between_the_look_and_the_reading_is_left_out(folder: Path) -> None:
    """Those of a worker's live gauges are removed when it ends."""
    for pid in (1, 2):
        Worker(folder, pid).set("gauge_livesum", "waiting", pid)

    class Vanishing(type(folder)):  # type: ignore[misc]
        def glob(self, pattern: str) -> Iterator[Path]:
            found = sorted(super().glob(pattern))
            Worker(folder, 1).die()
            return iter(found)

    files = MetricFiles(Vanishing(folder))

    assert b"waiting 2.0" in files.text(False)


def test_some_families_of_one_model_are_those_of_prometheus_client(folder: Path) -> None:
    for pid in (1, 22, 333):
        _write(Worker(folder, pid), pid)
        Worker(folder, pid).observe(1.0, (pid, 0, 1), model="n", note='"model": "m"')
        Worker(folder, pid).set("counter", "asked_total", pid, model="n")
    registry = CollectorRegistry()
    MultiProcessCollector(registry, str(folder))  # type: ignore[no-untyped-call]
    names = ["asked", "took", "last", "unknown"]
    wanted = {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in registry.collect()
        for sample in family.samples
        if family.name in names and sample.labels.get("model") == "m"
    }

    told = MetricFiles(folder).families(names, "m")

    assert wanted
    assert {family.name: family.type for family in told} == {
        "asked": "counter",
        "took": "histogram",
        "last": "gauge",
    }
    assert wanted == {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in told
        for sample in family.samples
    }
    everything = MetricFiles(folder).families(names)
    assert sum(len(family.samples) for family in everything) > len(wanted)


def test_names_that_need_escaping_come_back(folder: Path) -> None:
    name = 'é "quoted" \\ back\nline'
    Worker(folder, 1).set("counter", "asked_total", 1, model=name)

    told, wanted = both(folder, MetricFiles(folder))

    assert told == wanted
    assert ("asked_total", frozenset({("model", name)})) in told


def test_a_file_that_was_just_made_is_empty(folder: Path) -> None:
    (folder / "counter_1.db").write_bytes(b"")
    (folder / "counter_2.db").write_bytes(bytes(65536))

    assert MetricFiles(folder).text(False) == b""
