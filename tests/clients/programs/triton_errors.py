"""Makes the mistakes that clients make with tritonclient, and reads what it is told of them."""

import sys
from urllib.parse import urlsplit

import numpy as np
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

X = np.zeros((2, 2), "float32")


class Mistakes:
    """A client whose requests must be refused, with a status and words to look for."""

    def __init__(self, client: triton.InferenceServerClient) -> None:
        self._client = client

    def refuse(
        self, status: str, *words: str, model: str = "churn", inputs: list[object], **more: object
    ) -> None:
        try:
            self._client.infer(model, inputs, **more)
        except InferenceServerException as error:
            assert error.status() == status, (error.status(), error.message())
            for word in words:
                assert word in error.message(), error.message()
            for hidden in ("Traceback", "/site-packages", 'File "'):
                assert hidden not in error.message()
        else:
            raise AssertionError(f"was not refused: {words}")


def give(name: str, array: np.ndarray, datatype: str, is_binary: bool = True) -> triton.InferInput:
    given = triton.InferInput(name, list(array.shape), datatype)
    given.set_data_from_numpy(array, binary_data=is_binary)
    return given


def make_mistakes(mistakes: Mistakes) -> None:
    right = [give("x", X, "FP32")]
    refuse = mistakes.refuse
    refuse("404", "Request for unknown model: 'nobody'", model="nobody", inputs=right)
    refuse("404", "'churn'", "99", inputs=right, model_version="99")
    refuse("503", "cut", "damaged or incomplete", model="cut", inputs=right)
    for is_binary in (True, False):
        wide = np.zeros((2, 5), "float32")
        refuse("400", "x", "shape", inputs=[give("x", wide, "FP32", is_binary)])
        flat = np.zeros(4, "float32")
        refuse("400", "x", "shape", inputs=[give("x", flat, "FP32", is_binary)])
        whole = np.zeros((2, 2), "int32")
        refuse("400", "x", "INT32", "FP32", inputs=[give("x", whole, "INT32", is_binary)])
        refuse("400", "z", inputs=[give("z", X, "FP32", is_binary)])
    age = give("age", np.zeros((1, 1), "float32"), "FP32")
    refuse("400", "expected 2 inputs but got 1", "plans", "plan", model="plans", inputs=[age])
    refuse("400", "2", "x", inputs=[*right, *right])
    asked = [triton.InferRequestedOutput("nothing")]
    refuse("400", "nothing", inputs=right, outputs=asked)
    bad = np.full((1, 2), np.nan, "float32")
    refuse("400", "x", inputs=[give("x", bad, "FP32")])
    out_of_range = [age, give("plan", np.full((1, 1), 9, "int32"), "INT32")]
    refuse("400", "inputs[1]", "from 0 to 3", model="plans", inputs=out_of_range)


def main(url: str) -> None:
    with triton.InferenceServerClient(urlsplit(url).netloc) as client:
        make_mistakes(Mistakes(client))
        answer = client.infer("churn", [give("x", X, "FP32")])  # none of it did any harm
        assert answer.as_numpy("probs").shape == (2, 3)


if __name__ == "__main__":
    main(sys.argv[1])
    print("done")
