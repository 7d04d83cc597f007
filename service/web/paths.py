"""The one reading of prediction paths, for the front and for Flask."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from service.base.names import parse_version

V1 = re.compile(
    r"/v1/models/(?P<model>[^/:]+)"
    r"(?:/versions/(?P<version>[^/:]+)|/labels/(?P<label>[^/:]+))?"
    r":(?P<verb>predict|classify|regress)",
    re.IGNORECASE,
)
V2 = re.compile(r"/v2/models/(?P<model>[^/:]+)(?:/versions/(?P<version>[^/:]+))?/(?P<verb>infer)")

Verb = Literal["predict", "classify", "regress", "infer"]
ROUTES: dict[Verb, str] = {
    "predict": "/v1/models/{model}:predict",
    "classify": "/v1/models/{model}:classify",
    "regress": "/v1/models/{model}:regress",
    "infer": "/v2/models/{model}/infer",
}
VERBS: dict[str, Verb] = {verb: verb for verb in ROUTES}


@dataclass(frozen=True, slots=True)
class PredictPath:
    """Which model, which version or label (none = what is served), and what to do."""

    model: str
    version: int | None
    verb: Verb
    label: str = ""

    @property
    def route(self) -> str:
        """The route for metrics: a label from a small closed set."""
        return ROUTES[self.verb]


@lru_cache(maxsize=1024)  # clients ask the same few again and again
def parse_predict_path(path: str) -> PredictPath | None:
    """The parts of a decoded prediction path, or none if it isn't one.

    Paths of version 1 don't mind the case, as TensorFlow Serving's don't; those of version 2 do,
    and have labels in the place of versions.
    """
    match = V2.fullmatch(path) if path.startswith("/v2/") else V1.fullmatch(path)
    if match is None:
        return None
    parts = match.groupdict()
    version, label = None, parts.get("label") or ""
    if parts["version"] is not None:
        version = parse_version(parts["version"])
        if version is None and match.re is V2 and is_label(parts["version"]):
            label = parts["version"]
        elif version is None:
            return None
    return PredictPath(parts["model"], version, VERBS[parts["verb"].lower()], label)


def is_label(text: str) -> bool:
    """True for what stands in the place of a version and is no number, be it a wrong one."""
    return not text.isdecimal()
