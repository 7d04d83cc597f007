"""The chart: it lints, refuses what is wrong in clear words, and has the files it is made of."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.chart import CHART, DECIDED, chart_files
from deploy.write import VALUE_SETS, ask_helm, rendering, values_of
from service import __version__
from service.base.settings import Settings
from service.base.strict_json import Json
from tests.deploy.objects import REPLICAS, of_kind, pods, render, rendered


def test_its_version_is_the_packages() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert chart["version"] == chart["appVersion"] == __version__


@pytest.mark.parametrize("path", chart_files(), ids=lambda path: str(path.relative_to(CHART)))
def test_its_files_are_what_they_are_made_of(path: Path) -> None:
    assert path.read_text() == chart_files()[path]  # else: make manifests


def test_nothing_lies_beside_the_copies() -> None:
    there = {path for path in (CHART / "files").rglob("*") if path.is_file()}
    assert there == {path for path in chart_files() if (CHART / "files") in path.parents}


def test_settings_that_the_chart_decides_are_there() -> None:
    assert set(Settings.model_fields) >= DECIDED


def test_every_value_is_explained_and_in_the_schema() -> None:
    lines = (CHART / "values.yaml").read_text().splitlines()
    schema = json.loads((CHART / "values.schema.json").read_text())
    values = yaml.safe_load("\n".join(lines))
    for name in values:
        index = lines.index(next(line for line in lines if line.startswith(f"{name}:")))
        following = [line.strip() for line in lines[index + 1 : index + 2]]
        is_explained = lines[index - 1].startswith("#") or following[0].startswith("#")
        assert is_explained or isinstance(values[name], dict), name
    _same_names(values, schema, "")


def _same_names(values: Any, schema: Any, place: str) -> None:
    """The schema knows every value, and no other, wherever it forbids unknown ones."""
    if schema.get("additionalProperties") is not False or place == ".settings":
        return
    known = set(schema["properties"]) - {"global"}
    unset = {"claims"} if place.endswith("resources") else set()
    assert known - unset == set(values), place
    for name, value in values.items():
        if isinstance(value, dict):
            _same_names(value, schema["properties"][name], f"{place}.{name}")


@pytest.mark.slow
@pytest.mark.parametrize("name", VALUE_SETS)
def test_helm_has_nothing_against_it(name: str) -> None:
    (answer,) = ask_helm([rendering(values_of(name)) | {"lint": True}])
    assert [message["error"] for message in answer["messages"]] == ["icon is recommended"]


@pytest.mark.slow
def test_values_become_settings() -> None:
    given = {"custom_objects": ["a.b", "c"], "max_rows": 2000000, "poll_s": 0.5, "cors": True}
    objects = render({"access": "open", "settings": given})
    told = of_kind(objects, "ConfigMap")["kerasd-settings"]["data"]
    assert told["KERASD_CUSTOM_OBJECTS"] == "a.b,c"
    assert told["KERASD_MAX_ROWS"] == "2000000"
    assert told["KERASD_POLL_S"] == "0.5"
    assert told["KERASD_CORS"] == "true"
    assert all(isinstance(value, str) for value in told.values())


@pytest.mark.slow
def test_models_of_the_image_need_no_volume() -> None:
    values = REPLICAS | {"repository": {"baked": True}, "volume": {"enabled": False}}
    objects = render(values)
    (container,) = pods(objects)["Deployment/kerasd-web"]["spec"]["containers"]
    told = of_kind(objects, "ConfigMap")["kerasd-settings"]["data"]
    assert "/models" not in {mount["mountPath"] for mount in container["volumeMounts"]}
    assert told["KERASD_REPOSITORY"] == "/models"
    assert "KERASD_COMPILED_DIR" not in told  # the image says where it has them


@pytest.mark.slow
def test_pods_are_replaced_when_a_setting_changes() -> None:
    notes = [
        pods(render({"access": "open", "settings": {"log_level": level}}))["Deployment/kerasd"]
        for level in ("INFO", "WARNING")
    ]
    first, second = (note["metadata"]["annotations"]["kerasd/settings"] for note in notes)
    assert first != second


@pytest.mark.slow
def test_the_image_is_the_charts_version_unless_told_otherwise() -> None:
    digest = "sha256:" + "a" * 64
    asked: tuple[tuple[Json, str], ...] = (
        ({}, "kerasd:" + __version__),
        ({"image": {"tag": "9"}}, "kerasd:9"),
        ({"image": {"tag": "9", "digest": digest}}, f"kerasd@{digest}"),
        ({"serveImage": {"repository": "small"}}, f"small:{__version__}-serve"),
    )
    for values, image in asked:
        pod = pods(render(REPLICAS | values))["Deployment/kerasd-web"]
        assert pod["spec"]["containers"][0]["image"] == image


@pytest.mark.slow
def test_an_account_that_is_there_is_used() -> None:
    objects = render(REPLICAS | {"serviceAccount": {"create": False, "name": "ml"}})
    names = {key: pod["spec"]["serviceAccountName"] for key, pod in pods(objects).items()}
    assert of_kind(objects, "ServiceAccount") == {}
    assert names["Deployment/kerasd-web"] == names["Deployment/kerasd-controller"] == "ml"


@pytest.mark.slow
def test_the_hook_needs_nothing_that_the_release_brings() -> None:
    job = of_kind(rendered("replicas"), "Job")["kerasd-migrate"]
    spec = job["spec"]["template"]["spec"]
    assert spec["serviceAccountName"] == "default"
    assert not any("envFrom" in container for container in spec["containers"])
    assert not re.search("configMap|persistentVolumeClaim", json.dumps(spec))


@pytest.mark.slow
@pytest.mark.parametrize("name", VALUE_SETS)
def test_helm_test_has_the_rights_of_the_others(name: str) -> None:
    test = pods(rendered(name))["Pod/kerasd-test"]
    others = pods(rendered(name))["Deployment/kerasd" + ("" if name == "single" else "-web")]
    keys = ("securityContext", "automountServiceAccountToken", "enableServiceLinks")
    assert [test["spec"][key] for key in keys] == [others["spec"][key] for key in keys]
    (container,) = test["spec"]["containers"]
    assert container["securityContext"] == others["spec"]["containers"][0]["securityContext"]
    assert container["command"][-1] == "http://kerasd:80/readyz"


@pytest.mark.slow
def test_tensorflow_runs_beside_each_web_process_and_outlives_it() -> None:
    secrets = {"database_url": {"existingSecret": "s"}}
    values = {"mode": "replicas", "keys": {"existingSecret": "k"}, "secrets": secrets}
    objects = render({**values, "web": {"tensorflow": {"enabled": True}}})
    spec = of_kind(objects, "Deployment")["kerasd-web"]["spec"]["template"]["spec"]
    (beside,), (web,) = spec["initContainers"], spec["containers"]
    assert (beside["restartPolicy"], beside["args"]) == ("Always", ["tensorflow"])
    for field in ("envFrom", "securityContext", "volumeMounts"):
        assert beside[field] == web[field]
    assert [one for one in beside["env"] if one not in web["env"]] == []
