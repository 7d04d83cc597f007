"""Paths of predictions: models, versions and labels as both protocols write them."""

import pytest

from service.web.paths import PredictPath, Verb, parse_predict_path


@pytest.mark.parametrize(
    ("path", "model", "version", "label"),
    [
        ("/v1/models/m:predict", "m", None, ""),
        ("/v1/models/m/versions/7:predict", "m", 7, ""),
        ("/V1/Models/m/Labels/Stable:Predict", "m", None, "Stable"),
        ("/v1/models/m/labels/7:predict", "m", None, "7"),
        ("/v2/models/m/infer", "m", None, ""),
        ("/v2/models/m/versions/7/infer", "m", 7, ""),
        ("/v2/models/m/versions/candidate/infer", "m", None, "candidate"),
        ("/v2/models/m/versions/v7/infer", "m", None, "v7"),
        ("/v2/models/m/versions/-1/infer", "m", None, "-1"),
        ("/v2/models/labels/versions/versions/infer", "labels", None, "versions"),
    ],
)
def test_a_version_or_a_label(path: str, model: str, version: int | None, label: str) -> None:
    verb: Verb = "infer" if path.startswith("/v2/") else "predict"
    assert parse_predict_path(path) == PredictPath(model, version, verb, label)


@pytest.mark.parametrize(
    "path",
    [
        "/v1/models/m/versions/candidate:predict",
        "/v1/models/m/versions/0:predict",
        "/v1/models/m/versions/7/labels/stable:predict",
        "/v2/models/m/versions/0/infer",
        "/v2/models/m/versions/007/infer",
        "/v2/models/m/versions/12345678901/infer",
        "/v2/models/m/versions/٣/infer",
        "/v2/models/m/versions//infer",
        "/v2/models/m/versions/a/b/infer",
        "/v2/models/m/labels/stable/infer",
        "/V2/models/m/infer",
    ],
)
def test_what_is_neither(path: str) -> None:
    assert parse_predict_path(path) is None
