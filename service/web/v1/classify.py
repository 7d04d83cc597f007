"""Classify: examples in, every class with its label and score back, in the model's own order."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from service.base.errors import RequestInvalid
from service.base.signature import Tensors
from service.repository.decisions import Decisions
from service.web.exchange import Asked, Call, Facts, Reply, V1Body
from service.web.v1.encoding import encodable, results, write
from service.web.v1.examples import read_examples


class Classify(V1Body):
    """The translator of `:classify`, over the model's first output."""

    def decode(self, call: Call, facts: Facts) -> Asked:
        """The inputs out of `examples`. Raises RequestInvalid, also for models without classes."""
        if not (facts.decides or facts.chooses):
            raise RequestInvalid(
                f"Model '{facts.identity.model}' doesn't classify: its first output isn't one "
                "score for each class. It can be asked by :predict"
            )
        return read_examples(call.body, facts)

    def encode(
        self,
        asked: Asked,
        facts: Facts,
        outputs: Tensors,
        decided: Decisions | None,
        prediction_id: str = "",
    ) -> Reply:
        """Lists of label and score; labels are empty where the model has none."""
        scores = outputs[facts.signature.outputs[0].name].reshape(asked.rows, -1)
        if scores.shape[1] == 1:  # a single probability: that of the second of two classes
            scores = np.concatenate([1 - scores, scores], axis=1)
        labels = facts.config.labels or ("",) * scores.shape[1]
        rows: Iterable[Iterable[Any]] = scores
        if facts.config.allow_non_finite:
            rows = [[encodable("", score, True) for score in row] for row in scores]
        found = [list(zip(labels, row, strict=True)) for row in rows]
        return Reply(write(results(found, facts, prediction_id)))
