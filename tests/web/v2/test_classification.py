"""The largest values of an output as texts."""

import numpy as np
import pytest

from service.base.errors import RequestInvalid
from service.web.v2.classification import MAX_ELEMENTS, classify


def test_values_are_written_as_c_plus_plus_writes_them() -> None:
    values = np.array([[0.1, 1e-9, 123456.789]], np.float64)
    assert classify(values, 3, ()).tolist() == [["123456.789000:2", "0.100000:0", "0.000000:1"]]
    whole = np.array([[3, -7, 2**63 - 1]], np.int64)
    assert classify(whole, 3, ()).tolist() == [["9223372036854775807:2", "3:0", "-7:1"]]
    assert classify(np.array([[0, 255]], np.uint8), 1, ()).tolist() == [["255:1"]]


def test_the_first_of_equals_comes_first_and_what_is_no_number_last() -> None:
    values = np.array([[0.5, np.nan, 0.5, -np.inf, np.inf]], np.float32)
    got = classify(values, 9, tuple("abcde")).tolist()
    assert got == [["inf:4:e", "0.500000:0:a", "0.500000:2:c", "nan:1:b", "-inf:3:d"]]


def test_labels_that_do_not_name_the_elements_are_left_out() -> None:
    sigmoid = np.array([[0.75], [0.25]], np.float32)
    assert classify(sigmoid, 2, ("no", "yes")).tolist() == [["0.750000:0"], ["0.250000:0"]]


@pytest.mark.parametrize(("shape", "classes"), [((3,), 1), ((3, 4), 4), ((3, 2, 2), 4)])
def test_a_row_is_flattened(shape: tuple[int, ...], classes: int) -> None:
    got = classify(np.arange(np.prod(shape)).reshape(shape), 10, ())
    assert got.shape == (3, classes)
    assert got[2, 0] == f"{np.prod(shape) - 1}:{classes - 1}"


def test_a_row_has_its_limit() -> None:
    with pytest.raises(RequestInvalid, match="classification output tensor too large"):
        classify(np.zeros((1, MAX_ELEMENTS + 1), np.int8), 1, ())
