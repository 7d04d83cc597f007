"""Where two records differ, named as people look for it."""

from typing import Any

import pytest

from service.web.admin.difference import differences

OUT = {"name": "y", "shape": [None, 3]}


@pytest.mark.parametrize(
    ("old", "new", "places"),
    [
        ({}, {}, []),
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1, "b": 2}, {"b": 3, "a": 4}, ["a", "b"]),
        ({"a": 1}, {"b": 1}, ["a", "b"]),
        ({"s": {"o": [OUT]}}, {"s": {"o": [{**OUT, "shape": [None, 4]}]}}, ["s.o[0].shape"]),
        ({"o": [OUT]}, {"o": [OUT, OUT]}, ["o[1]"]),
        ({"notes": ["x"]}, {"notes": []}, ["notes"]),
        ({"notes": []}, {"notes": []}, []),
        ({"f": {"model.h5": {"size": 1}}}, {"f": {"model.h5": {"size": 2}}},
         ['f["model.h5"].size']),
        ({"f": {"a.h5": 1}}, {"f": {"b.h5": 1}}, ['f["a.h5"]', 'f["b.h5"]']),
        ({"a": None}, {"a": {"b": 1}}, ["a"]),
        ({"a": 1}, {"a": True}, []),
    ],
    ids=str,
)  # fmt: skip
def test_every_place_is_named_once(old: Any, new: Any, places: list[str]) -> None:
    assert differences(old, new) == places
    assert sorted(differences(new, old)) == sorted(places)
