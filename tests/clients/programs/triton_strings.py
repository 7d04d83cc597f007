"""Asks a model of texts with tritonclient: BYTES in, in binary and in JSON, labels out."""

import sys
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import tritonclient.http as triton

LABELS = np.array(["disliked", "liked"], object)


def ask(
    client: triton.InferenceServerClient, texts: np.ndarray, is_binary: bool, rows: int
) -> triton.InferResult:
    given = triton.InferInput("text", [rows, 1], "BYTES")
    given.set_data_from_numpy(texts, binary_data=is_binary)
    asked = [
        triton.InferRequestedOutput(name, binary_data=is_binary) for name in ("liked", "label")
    ]
    return client.infer("words", [given], outputs=asked)


def check(answer: triton.InferResult, expected: np.ndarray) -> None:
    np.testing.assert_allclose(answer.as_numpy("liked"), expected, atol=1e-5)
    label = answer.as_numpy("label")
    said = [text.decode() if isinstance(text, bytes) else text for text in label]
    assert said == LABELS[expected.argmax(axis=1)].tolist()
    assert answer.get_output("label")["datatype"] == "BYTES"


def main(url: str, answers: Path) -> None:
    with np.load(answers / "words-7.npz") as stored:
        texts, expected = stored["in.text"].astype(object), stored["out.liked"]
    as_bytes = np.array([[text.encode()] for (text,) in texts], object)
    with triton.InferenceServerClient(urlsplit(url).netloc) as client:
        for is_binary in (True, False):
            check(ask(client, texts, is_binary, 7), expected)
            check(ask(client, as_bytes, is_binary, 7), expected)
        everything = client.infer("words", _given(texts))
        check(everything, expected)


def _given(texts: np.ndarray) -> list[triton.InferInput]:
    given = triton.InferInput("text", list(texts.shape), "BYTES")
    given.set_data_from_numpy(texts)
    return [given]


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
    print("done")
