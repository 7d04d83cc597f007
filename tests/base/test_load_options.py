"""How files are to be opened, as a record and as part of a key."""

import json
from dataclasses import replace

import pytest

from service.base.load_options import LoadOptions

TOLD = LoadOptions(
    "order", "flip", "predict", "a" * 64, ("tcn", "mine"), ("/srv/classes",), "b" * 64
)


def test_a_record_reads_as_it_was_written() -> None:
    assert LoadOptions.from_json(json.loads(json.dumps(TOLD.as_json()))) == TOLD


def test_what_is_missing_has_its_default() -> None:
    assert LoadOptions.from_json({}) == LoadOptions()


def test_defaults_leave_the_key_as_it_is() -> None:
    assert LoadOptions().key() == ""


@pytest.mark.parametrize(
    "change",
    [
        {"weights": "strict"},
        {"theano_kernels": "keep"},
        {"signature": "serving_default"},
        {"allow_lambda": ""},
        {"custom_objects": ("tcn",)},
        {"custom_state": "c"},
    ],
)
def test_whatever_changes_the_outcome_changes_the_key(change: dict[str, object]) -> None:
    assert replace(TOLD, **change).key() != TOLD.key()  # type: ignore[arg-type]


def test_where_modules_lie_does_not_change_the_key() -> None:
    assert replace(TOLD, custom_objects_path=("/elsewhere",)).key() == TOLD.key()
