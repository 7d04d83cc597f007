"""Samples of every kind of model are pasted into a shell, Python and Node, and are understood."""

import ast
import json
import subprocess
from typing import Any

import pytest

from service.base.http_errors import HeadMalformed
from service.base.signature import STRING, Signature, TensorSpec
from service.web.sample import LANGUAGES, address, describe, fill
from service.web.snippets import SPELLED_VALUES
from tests.pasted import pasted
from tests.web.answering import answering, understand

OUTPUTS = (TensorSpec("y", "float32", (None, 2)),)


def signature(*inputs: TensorSpec) -> Signature:
    return Signature(inputs, OUTPUTS)


KINDS = {
    "row": signature(TensorSpec("x", "float32", (None, 4))),
    "sequence": signature(TensorSpec("x", "float64", (None, None, 3))),
    "words": signature(TensorSpec("tokens", "int32", (None, 6), vocabulary=50)),
    "embedded": signature(TensorSpec("tokens", "float32", (None, 6), vocabulary=1)),
    "text": signature(TensorSpec('it\'s "text"', STRING, (None, 1))),
    "flags": signature(TensorSpec("on", "bool", (None, 3))),
    "several": signature(
        TensorSpec("a", "float32", (None, 2)),
        TensorSpec("b", "uint8", (None,)),
        TensorSpec("c's", STRING, (None, 1)),
    ),
    "image": signature(TensorSpec("image", "float32", (None, 96, 96, 3))),
    "large and small": signature(
        TensorSpec("image's", "float32", (None, 32, 32, 3)),
        TensorSpec("words", STRING, (None, 2)),
        TensorSpec("index", "int64", (None, 1), vocabulary=9),
    ),
}


def expected(kind: str) -> dict[str, Any]:
    """What a server must understand: one row, with the values of the sample."""
    tensors = fill(KINDS[kind])
    dtypes = [spec.numpy_dtype.name for spec in KINDS[kind].inputs]
    return {
        item.name: [list(item.shape), dtype, [item.value]]
        for item, dtype in zip(tensors, dtypes, strict=True)
    }


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", ["text", "several", "image", "large and small"])
def test_a_pasted_sample_is_understood(kind: str, language: str) -> None:
    tensors = fill(KINDS[kind])
    with answering(KINDS[kind]) as url:
        text = LANGUAGES[language](url, "m", tensors)
        ran = subprocess.run(pasted(language, text), capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    assert "error" not in ran.stdout
    answer = ast.literal_eval(ran.stdout) if language == "python" else json.loads(ran.stdout)
    if language == "curl" and sum(item.count for item in tensors) > SPELLED_VALUES:
        assert {name: shape for name, (shape, _, _) in answer.items()} == {
            name: shape for name, (shape, _, _) in expected(kind).items()
        }
        assert all(values in ([0], [0.0], [""]) for _, _, values in answer.values())
    else:
        assert answer == expected(kind)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_picture_fits_on_a_page(language: str) -> None:
    assert len(LANGUAGES[language]("http://localhost:8080", "m", fill(KINDS["image"]))) < 600


@pytest.mark.parametrize("kind", KINDS)
def test_both_bodies_are_understood(kind: str) -> None:
    record = describe("http://h", "m", 3, fill(KINDS[kind]))
    for path, key in (("/v1/models/m:predict", "request"), ("/v2/models/m/infer", "v2_request")):
        body = json.dumps(record[key]).encode()
        assert understand(KINDS[kind], path, {}, body) == expected(kind)
    assert (record["model"], record["version"]) == ("m", "3")


def test_what_has_no_form_in_json_is_left_out() -> None:
    half = fill(signature(TensorSpec("x", "float16", (None, 2))))
    huge = fill(signature(TensorSpec("x", "float32", (None, 512, 512, 3))))
    assert "v2_request" not in describe("http://h", "m", 1, half)
    assert {"request", "v2_request"}.isdisjoint(describe("http://h", "m", 1, huge))


@pytest.mark.parametrize("host", ["localhost:8080", "10.0.0.7", "[::1]:80", "models.example.org"])
def test_the_address_is_the_clients_own(host: str) -> None:
    assert address("https", host) == f"https://{host}"


@pytest.mark.parametrize("host", ["", "a;rm -rf", "$(id)", "a/b", "a@b", "a\nb", "a:port", "é"])
def test_no_other_text_gets_into_a_command(host: str) -> None:
    with pytest.raises(HeadMalformed, match="Host: expected a name or an address"):
        address("http", host)
