"""Streams of events, read as browsers do."""

import pytest

from service.client_events import JobNews, read_events


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b'id: 3\nevent: epoch\ndata: {"a": 1}\n\n', [JobNews("epoch", 3, {"a": 1})]),
        (b'event: job\ndata: {}\n\n', [JobNews("job", None, {})]),
        (b'retry: 2000\n\n: alive\n\nevent:end\ndata:{}\n\n', [JobNews("end", None, {})]),
        (b'id: 1\nevent: a\ndata: {}\n\ndata: {}\n\n',
         [JobNews("a", 1, {}), JobNews("message", None, {})]),
        (b'event: cut\ndata: {"a": ', []),
        (b"", []),
    ],
    ids=["whole", "no id", "comments", "two", "cut off", "nothing"],
)  # fmt: skip
def test_events_are_read(text: bytes, told: list[JobNews]) -> None:
    assert list(read_events(text.split(b"\n"))) == told
