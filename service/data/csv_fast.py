"""Rows of CSV that hold nothing but finite numbers, and labels and times: by Arrow."""

from collections.abc import Callable
from typing import Any

import numpy as np

from service.data.columns import Columns
from service.data.gathering import Place, RowBlock
from service.data.labels import Labels
from service.data.text_blocks import Block
from service.data.times import read_time


def read_numbers(block: Block, columns: Columns, labels: Labels, place: Place) -> RowBlock | None:
    """The rows of some lines; none if something in them has to be looked at cell by cell."""
    import pyarrow

    is_text = {columns.time, columns.labels[0] if len(columns.labels) == 1 else None}
    try:
        table = _parse(block.data, columns, is_text)
    except pyarrow.ArrowInvalid:
        return None
    features = np.empty((table.num_rows, len(columns.features)))
    for target, position in enumerate(columns.features):
        features[:, target] = table[str(position)].to_numpy()
    weights = None if columns.weight is None else table[str(columns.weight)].to_numpy()
    times = None if columns.time is None else _coded(table[str(columns.time)], read_time)
    if len(columns.labels) > 1:
        found = np.stack([table[str(at)].to_numpy() for at in columns.labels], axis=1)
    else:
        found = _coded(table[str(columns.labels[0])], labels.number)
    arrays = [array for array in (features, weights, times, found) if array is not None]
    if not all(np.isfinite(array).all() for array in arrays):
        return None
    return RowBlock(features, found, place, block.first_line, {}, weights, times)


def _parse(data: bytes, columns: Columns, is_text: set[int | None]) -> Any:
    import pyarrow
    from pyarrow import csv as arrow_csv

    kinds = {
        str(at): pyarrow.string() if at in is_text else pyarrow.float64() for at in columns.taken
    }
    return arrow_csv.read_csv(
        pyarrow.py_buffer(data),
        arrow_csv.ReadOptions(
            use_threads=False,
            column_names=[str(at) for at in range(len(columns.names))],
            block_size=len(data) + 1,
        ),
        arrow_csv.ParseOptions(newlines_in_values=False),
        arrow_csv.ConvertOptions(
            column_types=kinds,
            include_columns=list(kinds),
            null_values=[],
            strings_can_be_null=False,
        ),
        pyarrow.system_memory_pool(),
    )


def _coded(column: Any, number: Callable[[str], float | None]) -> np.ndarray:
    """Texts as numbers, each distinct one looked at once; NaN for what is none."""
    coded = column.combine_chunks().dictionary_encode()
    values = [number(text) for text in coded.dictionary.to_pylist()]
    known = np.array([np.nan if value is None else value for value in values], np.float64)
    numbers: np.ndarray = known[coded.indices.to_numpy()]
    return numbers
