"""Golden pairs over both ways in: what clients of the Open Inference Protocol send and get back."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import pytest

from service import __version__
from service.base.signature import STRING, Signature, Tensors, TensorSpec
from service.repository.model_config import ModelConfig
from service.repository.states import State
from service.web.process import WebProcess
from tests.fakes import FakeVersion
from tests.web.client import LENGTH, Client, row, working
from tests.web.v2.asking import echoing, join_texts

CHURN = Signature(
    (TensorSpec("x", "float32", (None, 2)),),
    (TensorSpec("probs", "float32", (None, 3)), TensorSpec("klass", "int64", (None,))),
)
PAIR = Signature(
    (TensorSpec("a", "int32", (None, 1)), TensorSpec("b", "int32", (None, 1))),
    (TensorSpec("y", "int32", (None, 1)),),
)
PROBS = np.array([[0.2, 0.7, 0.1], [0.9, 0.06, 0.04]], np.float32)
X = np.array([[0.5, 1.5], [2.5, 3.5]], "<f4")


class Churn(FakeVersion):
    """Always the same two customers."""

    def run(self, inputs: Tensors, deadline: float | None = None) -> Tensors:
        rows = len(inputs["x"])
        return {"probs": PROBS[:rows], "klass": np.array([1, 0])[:rows]}


@dataclass(frozen=True)
class Pair:
    """A request and its whole answer; `length` is the header of JSON in front of raw tensors."""

    asks: str
    body: bytes = b""
    status: int = 200
    answer: bytes = b""
    length: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


def infer(
    body: str, answer: str = "", raw: bytes = b"", blob: bytes = b"", model: str = "churn"
) -> Pair:
    """An inference that succeeds; with raw tensors in, or out, or both."""
    length = len(body.encode()) if raw else None
    headers = {"content-type": "application/json"}
    if blob:
        headers = {"content-type": "application/octet-stream", LENGTH: str(len(answer.encode()))}
    asks = f"POST /v2/models/{model}/infer"
    return Pair(asks, body.encode() + raw, 200, answer.encode() + blob, length, headers)


def fails(asks: str, status: int, error: str, body: str = "", length: int | None = None) -> Pair:
    """A request that is refused, in JSON."""
    answer = b'{"error":"%b"}' % error.encode()
    return Pair(asks, body.encode(), status, answer, length, {"content-type": "application/json"})


JSON_X = '"inputs":[{"name":"x","shape":[2,2],"datatype":"FP32","data":[0.5,1.5,2.5,3.5]}]'
NESTED_X = JSON_X.replace("0.5,1.5,2.5,3.5", "[0.5,1.5],[2.5,3.5]")
RAW_X = JSON_X.replace('"data":[0.5,1.5,2.5,3.5]', '"parameters":{"binary_data_size":16}')
NAMES = '"model_name":"churn","model_version":"2"'
PROBS_JSON = '{"name":"probs","datatype":"FP32","shape":[2,3],"data":[0.2,0.7,0.1,0.9,0.06,0.04]}'
PROBS_RAW = '{"name":"probs","datatype":"FP32","shape":[2,3],"parameters":{"binary_data_size":24}}'
KLASS_JSON = '{"name":"klass","datatype":"INT64","shape":[2],"data":[1,0]}'
KLASS_RAW = '{"name":"klass","datatype":"INT64","shape":[2],"parameters":{"binary_data_size":16}}'
KLASS = np.array([1, 0], "<i8").tobytes()
TOP = ["0.700000:1:leave", "0.200000:0:stay", "0.900000:0:stay", "0.060000:1:leave"]
TOP_JSON = '{"name":"probs","datatype":"BYTES","shape":[2,2],"data":["' + '","'.join(TOP) + '"]}'
TOP_RAW = '{"name":"probs","datatype":"BYTES","shape":[2,2],"parameters":{"binary_data_size":78}}'
WORD_X = '"inputs":[{"name":"x","shape":[2,1],"datatype":"BYTES"'

ANSWERED = {
    "all outputs, without id": infer(
        f"{{{JSON_X}}}", f'{{{NAMES},"outputs":[{PROBS_JSON},{KLASS_JSON}]}}'
    ),
    "nested data": infer(f"{{{NESTED_X}}}", f'{{{NAMES},"outputs":[{PROBS_JSON},{KLASS_JSON}]}}'),
    "an id, outputs in their order, classification": infer(
        f'{{"id":"q-91",{JSON_X},"outputs":[{{"name":"klass"}},'
        '{"name":"probs","parameters":{"classification":2}}]}',
        f'{{"id":"q-91",{NAMES},"outputs":[{KLASS_JSON},{TOP_JSON}]}}',
    ),
    "binary in, JSON out": infer(
        f'{{{RAW_X},"outputs":[{{"name":"klass"}}]}}',
        f'{{{NAMES},"outputs":[{KLASS_JSON}]}}',
        raw=X.tobytes(),
    ),
    "JSON in, binary out": infer(
        f'{{{JSON_X},"outputs":[{{"name":"probs","parameters":{{"binary_data":true}}}}]}}',
        f'{{{NAMES},"outputs":[{PROBS_RAW}]}}',
        blob=PROBS.tobytes(),
    ),
    "binary both ways, no outputs named": infer(
        f'{{"id":"é",{RAW_X},"parameters":{{"binary_data_output":true}}}}',
        f'{{"id":"é",{NAMES},"outputs":[{PROBS_RAW},{KLASS_RAW}]}}',
        raw=X.tobytes(),
        blob=PROBS.tobytes() + KLASS,
    ),
    "one output of each kind": infer(
        f'{{{JSON_X},"outputs":[{{"name":"probs"}},'
        '{"name":"klass","parameters":{"binary_data":true}}]}',
        f'{{{NAMES},"outputs":[{PROBS_JSON},{KLASS_RAW}]}}',
        blob=KLASS,
    ),
    "classification in binary": infer(
        f'{{{JSON_X},"outputs":[{{"name":"probs",'
        '"parameters":{"classification":2,"binary_data":true}}]}',
        f'{{{NAMES},"outputs":[{TOP_RAW}]}}',
        blob=join_texts(TOP),
    ),
    "the version in the path": Pair(
        "POST /v2/models/churn/versions/2/infer",
        f'{{{JSON_X},"outputs":[{{"name":"klass"}}]}}'.encode(),
        answer=f'{{{NAMES},"outputs":[{KLASS_JSON}]}}'.encode(),
    ),
    "texts in JSON": infer(
        f'{{{WORD_X},"data":["é",""]}}]}}',
        '{"model_name":"words","model_version":"2","outputs":'
        '[{"name":"y","datatype":"BYTES","shape":[2,1],"data":["é",""]}]}',
        model="words",
    ),
    "texts in binary": infer(
        f'{{{WORD_X},"parameters":{{"binary_data_size":10}}}}],'
        '"parameters":{"binary_data_output":true}}',
        '{"model_name":"words","model_version":"2","outputs":[{"name":"y","datatype":"BYTES",'
        '"shape":[2,1],"parameters":{"binary_data_size":10}}]}',
        raw=join_texts(["é", ""]),
        blob=join_texts(["é", ""]),
        model="words",
    ),
    "a raw request": Pair(
        "POST /v2/models/churn/infer",
        X[:1].tobytes(),
        answer=f'{{{NAMES},"outputs":[{PROBS_RAW},{KLASS_RAW}]}}'.replace("[2", "[1")
        .replace(":24", ":12").replace(":16", ":8").encode() + PROBS[:1].tobytes() + KLASS[:8],
        length=0,
        headers={"content-type": "application/octet-stream"},
    ),
}  # fmt: skip
INFER = "POST /v2/models/churn/infer"
REFUSED = {
    "no such model": fails(
        "POST /v2/models/nope/infer", 404, "Request for unknown model: 'nope' is not found",
        f"{{{JSON_X}}}",
    ),
    "no such version": fails(
        "POST /v2/models/churn/versions/9/infer", 404,
        "Request for unknown model: 'churn' version 9 is not found", f"{{{JSON_X}}}",
    ),
    "a version that is none": fails("POST /v2/models/churn/versions/0/infer", 404, "Not Found"),
    "a label that is none": fails(
        "POST /v2/models/churn/versions/x/infer", 404,
        "Request for unknown model: 'churn' version x is not found",
    ),
    "a model that failed": fails(
        "POST /v2/models/broken/infer", 503,
        "Model 'broken' is not ready: version 2 failed: x.h5: damaged",
    ),
    "an input that is missing": fails(
        "POST /v2/models/pair/infer", 400,
        "expected 2 inputs but got 1 inputs for model 'pair'. Got input(s) ['a'], but missing "
        "required input(s) ['b']. Please provide all required input(s).",
        '{"inputs":[{"name":"a","shape":[1,1],"datatype":"INT32","data":[1]}]}',
    ),
    "data nowhere": fails(
        INFER, 400,
        "Input must set only one of the following fields: 'data', 'binary_data_size' in "
        "'parameters', 'shared_memory_region' in 'parameters'. But no field is set",
        '{"inputs":[{"name":"x","shape":[1,2],"datatype":"FP32"}]}',
    ),
    "a body that is too short": fails(
        INFER, 400,
        "unexpected size for input 'x', expecting 16 additional bytes for model 'churn'",
        f"{{{RAW_X}}}", len(RAW_X) + 2,
    ),
    "a body that is too long": fails(
        INFER, 400, "unexpected additional input data for model 'churn'",
        f"{{{RAW_X}}}" + "x" * 17, len(RAW_X) + 2,
    ),
    "a reserved parameter": fails(
        INFER, 400,
        "parameter keys starting with 'triton_' are reserved for Triton usage and should not be "
        "specified.",
        f'{{{JSON_X},"parameters":{{"triton_x":1}}}}',
    ),
    "shared memory": fails(
        INFER, 501, "Shared memory is not supported; send the data in the request",
        '{"inputs":[{"name":"x","shape":[1,2],"datatype":"FP32",'
        '"parameters":{"shared_memory_region":"r"}}]}',
    ),
    "the wrong verb": fails("GET /v2/models/churn/infer", 405, "Method Not Allowed"),
    "no such path": fails("GET /v2/nowhere", 404, "Not Found"),
    "a path in capitals": fails("POST /V2/models/m/infer", 404, "Not found: /V2/models/m/infer"),
    "generation": fails(
        "POST /v2/models/m/generate", 501, "Generation is not supported by this server"
    ),
    "tracing": fails("GET /v2/trace/setting", 501, "Tracing is not supported by this server"),
    "regions": fails(
        "GET /v2/systemsharedmemory/status", 501, "Shared memory is not supported by this server"
    ),
    "another repository": fails(
        "POST /v2/repository/other/index", 501, "'repository_name' specification is not supported"
    ),
    "metadata of no model": fails(
        "GET /v2/models/nope", 404, "Request for unknown model: 'nope' is not found"
    ),
    "a model that is not ready": fails(
        "GET /v2/models/broken/ready", 503,
        "Model 'broken' is not ready: version 2 failed: x.h5: damaged",
    ),
}  # fmt: skip
METADATA = (
    b'{"name":"churn","versions":["2"],"platform":"tensorflow_keras",'
    b'"inputs":[{"name":"x","datatype":"FP32","shape":[-1,2]}],'
    b'"outputs":[{"name":"probs","datatype":"FP32","shape":[-1,3]},'
    b'{"name":"klass","datatype":"INT64","shape":[-1]}]}'
)
READY_INDEX = b",".join(
    b'{"name":"%b","version":"2","state":"READY","reason":""}' % name
    for name in (b"churn", b"pair", b"words")
)
BROKEN = b'{"name":"broken","version":"2","state":"UNAVAILABLE","reason":"x.h5: damaged"}'
TOLD = {
    "the server": Pair(
        "GET /v2",
        answer=b'{"name":"kerasd","version":"%b","extensions":["classification","model_repository",'
        b'"model_repository(unload_dependents)","model_configuration","binary_tensor_data",'
        b'"parameters","statistics"]}' % __version__.encode(),
    ),
    "that it lives": Pair("GET /v2/health/live", answer=b'{"live":true}'),
    "that it is ready": Pair("GET /v2/health/ready", answer=b'{"ready":true}'),
    "which models there are": Pair(
        "GET /v2/models", answer=b'{"models":["broken","churn","pair","words"]}'
    ),
    "a model": Pair("GET /v2/models/churn", answer=METADATA),
    "a version": Pair("GET /v2/models/churn/versions/2", answer=METADATA),
    "that a model is ready": Pair(
        "GET /v2/models/churn/ready", answer=b'{"name":"churn","ready":true}'
    ),
    "the index": Pair(
        "POST /v2/repository/index", answer=b"[" + BROKEN + b"," + READY_INDEX + b"]"
    ),
    "the index of what is ready": Pair(
        "POST /v2/repository/index", b'{"ready":true}', answer=b"[" + READY_INDEX + b"]"
    ),
    "what is logged": Pair(
        "GET /v2/logging",
        answer=b'{"log_file":"","log_info":true,"log_warning":true,"log_error":true,'
        b'"log_verbose_level":0,"log_format":"json"}',
    ),
}
GOLDEN = {**ANSWERED, **REFUSED, **TOLD}


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebProcess]:
    fakes = {
        "churn": Churn(CHURN), "pair": FakeVersion(PAIR),
        "words": FakeVersion(echoing(STRING, (None, 1))),
    }  # fmt: skip
    configs = {"churn": ModelConfig(task="multiclass", labels=("stay", "leave", "unsure"))}
    others = (row("broken", State.FAILED, "x.h5: damaged"),)
    folder = tmp_path_factory.mktemp("contract")
    with working(folder, fakes, configs, others, extra_keys=False) as process:
        yield process


@pytest.mark.parametrize("pair", GOLDEN.values(), ids=GOLDEN)
def test_it_is_answered_to_the_letter(client: Client, pair: Pair) -> None:
    method, path = pair.asks.split()
    length = {} if pair.length is None else {LENGTH: str(pair.length)}
    answer = client.ask(method, path, pair.body, **length)
    assert answer.body == pair.answer
    assert answer.status == pair.status
    assert answer.headers.items() >= pair.headers.items()
    assert answer.headers["content-length"] == str(len(pair.answer))
    if answer.headers["content-type"] == "application/json":
        assert LENGTH not in answer.headers
