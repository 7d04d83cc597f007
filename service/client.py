"""A client for a running kerasd: predictions on NumPy arrays, and what the service says of itself.

    with Client("http://localhost:8080") as client:
        prediction = client.predict("digits", images)

Arrays of numbers travel as the bytes they are (version 2 of the protocols), everything else as JSON
(version 1); the caller need not know. Connection errors, and answers that name a time to come again
(429, 503), are tried again by themselves where that does no harm.
"""

from urllib.parse import quote

from service.base.errors import ServiceRefused
from service.base.signature import Signature
from service.base.strict_json import Json
from service.client_events import JobNews
from service.client_jobs import JobCalls, JobStatus
from service.client_quality import Feedback, Forgotten, QualityCalls, RefusedLabel
from service.client_tensors import (
    Choice,
    Decision,
    Inputs,
    Prediction,
    as_arrays,
    binary_prediction,
    binary_request,
    json_prediction,
    json_request,
    signature_of,
)
from service.client_versions import Change, ModelStatus, Promoted, VersionCalls, VersionStatus

__all__ = [
    "Change",
    "Choice",
    "Client",
    "Decision",
    "Feedback",
    "Forgotten",
    "JobNews",
    "JobStatus",
    "ModelStatus",
    "Prediction",
    "Promoted",
    "RefusedLabel",
    "VersionStatus",
]

STALE = (400, 404)  # what a signature from before a new version may lead to
HEADER_LENGTH = "Inference-Header-Content-Length"


class Client(VersionCalls, QualityCalls, JobCalls):
    """Talks to one service; keeps its connections until `close`. Not for several threads at once.

    `timeout_s` is for one try; the service is told of it and doesn't compute in vain.
    """

    def __init__(
        self, url: str, api_key: str | None = None, timeout_s: float = 30, retries: int = 3
    ) -> None:
        super().__init__(url, api_key, timeout_s, retries)
        self._signatures: dict[str, Signature] = {}

    def predict(
        self, model: str, inputs: Inputs, version: int | None = None, label: str | None = None
    ) -> Prediction:
        """Ask for predictions: one array or list of instances, or one for each input by name.

        Raises ServiceUnreachable, ServiceRefused with the status, and TensorInvalid for arrays
        that don't fit the model's inputs.
        """
        place = _place(model, version, label)
        signature = self._signatures.get(place)
        is_fresh = signature is None
        if signature is None:
            signature = self._signatures[place] = self._signature(place)
        try:
            return self._predict(place, signature, inputs)
        except ServiceRefused as error:
            if is_fresh or error.status not in STALE:
                raise
            del self._signatures[place]
        return self.predict(model, inputs, version, label)

    def predict_json(
        self, model: str, inputs: Inputs, version: int | None = None, label: str | None = None
    ) -> Json:
        """The same as version 1 of the protocols answers it."""
        return self._predict_json(_place(model, version, label), inputs)

    def models(self) -> list[Json]:
        """Every version with its state; only the models' names where `extra_keys` is off."""
        answer = self.ask("GET", "/v1/models")
        versions: list[Json] = answer.get("versions") or [
            {"model": name} for name in answer["models"]
        ]
        return versions

    def status(self, model: str, version: int | None = None) -> list[Json]:
        """The versions of one model, in TensorFlow Serving's words."""
        answer = self.ask("GET", f"/v1/models/{_place(model, version)}")
        statuses: list[Json] = answer["model_version_status"]
        return statuses

    def metadata(self, model: str, version: int | None = None) -> Signature:
        """Names, types and shapes of inputs and outputs."""
        return self._signature(_place(model, version))

    def sample(self, model: str) -> Json:
        """A request that works, and commands and programs that send it."""
        sample: Json = self.ask("GET", f"/v1/models/{quote(model)}/sample")
        return sample

    def _predict(self, place: str, signature: Signature, inputs: Inputs) -> Prediction:
        arrays = None if "/labels/" in place else as_arrays(inputs, signature)
        if arrays is None:
            return json_prediction(self._predict_json(place, inputs), signature)
        head, body = binary_request(arrays)
        headers = {HEADER_LENGTH: str(head), "Content-Type": "application/octet-stream"}
        sent = self._send("POST", f"/v2/models/{place}/infer", body, headers)
        length = sent.headers.get(HEADER_LENGTH)
        return binary_prediction(sent.content, None if length is None else int(length), signature)

    def _predict_json(self, place: str, inputs: Inputs) -> Json:
        answer: Json = self.ask("POST", f"/v1/models/{place}:predict", json_request(inputs))
        return answer

    def _signature(self, place: str) -> Signature:
        return signature_of(self.ask("GET", f"/v1/models/{place}/metadata"))


def _place(model: str, version: int | None = None, label: str | None = None) -> str:
    """The part of a path that names what is asked."""
    if version is not None:
        return f"{quote(model)}/versions/{version}"
    return quote(model) if label is None else f"{quote(model)}/labels/{quote(label)}"
