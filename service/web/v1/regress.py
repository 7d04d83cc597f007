"""Regress: examples in, one number for each back."""

import numpy as np

from service.base.errors import RequestInvalid
from service.base.signature import Signature, Tensors
from service.repository.decisions import Decisions
from service.web.exchange import Asked, Call, Facts, Reply, V1Body
from service.web.v1.encoding import as_columns, results, write
from service.web.v1.examples import read_examples


class Regress(V1Body):
    """The translator of `:regress`, over the model's first output."""

    def decode(self, call: Call, facts: Facts) -> Asked:
        """The inputs out of `examples`. Raises RequestInvalid, also for models that can't."""
        if not _is_one_number(facts.signature):
            also = " or :classify" if facts.decides or facts.chooses else ""
            raise RequestInvalid(
                f"Model '{facts.identity.model}' doesn't regress: its first output isn't one "
                f"number for each instance. It can be asked by :predict{also}"
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
        """A list of decimal numbers."""
        values = outputs[facts.signature.outputs[0].name].reshape(-1)
        if values.dtype.kind != "f":
            values = values.astype(np.float64)
        found = as_columns({"values": values}, facts.config.allow_non_finite)
        return Reply(write(results(found, facts, prediction_id)))


def _is_one_number(signature: Signature) -> bool:
    output = signature.outputs[0]
    is_number = output.dtype.startswith(("float", "int", "uint"))
    return is_number and output.item_shape in ((), (1,))
