"""MLServer's way to serve what it has no runtime for: a class of one's own."""

import numpy as np
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse

from benchmarks.peers.engine import Engine


class Predict(MLModel):
    """The model; MLServer puts requests together before `predict` and takes answers apart."""

    async def load(self) -> bool:
        """Load the model."""
        self._engine = Engine()
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """One request, or several put together."""
        rows = np.ascontiguousarray(NumpyCodec.decode_input(payload.inputs[0]), np.float32)
        answer = self._engine.run(rows.reshape(-1, *self._engine.shape))
        return InferenceResponse(
            model_name=self.name,
            model_version=self.version,
            outputs=[NumpyCodec.encode_output("y", answer)],
        )
