"""The files in which all workers count, written out for a scrape.

prometheus_client reads them anew each time, key by key, which takes a second for the fifty thousand
series of some hundred versions that are all asked; meanwhile little else runs in that worker. Keys
are only ever appended: here each is read once, and values are gathered by NumPy.

Below: a file is 4 bytes of how much of it is used, 4 of nothing, then entries. An entry is 4 bytes
of a key's length, the key padded with spaces so that what follows begins at a multiple of 8, and
two doubles: value and time. A key is the JSON of family, sample, labels and help.
"""

import json
import struct
import threading
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from prometheus_client.metrics_core import Metric
from prometheus_client.utils import floatToGoString

HEAD_BYTES = 8
ENTRY_BYTES = 16
LENGTH = struct.Struct("i")
HIGHEST = ("max", "livemax")
NOTHING = "0.0"  # most buckets


@dataclass(slots=True)
class Group:
    """One histogram: its labels as text, and the series of its buckets by their upper bounds.

    The bounds rise: that is the order in which prometheus_client makes a histogram's buckets.
    """

    labels: str
    buckets: dict[str, int] = field(default_factory=dict)
    sum: int | None = None


@dataclass(slots=True)
class Family:
    """One metric; `plain` are samples as text with their series, for all that is no histogram."""

    name: str
    kind: str
    help: str
    plain: dict[str, int] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)


@dataclass(slots=True)
class Part:
    """One file: which series stand in it, and where their values are, in doubles."""

    used: int = HEAD_BYTES
    series: list[int] = field(default_factory=list)
    places: list[int] = field(default_factory=list)


