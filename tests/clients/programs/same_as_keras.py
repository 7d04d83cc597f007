"""Asks for Keras' own batches through every protocol; the answers must be Keras' own."""

import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import requests
import tritonclient.http as triton
from tritonclient.utils import np_to_triton_dtype

Arrays = dict[str, np.ndarray]
ATOL = 1e-5


def by_v1_rows(url: str, model: str, inputs: Arrays) -> Any:
    rows = zip(*(array.tolist() for array in inputs.values()), strict=True)
    named = [dict(zip(inputs, row, strict=True)) for row in rows]
    plain = [next(iter(row.values())) for row in named] if len(inputs) == 1 else named
    return _ask(f"{url}/v1/models/{model}:predict", {"instances": plain})["predictions"]


def by_v1_columns(url: str, model: str, inputs: Arrays) -> Any:
    given = {name: array.tolist() for name, array in inputs.items()}
    return _ask(f"{url}/v1/models/{model}:predict", {"inputs": given})["outputs"]


def by_v2(url: str, model: str, inputs: Arrays, is_binary: bool) -> triton.InferResult:
    given = []
    for name, array in inputs.items():
        datatype = np_to_triton_dtype(array.dtype)
        tensor = triton.InferInput(name, list(array.shape), datatype)
        tensor.set_data_from_numpy(array, binary_data=is_binary)
        given.append(tensor)
    with triton.InferenceServerClient(urlsplit(url).netloc) as client:
        metadata = client.get_model_metadata(model)
        asked = [
            triton.InferRequestedOutput(output["name"], binary_data=is_binary)
            for output in metadata["outputs"]
        ]
        return client.infer(model, given, outputs=asked)


def _ask(url: str, body: Any) -> Any:
    told = requests.post(url, json=body, timeout=60)
    assert told.status_code == 200, told.text
    return told.json()


def check(url: str, model: str, inputs: Arrays, outputs: Arrays) -> None:
    rows, columns = by_v1_rows(url, model, inputs), by_v1_columns(url, model, inputs)
    one = len(outputs) == 1
    answers = [by_v2(url, model, inputs, is_binary) for is_binary in (True, False)]
    for name, expected in outputs.items():
        np.testing.assert_allclose(rows if one else [r[name] for r in rows], expected, atol=ATOL)
        np.testing.assert_allclose(columns if one else columns[name], expected, atol=ATOL)
        for answer in answers:
            assert answer.as_numpy(name).dtype == expected.dtype
            np.testing.assert_allclose(answer.as_numpy(name), expected, atol=ATOL)


def main(url: str, answers: Path) -> None:
    files = sorted(answers.glob("*.npz"))
    assert len(files) == 18
    for path in files:
        with np.load(path) as file:
            stored = {name: a.astype(object) if a.dtype.kind == "U" else a
                      for name, a in file.items()}  # fmt: skip
        inputs = {n.removeprefix("in."): a for n, a in stored.items() if n.startswith("in.")}
        outputs = {n.removeprefix("out."): a for n, a in stored.items() if n.startswith("out.")}
        check(url, path.stem.rsplit("-", 1)[0], inputs, outputs)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
    print("done")
