"""A profile's time goes to modules, to libraries, and from C to whoever called it."""

import pytest

from benchmarks.places import Stats, functions, place_of, places

FRONT = ("/project/service/web/front.py", 10, "answer")
PARSE = ("/project/.venv/lib/python3.11/site-packages/uvicorn/protocols/h.py", 3, "data_received")
RUN = ("~", 0, "<method 'run' of 'onnxruntime.capi.Session' objects>")
LENGTH = ("~", 0, "<built-in method builtins.len>")
QUEUE = ("/usr/lib/python3.11/queue.py", 5, "get")

STATS: Stats = {
    FRONT: (2, 2, 1.0, 9.0, {}),
    PARSE: (1, 1, 2.0, 9.0, {}),
    RUN: (1, 1, 4.0, 4.0, {FRONT: (1, 1, 4.0, 4.0)}),
    LENGTH: (3, 3, 0.75, 0.75, {FRONT: (1, 1, 0.25, 0.25), PARSE: (2, 2, 0.5, 0.5)}),
    QUEUE: (1, 1, 0.125, 0.125, {}),
}


@pytest.mark.parametrize(
    ("function", "place"),
    [
        (FRONT, "service/web/front.py"),
        (PARSE, "uvicorn"),
        (RUN, "onnxruntime"),
        (LENGTH, None),
        (QUEUE, "standard library"),
    ],
)
def test_a_function_has_a_place(function: tuple[str, int, str], place: str | None) -> None:
    assert place_of(function, "/project") == place


def test_time_in_c_counts_for_the_caller() -> None:
    assert places(STATS, "/project") == {
        "onnxruntime": 4.0,
        "uvicorn": 2.5,
        "service/web/front.py": 1.25,
        "standard library": 0.125,
    }


def test_the_dearest_function_comes_first() -> None:
    assert functions(STATS, "/project")[0] == (RUN[2], 1, 4.0)
    assert functions(STATS, "/project")[2] == ("service/web/front.py:10 answer", 2, 1.0)
