"""Every route has its line in the table of needs, and the document says what the service does."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.base.roles import Role
from service.web.access.needs import ADMIN, REST, TABLE, TRAIN, Need, need_of
from service.web.app import create_app
from service.web.process import WebProcess
from tests.web.access.table import ANY, OPEN, VALUES, make_table, routes, written_table
from tests.web.client import make_worker

HOW = "rewrite docs/security.md with: python -m tests.web.access.table"
HEALTH = {"/", "/livez", "/readyz", "/v2/health/live", "/v2/health/ready"}
IN = "let in"
REFUSED = ["401", "401", "401", "403", "403"]
EXPECTED = {OPEN: [IN] * 5, ANY: ["401", "401", "401", IN, IN]}
CHANGING = {"PUT", "DELETE", "PATCH"}


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebProcess]:
    worker = make_worker(tmp_path_factory.mktemp("needs"), {})
    yield worker
    worker.close()


def test_every_route_has_a_line(process: WebProcess) -> None:
    forgotten = [
        f"{route.method} {route.path}"
        for route in routes(process)
        if need_of(route.method, route.example) is REST
    ]

    assert len(routes(process)) > 30
    assert forgotten == []


def test_health_is_open_and_nothing_else(process: WebProcess) -> None:
    listed = routes(process)

    assert {r.path for r in listed if not need_of(r.method, r.example).roles} == HEALTH


def test_what_changes_a_model_is_for_admin_and_data_for_those_who_train(
    process: WebProcess,
) -> None:
    for route in routes(process):
        need = need_of(route.method, route.example)
        if route.method in CHANGING:
            assert need.roles == ADMIN or (need.roles == TRAIN and "/data" in route.path), route
            assert need.is_changing
        if need.roles == ADMIN and "{model}" in route.path:
            assert need.model == VALUES["model"], route


def test_a_route_about_a_model_says_which(process: WebProcess) -> None:
    for route in routes(process):
        is_general = need_of(route.method, route.example).is_general
        if (
            "{model}" in route.path
            and "trace" not in route.path
            and "{repository}" not in route.path
        ):
            assert need_of(route.method, route.example).model == VALUES["model"], route
            assert not is_general


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/nowhere"),
        ("POST", "/metrics"),
        ("POST", "/livez"),
        ("PATCH", "/v1/models/m"),
        ("POST", "/v1/models/m:explode"),
        ("GET", "/v1/models/m/surprise"),
        ("GET", "/v1/models/m/versions/1/versions/2"),
        ("BREW", "/"),
        ("POST", "/v1/admin/models/m/load"),
        ("GET", "/livez\n"),
        ("GET", "/livez/../metrics"),
    ],
)
def test_what_has_no_line_is_for_admin_alone(method: str, path: str) -> None:
    assert need_of(method, path) is REST
    assert Need(frozenset({Role.ADMIN})) == REST


@pytest.mark.parametrize("form", ["{}", "{}/", "/{}", "{}//"], ids=["same", "end", "start", "ends"])
def test_a_path_that_is_routed_alike_needs_as_much(process: WebProcess, form: str) -> None:
    adapter = create_app(process).url_map.bind("localhost")
    for route in routes(process):
        path = form.format(route.example)
        if adapter.test(path, route.method):
            rule, _ = adapter.match(path, route.method, return_rule=True)
            if "<path:" not in rule.rule:
                as_flask_sees_it = "/" + path.lstrip("/")
                needed = need_of(route.method, as_flask_sees_it).roles
                assert needed == need_of(route.method, route.example).roles, path


def test_no_line_stands_in_vain(process: WebProcess) -> None:
    asked = [(route.method, route.example) for route in routes(process)]
    asked += [("GET", "/v2/trace/setting"), ("POST", "/v2/models/m/generate")]
    for line in TABLE:
        pattern = re.compile(re.sub(r"\?P<\w+>", "", line.pattern))
        assert any(m in line.methods and pattern.fullmatch(path) for m, path in asked), line


def test_the_document_has_the_table_that_the_service_makes(tmp_path: Path) -> None:
    made = make_table(tmp_path)

    for line in made.splitlines()[2:]:
        _, role, *statuses = [cell.strip() for cell in line.strip("|").split("|")]
        assert statuses == EXPECTED.get(role, REFUSED), line
    assert written_table() == made, HOW
