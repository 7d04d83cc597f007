"""Whether numbers fit an input, for every pair of dtypes."""

import numpy as np
import pytest

from service.base.signature import TensorSpec
from service.data.values import find_fault, plain_number


def fault(
    values: object, dtype: str, source: str = "float64", vocabulary: int | None = None
) -> str:
    spec = TensorSpec("input", dtype, (None,), vocabulary)
    found = find_fault(np.array(values, source), spec)
    return "" if found is None else f"[{found.index}] {found.wrong}; expected {found.expected}"


@pytest.mark.parametrize(
    ("values", "source", "dtype"),
    [
        ([0, -1.5, 3.4e38, 1e-300], "float64", "float32"),
        ([3.4028235e38], "float64", "float32"),
        ([65504], "float64", "float16"),
        ([2**63 - 1, -(2**63)], "int64", "float32"),
        ([2**64 - 1], "uint64", "uint64"),
        ([0, 255], "float16", "uint8"),
        ([-(2**53), 2**53], "float64", "int64"),
        ([True, False], "bool", "bool"),
        ([0, 1], "int8", "bool"),
        ([True], "bool", "float16"),
    ],
)
def test_takes_what_fits(values: list[float], source: str, dtype: str) -> None:
    assert fault(values, dtype, source) == ""


@pytest.mark.parametrize(
    ("values", "source", "dtype", "words"),
    [
        ([0, np.nan], "float32", "float32", "[1] is NaN; expected a finite number"),
        ([0, -np.inf], "float32", "int8", "[1] is infinite or too large; expected a finite number"),
        ([0, 1e39], "float64", "float32", "[1] is 1e+39; expected a number that fits float32"),
        ([0, 65536], "int32", "float16", "[1] is 65536; expected a number that fits float16"),
        ([0, 0.5], "float16", "int64", "[1] is 0.5; expected a whole number from"),
        ([0, 256], "int64", "uint8", "[1] is 256; expected a whole number from 0 to 255"),
        ([0, -1], "int64", "uint64", "[1] is -1; expected a whole number from 0 to"),
        ([0, 2**63], "uint64", "int64", "[1] is 9223372036854775808; expected"),
        ([0, 2**53 + 2], "float64", "int64", "[1] is 9.00719925e+15; expected"),
        ([0, 2], "uint8", "bool", "[1] is 2; expected a whole number from 0 to 1"),
    ],
)
def test_finds_the_first_that_does_not_fit(
    values: list[float], source: str, dtype: str, words: str
) -> None:
    assert fault(values, dtype, source).startswith(words)


@pytest.mark.parametrize("dtype", ["float32", "int32"])
@pytest.mark.parametrize("bad", [10, -1, 0.5])
def test_an_index_is_whole_and_inside_its_vocabulary(dtype: str, bad: float) -> None:
    assert fault([0, 9], dtype, vocabulary=10) == ""
    assert f"is {bad}; expected a whole number from 0 to 9" in fault([bad], dtype, vocabulary=10)


@pytest.mark.parametrize("text", ["1", "+1", "-1.5", ".5", "1.", "1e5", "1E-5", " 1\t", "007"])
def test_decimal_numbers_are_read(text: str) -> None:
    assert plain_number(text) == float(text)


@pytest.mark.parametrize(
    "text",
    ["", " ", "1_0", "0x1", "nan", "inf", "1e", "e1", "1,5", "1 2", "٣", "1\x0b", "--1", "."],
)
def test_nothing_else_is_a_number(text: str) -> None:
    assert plain_number(text) is None