class MetricFiles:
    """The files of a folder; one that vanishes is forgotten, as dead workers' live gauges are."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._parts: dict[str, Part] = {}
        self._families: dict[str, Family] = {}
        self._series: dict[bytes, int] = {}
        self._keys: list[bytes] = []  # of each series
        self._lock = threading.Lock()

    def text(self, is_openmetrics: bool) -> bytes:
        """All families, in the form that is asked for, without OpenMetrics' last line."""
        with self._lock:
            totals, seen = self._add_up()
            lines: list[str] = []
            for family in self._families.values():
                is_total = family.kind == "counter" and not is_openmetrics
                name = f"{family.name}_total" if is_total else family.name
                lines.append(f"# HELP {name} {family.help}\n# TYPE {name} {family.kind}\n")
                lines += _samples(family, totals, seen)
            return "".join(lines).encode()

    def families(self, names: Collection[str], model: str = "") -> list[Metric]:
        """Some families with all their series, or with those of one model alone."""
        mark = json.dumps({"model": model})[1:-1].encode() if model else b""
        with self._lock:
            totals, seen = self._add_up()
            found = [family for name, family in self._families.items() if name in names]
            return [self._metric(family, mark, totals, seen) for family in found]

    def _metric(self, family: Family, mark: bytes, totals: list[float], seen: list[bool]) -> Metric:
        metric = Metric(family.name, family.help, family.kind)
        for number in family.plain.values():
            key = self._keys[number]
            if seen[number] and mark in key:
                _, sample, labels, _ = json.loads(key)
                metric.add_sample(sample, labels, totals[number])
        for group in family.groups.values():
            if group.sum is not None and seen[group.sum] and mark in self._keys[group.sum]:
                _add_bars(metric, group, json.loads(self._keys[group.sum])[2], totals)
        return metric

    def _add_up(self) -> tuple[list[float], list[bool]]:
        """The value of each series over all files, and whether it stands in any."""
        contents = dict(_contents(self._folder))
        self._parts = {name: self._read_keys(name, content) for name, content in contents.items()}
        totals = np.zeros(len(self._series))
        seen = np.zeros(len(self._series), bool)
        for name, part in self._parts.items():
            if not part.series:
                continue
            doubles = np.frombuffer(contents[name], "f8", part.used // 8)
            values, series = doubles[part.places], part.series
            if name.split("_")[1] in HIGHEST:
                totals[series] = np.where(seen[series], np.maximum(totals[series], values), values)
            else:
                totals[series] += values
            seen[series] = True
        return totals.tolist(), seen.tolist()

    def _read_keys(self, name: str, content: bytes) -> Part:
        """The file's part, with the keys that are new since the last look."""
        part = self._parts.get(name) or Part()
        used = len(content)
        if used < part.used:
            part = Part()
        kind = name.split("_")[0]
        while part.used < used:
            length = LENGTH.unpack_from(content, part.used)[0]
            key = content[part.used + LENGTH.size : part.used + LENGTH.size + length]
            value_at = part.used + LENGTH.size + length + _padding(length)
            part.series.append(self._series_of(key, kind))
            part.places.append(value_at // 8)
            part.used = value_at + ENTRY_BYTES
        return part

    def _series_of(self, key: bytes, kind: str) -> int:
        known = self._series.get(key)
        if known is not None:
            return known
        number = self._series[key] = len(self._series)
        self._keys.append(key)
        metric, sample, labels, told = json.loads(key)
        family = self._families.setdefault(metric, Family(metric, kind, " ".join(told.split())))
        bound = labels.pop("le", None) if kind == "histogram" else None
        text = _label_text(labels)
        if kind != "histogram":
            family.plain[f"{sample}{{{text}}}" if text else sample] = number
            return number
        group = family.groups.setdefault(text, Group(text))
        if bound is None:
            group.sum = number
        else:
            group.buckets[_number(float(bound))] = number
        return number


def _samples(family: Family, totals: list[float], seen: list[bool]) -> Iterator[str]:
    for name, number in family.plain.items():
        if seen[number]:
            yield f"{name} {_number(totals[number])}\n"
    for group in family.groups.values():
        if group.sum is not None and seen[group.sum]:
            yield from _bars(family.name, group, totals)


def _bars(name: str, group: Group, totals: list[float]) -> Iterator[str]:
    """A histogram as it is told: each bucket with all that lies below it."""
    begin = f'{name}_bucket{{{group.labels}{"," if group.labels else ""}le="'
    count, text = 0.0, NOTHING
    for bound, number in group.buckets.items():
        more = totals[number]
        if more:
            count += more
            text = _number(count)
        yield f'{begin}{bound}"}} {text}\n'
    labels = f"{{{group.labels}}}" if group.labels else ""
    yield f"{name}_count{labels} {text}\n"
    if group.sum is not None:
        yield f"{name}_sum{labels} {_number(totals[group.sum])}\n"


def _add_bars(metric: Metric, group: Group, labels: dict[str, str], totals: list[float]) -> None:
    count = 0.0
    for bound, number in group.buckets.items():
        count += totals[number]
        metric.add_sample(f"{metric.name}_bucket", {**labels, "le": bound}, count)
    metric.add_sample(f"{metric.name}_count", labels, count)
    if group.sum is not None:
        metric.add_sample(f"{metric.name}_sum", labels, totals[group.sum])


def _contents(folder: Path) -> Iterator[tuple[str, bytes]]:
    """The part of each file that is used: they are made larger than they need be.

    One may be gone by now: those of the live gauges go with their worker.
    """
    for path in sorted(folder.glob("*.db")):
        with suppress(FileNotFoundError):
            yield path.name, _used(path)


def _used(path: Path) -> bytes:
    with path.open("rb") as stream:
        head = stream.read(HEAD_BYTES)
        used = LENGTH.unpack_from(head)[0] if len(head) == HEAD_BYTES else 0
        return head + stream.read(max(0, used - HEAD_BYTES))


def _number(value: float) -> str:
    text: str = NOTHING if value == 0 else floatToGoString(value)  # type: ignore[no-untyped-call]
    return text


def _padding(length: int) -> int:
    return 8 - (length + LENGTH.size) % 8


def _label_text(labels: dict[str, str]) -> str:
    return ",".join(f'{name}="{_escaped(value)}"' for name, value in sorted(labels.items()))


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
