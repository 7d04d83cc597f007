"""Asks with tritonclient in compressed bodies, both ways, one way, and mixed."""

import itertools
import sys
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import tritonclient.http as triton

WAYS = (None, "gzip", "deflate")


def main(url: str, answers: Path) -> None:
    with np.load(answers / "churn-64.npz") as stored:
        x, y = stored["in.x"], stored["out.probs"]
    with triton.InferenceServerClient(urlsplit(url).netloc) as client:
        for there, back in itertools.product(WAYS, WAYS):
            for is_binary in (True, False):
                given = triton.InferInput("x", list(x.shape), "FP32")
                given.set_data_from_numpy(x, binary_data=is_binary)
                answer = client.infer(
                    "churn", [given],
                    outputs=[triton.InferRequestedOutput("probs", binary_data=is_binary)],
                    request_compression_algorithm=there, response_compression_algorithm=back,
                )  # fmt: skip
                np.testing.assert_allclose(answer.as_numpy("probs"), y, atol=1e-5)
        check_that_answers_are_compressed(client, x)


def check_that_answers_are_compressed(client: triton.InferenceServerClient, x: np.ndarray) -> None:
    """By asking in the client's own words for a body that is large enough."""
    given = triton.InferInput("x", list(x.shape), "FP32")
    given.set_data_from_numpy(x, binary_data=False)
    body, _ = client.generate_request_body(
        [given], outputs=[triton.InferRequestedOutput("probs", binary_data=False)]
    )
    for encoding in ("gzip", "deflate"):
        headers = {"Accept-Encoding": encoding}
        told = client._post("v2/models/churn/infer", body, headers, None)
        assert told.get("Content-Encoding") == encoding
        content = bytes(told.read())
        answer = client.parse_response_body(content, content_encoding=encoding)
        assert answer.as_numpy("probs").shape == (64, 3)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
    print("done")
