"""The document is whole, is OpenAPI 3.1, and says of every route what is true."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from service.base import errors, http_errors
from service.base.errors import KerasdError, OperatorError
from service.base.strict_json import Json
from service.web.openapi import examples
from service.web.openapi.document import NAME, REFUSALS, all_operations, assemble
from service.web.openapi.operation import EDGE
from service.web.paths import ROUTES, parse_predict_path
from service.web.v1.routes import GET_PATH


@pytest.fixture(scope="module")
def document() -> Json:
    return assemble()


def operations(document: Json) -> Iterator[tuple[str, str, Json]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def resolve(document: Json, place: str) -> Any:
    found: Any = document
    for part in place.removeprefix("#/").split("/"):
        found = found[part]
    return found


def test_it_is_openapi_3_1(document: Json) -> None:
    assert document["openapi"] == "3.1.0"
    assert set(document) == {"openapi", "info", "tags", "paths", "security", "components"}
    assert {"title", "version"} <= document["info"].keys()
    assert json.loads(json.dumps(document, allow_nan=False)) == document


def test_every_reference_leads_somewhere(document: Json) -> None:
    places = set(references(document))
    assert places
    for place in places:
        assert resolve(document, place)


def test_every_component_is_used(document: Json) -> None:
    places = set(references(document))
    for kind, components in document["components"].items():
        for name in components:
            if kind == "securitySchemes":
                assert {name: []} in document["security"]
            else:
                assert f"#/components/{kind}/{name}" in places


def test_every_operation_has_a_name_of_its_own(document: Json) -> None:
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(names) == len(set(names))
    tags = {tag["name"] for tag in document["tags"]}
    assert all(operation["tags"][0] in tags for _, _, operation in operations(document))


def test_every_parameter_of_a_path_is_declared(document: Json) -> None:
    for path, _, operation in operations(document):
        declared = [resolve(document, item["$ref"]) for item in operation.get("parameters", [])]
        in_path = {item["name"] for item in declared if item["in"] == "path"}
        assert in_path == set(re.findall(r"\{(\w+)\}", path)), path
        assert all(item["required"] for item in declared if item["in"] == "path")


def test_every_answer_is_described_and_success_is_200(document: Json) -> None:
    for path, _, operation in operations(document):
        answers = operation["responses"]
        assert "200" in answers, path
        assert {str(status) for status in EDGE} <= answers.keys()
        for status, answer in answers.items():
            assert re.fullmatch("[1-5][0-9][0-9]", status)
            whole = resolve(document, answer["$ref"]) if "$ref" in answer else answer
            assert whole["description"]


def test_every_error_that_may_leave_is_described() -> None:
    ours = [
        kind
        for module in (errors, http_errors)
        for kind in vars(module).values()
        if isinstance(kind, type)
        and issubclass(kind, KerasdError)
        and not issubclass(kind, OperatorError)
    ]
    assert {kind.status for kind in ours} == set(REFUSALS)


def test_signs_of_life_alone_need_no_key(document: Json) -> None:
    is_open = {path for path, _, operation in operations(document) if "security" in operation}
    assert is_open == {"/", "/livez", "/readyz", "/v2/health/live", "/v2/health/ready"}
    for path, _, operation in operations(document):
        assert ("401" in operation["responses"]) == (path not in is_open)


def test_what_operators_send_is_read_by_what_describes_it(document: Json) -> None:
    schema = document["components"]["schemas"]["SwapBody"]
    assert schema["additionalProperties"] is False
    assert schema["properties"]["expected_current"]["minimum"] == 1


def test_the_example_is_a_row_of_the_sample_model(sample_repository: Path) -> None:
    rows = json.loads((sample_repository / examples.MODEL / "examples.json").read_text())
    assert examples.ROW in rows["instances"]


def test_every_prediction_path_is_there_and_is_one(document: Json) -> None:
    written = {
        path.replace("{model}", "m").replace("{version}", "3").replace("{label}", "stable")
        for path, method, operation in operations(document)
        if "504" in operation["responses"] and operation["tags"][0].startswith("Protocol")
    }
    parsed = {path: parse_predict_path(path) for path in written}
    assert all(parsed.values())
    v1 = [f"/v1/models/m{place}" for place in ("", "/versions/3", "/labels/stable")]
    v2 = [f"/v2/models/m{place}" for place in ("", "/versions/3")]
    verbs = set(ROUTES) - {"infer"}
    assert written == {f"{base}:{verb}" for base in v1 for verb in verbs} | {
        f"{base}/infer" for base in v2
    }


def test_operations_are_what_is_assembled(document: Json) -> None:
    assert len(all_operations()) == len(list(operations(document)))


def test_every_path_of_version_1_is_understood(document: Json) -> None:
    for path, method, operation in operations(document):
        is_own = operation["tags"][0] in ("Operators", "Quality", "Jobs") or path.endswith(
            "/sample"
        )
        if method == "get" and path.startswith("/v1/") and not is_own:
            assert GET_PATH.fullmatch(NAME.sub("7", path)), path
