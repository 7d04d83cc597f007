"""The one reading of prediction paths, for the front and for Flask."""

import re
from dataclasses import dataclass
from typing import Literal

from service.base.names import parse_version

PREDICT = re.compile(
    r"/v1/models/(?P<model>[^/:]+)(?:/versions/(?P<version>[^/:]+))?:(?P<verb>\w+)"
)
PREDICT_ROUTE = "/v1/models/{model}:predict"

Verb = Literal["predict"]


@dataclass(frozen=True, slots=True)
class PredictPath:
    """Which model, which version (none = the one that is served), and what to do."""

    model: str
    version: int | None
    verb: Verb


def parse_predict_path(path: str) -> PredictPath | None:
    """The parts of a prediction path, or none if it isn't one."""
    match = PREDICT.fullmatch(path)
    if match is None or match["verb"] != "predict":
        return None
    version = None
    if match["version"] is not None:
        version = parse_version(match["version"])
        if version is None:
            return None
    return PredictPath(match["model"], version, "predict")
