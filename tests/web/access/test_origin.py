"""What web pages may ask where access is open: all but changes, and those of nobody's name."""

from collections.abc import Iterator

import pytest

from service.web.access.origin import is_own
from service.web.process import WebProcess
from tests.fakes import FakeVersion
from tests.web.access.keyed import bearer, give_key
from tests.web.client import WAYS, Client, asking, working

LOAD = "/v2/repository/models/m/load"
PREDICT = "/v1/models/m:predict"
BODY = {"instances": [[1, 2, 3]]}
OTHER_SITE = "http://evil.invalid"


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebProcess]:
    folder = tmp_path_factory.mktemp("open")
    with working(folder, {"m": FakeVersion()}, model_control=False) as process:
        yield process


@pytest.mark.parametrize("path", [LOAD, "/v2/logging", "/v1/admin/models/m/load"])
def test_a_page_changes_nothing(client: Client, path: str) -> None:
    for origin in (OTHER_SITE, "null", "http://localhost:8080"):
        answer = client.post(path, b"{}", Origin=origin, Content_Type="text/plain")
        assert answer.status == 403
        assert "Origin" in answer.json["error"]


@pytest.mark.parametrize("host", ["evil.invalid", "evil.invalid:8080", "localhost.evil.invalid"])
def test_a_name_that_was_pointed_here_changes_nothing(client: Client, host: str) -> None:
    answer = client.post(LOAD, b"{}", Host=host)

    assert answer.status == 403
    assert host in answer.json["error"]


@pytest.mark.parametrize(
    "header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "X-Forwarded-Host", "Via"]
)
def test_what_a_proxy_hands_on_changes_nothing(client: Client, header: str) -> None:
    """It may listen to everybody, though this service doesn't."""
    handed_on = {header.replace("-", "_"): "203.0.113.9", "Host": "127.0.0.1:8080"}

    answers = [client.post(LOAD, b"{}", **handed_on), client.ask("GET", "/v1/audit", **handed_on)]

    for answer in answers:
        assert answer.status == 403
        assert "proxy" in answer.json["error"]
    assert client.post(PREDICT, BODY, **handed_on).status == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/v1/audit"), ("GET", "/v1/models/m/diff?from=1&to=2"),
     ("POST", "/v2/repository/index"), ("GET", "/v2/logging")],
)  # fmt: skip
def test_what_tells_of_changes_is_not_told_to_a_name_that_was_pointed_here(
    client: Client, method: str, path: str
) -> None:
    answer = client.ask(method, path, Host="evil.invalid")

    assert answer.status == 403
    assert "evil.invalid" in answer.json["error"]
    assert client.ask(method, path, Host="localhost:1").status != 403


def test_a_page_may_ask_for_predictions(client: Client) -> None:
    assert client.post(PREDICT, BODY, Origin=OTHER_SITE, Host="evil.invalid").status == 200
    assert client.ask("GET", "/livez", Host="evil.invalid").status == 200


@pytest.fixture(scope="module")
def lenient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebProcess]:
    folder = tmp_path_factory.mktemp("cors")
    with working(folder, {"m": FakeVersion()}, cors=True) as process:
        yield process


@pytest.mark.parametrize("way", WAYS, ids=["flask", "front"])
@pytest.mark.parametrize(
    ("method", "path", "is_read"),
    [("GET", "/v1/audit", False), ("GET", "/v1/models/m/diff?from=1&to=2", False),
     ("GET", "/metrics", False), ("POST", "/v2/repository/index", False),
     ("GET", "/v2/models/stats", False), ("GET", "/nowhere", False),
     ("OPTIONS", "/v1/audit", False), ("OPTIONS", "/v1/models/m/versions/1:promote", False),
     ("OPTIONS", PREDICT, True), ("GET", "/v1/models/m", True), ("GET", "/livez", True)],
)  # fmt: skip
def test_how_the_service_is_run_is_not_for_pages(
    lenient: WebProcess, way: type[Client], method: str, path: str, is_read: bool
) -> None:
    with asking(way, lenient) as client:
        answer = client.ask(method, path, Origin="https://page.example")

    assert ("access-control-allow-origin" in answer.headers) == is_read


@pytest.mark.parametrize("host", ["localhost:8080", "127.0.0.1", "[::1]:8080"])
def test_programs_of_this_machine_get_further(client: Client, host: str) -> None:
    answer = client.post(LOAD, b"{}", Host=host)

    assert "model_control" in answer.json["error"]


@pytest.mark.parametrize("way", WAYS, ids=["flask", "front"])
def test_with_keys_a_page_that_has_one_may(
    tmp_path_factory: pytest.TempPathFactory, way: type[Client]
) -> None:
    folder = tmp_path_factory.mktemp("keys")
    key = give_key(folder / "keys.json", "console", "admin")
    with (
        working(folder, {}, access="keys", model_control=False) as process,
        asking(way, process) as client,
    ):
        answer = client.post(LOAD, b"{}", Origin=OTHER_SITE, Host="any.name", **bearer(key))

        assert "model_control" in answer.json["error"]


@pytest.mark.parametrize(
    ("host", "own"),
    [
        ("localhost", True), ("LOCALHOST:1", True), ("localhost.:80", True), ("a.localhost", True),
        ("127.0.0.1", True), ("10.1.2.3:8080", True), ("[::1]", True), ("[fe80::1]:80", True),
        ("", False), ("example.org", False), ("127.0.0.1.nip.io", False), ("notlocalhost", False),
        ("2130706433", False), ("0x7f.1", False), ("[localhost]", False), ("127.0.0.1@x", False),
        ("١٢٧.0.0.1", False),
    ],
)  # fmt: skip
def test_which_hosts_no_other_site_can_be_called(host: str, own: bool) -> None:
    assert is_own(host) is own
