"""Labels in every form: names, indices, sets of either, several numbers."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from service.data.dataset import Expected
from tests.data.made import (
    expected,
    read,
    refusal,
    signature,
    write_csv,
    write_json,
    write_lines,
    write_npz,
    write_parquet,
)

NAMES = ("rock", "jazz", "folk")
SETS = [["rock"], ["jazz", "folk"], []]
BITS = [[1, 0, 0], [0, 1, 1], [0, 0, 0]]
FEATURES = [1.0, 2.0, 3.0]


def tagged(**changes: Any) -> Expected:
    told = {"signature": signature((1,), outputs=3), "classes": 3, "are_sets": True}
    return expected(**{**told, "label_names": NAMES, **changes})


def write_sets(folder: Path, labels: list[Any]) -> list[Path]:
    """The same sets in every format that can hold lists."""
    import json

    cells = "".join(
        '{},"{}"\n'.format(feature, json.dumps(one).replace('"', '""'))
        for feature, one in zip(FEATURES, labels, strict=True)
    )
    return [
        write_csv(folder / "a.csv", f"a,y\n{cells}"),
        write_lines(
            folder / "b.ndjson",
            *({"a": feature, "y": one} for feature, one in zip(FEATURES, labels, strict=True)),
        ),
        write_json(folder / "c.json", {"a": FEATURES, "y": labels}),
        write_json(folder / "d.json", {"x": [[feature] for feature in FEATURES], "y": labels}),
        write_parquet(folder / "e.parquet", {"a": FEATURES, "y": labels}),
    ]


@pytest.mark.parametrize("labels", [SETS, BITS], ids=["names", "bits"])
def test_sets_are_lists_of_names_or_of_bits(tmp_path: Path, labels: list[Any]) -> None:
    for path in write_sets(tmp_path, labels):
        dataset = read(path, tagged())
        assert dataset.labels.tolist() == BITS, path.name
        assert dataset.labels.dtype == np.float32
        assert dataset.counts == {"rock": 1, "jazz": 1, "folk": 1}


def test_sets_are_lists_of_indices_where_that_is_said(tmp_path: Path) -> None:
    for path in write_sets(tmp_path, [[0], [1, 2], []]):
        assert read(path, tagged(label_form="indices")).labels.tolist() == BITS, path.name


def test_sets_may_have_a_column_a_class(tmp_path: Path) -> None:
    text = "a,folk,rock,jazz\n1,0,1,0\n2,1,0,1\n3,0,0,0\n"
    columns = {"a": FEATURES, "folk": [0, 1, 0], "rock": [1, 0, 0], "jazz": [0, 1, 0]}
    wanted = tagged(labels_apart=NAMES)

    for path in (
        write_csv(tmp_path / "a.csv", text),
        write_json(tmp_path / "b.json", columns),
        write_parquet(tmp_path / "c.parquet", columns),
        write_npz(tmp_path / "d.npz", x=np.array(FEATURES)[:, None], y=np.array(BITS)),
    ):
        assert read(path, wanted).labels.tolist() == BITS, path.name
    assert read(tmp_path / "a.csv", tagged()).labels.tolist() == BITS


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (["pop"], "expected a list of names among 'rock', 'jazz', 'folk', or a list of 0 or 1"),
        (["rock", "rock"], "is a list with something else"),
        ([0, 2], "is a list with something else"),
        ([1, 0], "is a list with something else"),
    ],
)
def test_other_lists_are_refused_with_their_place(
    tmp_path: Path, bad: list[Any], words: str
) -> None:
    good = [["rock"], ["jazz"]] if isinstance(bad[0], str) else [[1, 0, 0], [0, 1, 0]]
    csv, ndjson, *_, parquet = write_sets(tmp_path, [*good, bad])

    assert f"line 4, column 2 ('y'): {'is a list'}" in refusal(csv, tagged())
    assert words in refusal(ndjson, tagged())
    assert words in refusal(parquet, tagged())


def test_the_same_set_in_every_row_teaches_nothing(tmp_path: Path) -> None:
    path = write_json(tmp_path / "a.json", {"a": FEATURES, "y": [["rock"]] * 3})

    assert "every row has the same labels" in refusal(path, tagged())


@pytest.mark.parametrize(
    ("form", "label", "words"),
    [
        ("indices", "cat", "expected a number, a class index from 0 to 1"),
        ("names", "1", "expected one of 'cat', 'dog'"),
    ],
)
def test_only_names_or_only_indices(tmp_path: Path, form: str, label: str, words: str) -> None:
    wanted = expected(
        signature=signature((1,)), label_names=("cat", "dog"), label_form=form, min_classes=1
    )
    good = {"indices": ("0", 1), "names": ("dog", "cat")}[form]
    csv = write_csv(tmp_path / "a.csv", f"a,y\n1,{good[0]}\n2,{good[1]}\n3,{label}\n")
    value: Any = int(label) if label.isdigit() else label
    listed = write_json(tmp_path / "b.json", {"a": [1, 2], "y": [good[1], value]})

    assert f"line 4, column 2 ('y'): is '{label}'; {words}" in refusal(csv, wanted)
    assert words in refusal(listed, wanted)


def test_classes_called_by_numbers_mean_the_same_in_every_format(tmp_path: Path) -> None:
    wanted = expected(signature=signature((1,)), label_names=("7", "3"))
    for path in (
        write_csv(tmp_path / "a.csv", "a,y\n1,3\n2,7\n"),
        write_json(tmp_path / "b.json", {"a": [1, 2], "y": [3, 7]}),
        write_lines(tmp_path / "c.ndjson", {"a": 1, "y": 3}, {"a": 2, "y": "7"}),
        write_parquet(tmp_path / "d.parquet", {"a": [1, 2], "y": [3, 7]}),
    ):
        assert read(path, wanted).labels.tolist() == [1, 0], path.name


def test_several_numbers_have_a_column_each_or_a_list(tmp_path: Path) -> None:
    two = expected(signature=signature((1,), outputs=2), classes=None)
    apart = expected(signature=two.signature, classes=None, labels_apart=("up", "down"))
    cells = write_csv(tmp_path / "a.csv", 'a,y\n1,"[0.5, 1]"\n2,"[2, 3]"\n')

    assert read(
        write_csv(tmp_path / "b.csv", "a,down,up\n1,1,0.5\n2,3,2\n"), apart
    ).labels.tolist() == [[0.5, 1], [2, 3]]
    for path in (
        write_lines(tmp_path / "c.ndjson", {"a": 1, "y": [0.5, 1]}, {"a": 2, "y": [2, 3]}),
        write_parquet(tmp_path / "d.parquet", {"a": [1, 2], "y": [[0.5, 1], [2, 3]]}),
        cells,
    ):
        assert read(path, two).labels.tolist() == [[0.5, 1], [2, 3]], path.name


@pytest.mark.parametrize(
    ("names", "labels", "indices"),
    [
        (("7", "3"), [7, 3, 7], [0, 1, 0]),
        (("1", "0"), [1, 0, 0], [0, 1, 1]),
        (("1.0", "0.0"), [1.0, 0.0, 0.0], [0, 1, 1]),
        (("True", "False"), [True, False, False], [0, 1, 1]),
    ],
    ids=["numbers", "swapped", "floats", "booleans"],
)
def test_classes_that_look_like_numbers_are_the_same_in_every_format(
    tmp_path: Path, names: tuple[str, ...], labels: list[Any], indices: list[int]
) -> None:
    wanted = expected(signature=signature((1,)), label_names=names)
    cells = "".join(f"{a},{label}\n" for a, label in zip(FEATURES, labels, strict=True))
    features = np.array(FEATURES)[:, None]
    paths = [
        write_csv(tmp_path / "a.csv", f"a,y\n{cells}"),
        write_parquet(tmp_path / "b.parquet", {"a": FEATURES, "y": labels}),
        write_npz(tmp_path / "c.npz", x=features, y=np.array(labels)),
        write_npz(tmp_path / "d.npz", x=features, y=np.array(labels)[:, None]),
    ]
    if names[0] != "True":  # JSON's true is no label
        rows = [{"a": a, "y": label} for a, label in zip(FEATURES, labels, strict=True)]
        paths.append(write_lines(tmp_path / "e.ndjson", *rows))

    assert {path.name: read(path, wanted).labels.tolist() for path in paths} == {
        path.name: indices for path in paths
    }


def test_an_array_of_numbers_has_no_names(tmp_path: Path) -> None:
    path = write_npz(tmp_path / "a.npz", x=np.array(FEATURES)[:, None], y=[0, 1, 5])
    wanted = expected(signature=signature((1,)), label_names=("cat", "dog"), label_form="names")

    text = refusal(path, wanted)

    assert text.startswith("array 'y' at [0]: is 0; expected one of 'cat', 'dog'.")
    assert "3 unknown labels (rows 0, 1, 2)" in text
