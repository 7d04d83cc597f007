"""A version answers sample requests before anybody else's, so that no request pays for the first.

The requests go the way of every other one: decoded, run at each size that requests may be joined
to, decided and encoded; they are not counted as predictions.
"""

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import orjson

from service.base.compiled import Compiled, read_verified
from service.base.errors import DeadlineExceeded, KerasdError, RuntimeLost
from service.base.golden import GOLDEN_FILE, unpack_golden
from service.base.metrics import MODEL_WARM_UP
from service.base.signature import Signature, Tensors
from service.repository.decisions import maker
from service.repository.sample_requests import SampleFile
from service.web.exchange import Call, Translator
from service.web.paths import PredictPath
from service.web.served import ServedVersion
from service.web.v1.encoding import as_columns, write

logger = logging.getLogger(__name__)

WARM_UP_S = 2.0
MAX_SAMPLES = 32


def warm_up(
    served: ServedVersion,
    translator: Translator,
    found: SampleFile | None,
    read_golden: Callable[[], Tensors | None],
) -> float:
    """Warm a version with what the operator keeps for that, else with its golden inputs; seconds.

    A sample that doesn't fit is told in the log; it is no reason to refuse the version. Raises
    RuntimeLost where the version's process went away meanwhile.
    """
    started = time.perf_counter()
    model = served.facts.identity.model
    if found is None or not _warm_with(served, translator, found):
        golden = read_golden()
        if golden is not None:
            answer_all(served, translator, [body_of(golden, served.facts.signature)])
    took_s = time.perf_counter() - started
    MODEL_WARM_UP.labels(model).observe(took_s)
    return took_s


def answer_all(served: ServedVersion, translator: Translator, bodies: Iterable[bytes]) -> str:
    """Answer each body at each size; the first reason why one can't be, or nothing.

    Ends after WARM_UP_S.
    """
    identity = served.facts.identity
    path = PredictPath(identity.model, identity.version, "predict")
    deadline = time.monotonic() + WARM_UP_S
    problem = ""
    for body in bodies:
        try:
            _rehearse(served, translator, Call(path, {}, body, deadline))
        except RuntimeLost:
            raise
        except DeadlineExceeded:
            break
        except KerasdError as error:
            problem = problem or str(error)
    return problem


def golden_inputs(folder: Path, compiled: Compiled) -> Tensors | None:
    """What a compiled version was verified with; none where that was too large to be kept."""
    if GOLDEN_FILE not in compiled.files:
        return None
    content = read_verified(folder, compiled, GOLDEN_FILE)
    return unpack_golden(content, compiled.signature, f"{folder.name}/{GOLDEN_FILE}")[0]


def read_bodies(found: SampleFile) -> list[bytes]:
    """The bodies in a file: one request, or a list of them. Raises ValueError.

    Of examples, which may be many, it is the first instance.
    """
    if not found.is_example and not found.content.lstrip().startswith(b"["):
        return [found.content]
    try:
        document = orjson.loads(found.content)
    except orjson.JSONDecodeError as error:
        raise ValueError(f"it is no JSON: {error.msg}") from error
    requests = document if isinstance(document, list) else [document]
    if not requests or not all(isinstance(request, dict) for request in requests):
        raise ValueError("expected a request body or a list of them")
    if len(requests) > MAX_SAMPLES:
        raise ValueError(f"expected at most {MAX_SAMPLES} requests, got {len(requests)}")
    if found.is_example:
        requests = [_first_of(request) for request in requests[:1]]
    return [orjson.dumps(request) for request in requests]


def body_of(inputs: Tensors, signature: Signature) -> bytes:
    """A request for one row of these inputs, or for all where a model takes no other number."""
    rows = slice(None) if _has_fixed_rows(signature) else slice(1)
    return write({"inputs": as_columns({name: a[rows] for name, a in inputs.items()}, True)})


def sizes_of(served: ServedVersion) -> Sequence[int | None]:
    """The numbers of rows to try: what requests may be joined to, by powers of two.

    None stands for a request as it is.
    """
    plan = served.plan
    if _has_fixed_rows(served.facts.signature) or not plan.is_batched:
        return (None,)
    return [1 << power for power in range(plan.max_batch_size.bit_length())]


def _warm_with(served: ServedVersion, translator: Translator, found: SampleFile) -> bool:
    """True if all of the file's requests were answered."""
    problem = found.problem
    if not problem:
        try:
            problem = answer_all(served, translator, read_bodies(found))
        except ValueError as error:
            problem = str(error)
    if problem:
        identity = served.facts.identity
        fields = {"model": identity.model, "version": identity.version, "file": found.name}
        level = logging.DEBUG if found.is_example else logging.WARNING
        logger.log(level, "sample requests don't fit", extra={**fields, "why": problem})
    return not problem


def _rehearse(served: ServedVersion, translator: Translator, call: Call) -> None:
    facts = served.facts
    decide = maker(facts.config, facts.signature)
    for rows in sizes_of(served):
        if time.monotonic() >= call.deadline:
            raise DeadlineExceeded(WARM_UP_S)
        asked = translator.decode(call, facts)
        if rows is not None:
            asked = replace(asked, inputs=_repeated(asked.inputs, rows), rows=rows)
        outputs = served.try_out(asked.inputs, call.deadline).outputs
        first = outputs[facts.signature.outputs[0].name]
        translator.encode(asked, facts, outputs, None if decide is None else decide(first))


def _repeated(inputs: Tensors, rows: int) -> Tensors:
    return {name: np.resize(array, (rows, *array.shape[1:])) for name, array in inputs.items()}


def _first_of(request: dict[str, object]) -> dict[str, object]:
    rows = request.get("instances")
    return {"instances": rows[:1]} if isinstance(rows, list) else request


def _has_fixed_rows(signature: Signature) -> bool:
    return any(spec.shape and spec.shape[0] is not None for spec in signature.inputs)
