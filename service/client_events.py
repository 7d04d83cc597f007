"""Events of jobs as the service streams them, read line by line."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import orjson

from service.base.strict_json import Json


@dataclass(frozen=True, slots=True)
class JobNews:
    """What is new of a job. `id` counts the events of a job, and is none for how it stands now.

    `name` is the event's kind, such as `epoch` or `state`; `job` for how it stands, `end` when
    nothing more will come.
    """

    name: str
    id: int | None
    data: Json


def read_events(lines: Iterable[bytes]) -> Iterator[JobNews]:
    """The events in a stream of lines; one that is cut off is left out."""
    name, number, data = "message", None, b""
    for line in lines:
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if not line:
            if data:
                yield JobNews(name, number, orjson.loads(data))
            name, number, data = "message", None, b""
        elif field == b"event":
            name = value.decode()
        elif field == b"id":
            number = int(value)
        elif field == b"data":
            data += value
