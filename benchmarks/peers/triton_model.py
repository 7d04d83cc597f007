"""The model of Triton's python backend: what its own core has batched, run at once."""

from typing import Any

import triton_python_backend_utils as backend

from benchmarks.peers.engine import Engine


class TritonPythonModel:
    """Triton makes one of these in a process of its own and calls `execute`."""

    def initialize(self, args: dict[str, str]) -> None:
        """Load the model; the configuration says what its output is called."""
        self._engine = Engine()
        config = backend.json.loads(args["model_config"])
        self._input, self._output = config["input"][0]["name"], config["output"][0]["name"]

    def execute(self, requests: list[Any]) -> list[Any]:
        """One answer a request."""
        tensors = [backend.get_input_tensor_by_name(each, self._input) for each in requests]
        answers = self._engine.run_each([tensor.as_numpy() for tensor in tensors])
        return [
            backend.InferenceResponse(output_tensors=[backend.Tensor(self._output, answer)])
            for answer in answers
        ]
