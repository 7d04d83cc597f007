"""One contract for both ways in: who is let in, who isn't, and what those are told."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.web.front import Front
from service.web.process import WebProcess
from tests.fakes import FakeVersion
from tests.web.access.keyed import STRANGER, bearer, give_key, take_key
from tests.web.client import WAYS, Answer, Client, Exchange, asking, counted, working

BODY = {"instances": [[1, 2, 3]]}
PREDICT = "/v1/models/m:predict"
INFER = "/v2/models/m/infer"
LOAD = "/v2/repository/models/m/load"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("keyed")


@pytest.fixture(scope="module")
def keys(folder: Path) -> dict[str, str]:
    """A key for everything, and one for each fault."""
    path = folder / "keys.json"
    made = {
        "all": give_key(path, "all", "admin"),
        "client": give_key(path, "client", "predict"),
        "metrics": give_key(path, "metrics", "metrics"),
        "reader": give_key(path, "reader", "read"),
        "limited": give_key(path, "limited", "predict read metrics admin", models="m"),
        "elsewhere": give_key(path, "elsewhere", "admin", models="other"),
        "often": give_key(path, "often", "predict", rate="3/h"),
        "often_too": give_key(path, "often-too", "predict", rate="3/h"),
        "ended": give_key(path, "ended", "admin", ends_in_s=-1),
        "revoked": give_key(path, "revoked", "admin"),
        "unknown": STRANGER,
    }
    take_key(path, "revoked")
    return made


@pytest.fixture(scope="module")
def process(folder: Path, keys: dict[str, str]) -> Iterator[WebProcess]:
    with working(folder, {"m": FakeVersion()}, access="keys", model_control=False) as process:
        yield process


def refused(answer: Answer, status: int) -> str:
    """The error's text; the answer has the protocols' shape."""
    assert answer.status == status, answer.body
    assert answer.headers["content-type"] == "application/json"
    assert list(answer.json) == ["error"]
    return str(answer.json["error"])


class TestLetIn:
    @pytest.mark.parametrize("path", [PREDICT, "/v1/models/m/versions/2:predict"])
    @pytest.mark.parametrize("name", ["client", "all", "limited"])
    def test_a_key_with_the_role(
        self, client: Client, keys: dict[str, str], path: str, name: str
    ) -> None:
        assert client.post(path, BODY, **bearer(keys[name])).status == 200

    def test_a_key_in_either_header(self, client: Client, keys: dict[str, str]) -> None:
        assert client.post(PREDICT, BODY, X_API_Key=keys["client"]).status == 200
        assert client.post(PREDICT, BODY, Authorization=f"bearer  {keys['client']}").status == 200
        both = {**bearer(keys["client"]), "X_API_Key": keys["client"]}
        assert client.post(PREDICT, BODY, **both).status == 200

    @pytest.mark.parametrize("path", ["/", "/livez", "/readyz", "/v2/health/live"])
    def test_everybody_where_health_is_asked(
        self, client: Client, keys: dict[str, str], path: str
    ) -> None:
        for key in ("revoked", "unknown", "elsewhere"):
            assert client.ask("GET", path, **bearer(keys[key])).status == 200
        assert client.ask("GET", path).status == 200

    def test_clients_may_read_what_they_need(self, client: Client, keys: dict[str, str]) -> None:
        for path in ("/v1/models/m", "/v1/models/m/metadata", "/v2/models/m/ready", "/v2"):
            assert client.ask("GET", path, **bearer(keys["client"])).status == 200

    def test_the_index_is_for_readers(self, client: Client, keys: dict[str, str]) -> None:
        assert client.post("/v2/repository/index", **bearer(keys["reader"])).status == 200


class TestUnknown:
    @pytest.mark.parametrize("name", ["ended", "revoked", "unknown"])
    @pytest.mark.parametrize(
        ("method", "path"), [("POST", PREDICT), ("POST", INFER), ("GET", "/v1/models"),
                             ("POST", LOAD), ("GET", "/metrics"), ("DELETE", "/nowhere")],
    )  # fmt: skip
    def test_all_that_are_not_good_are_told_the_same(
        self, client: Client, keys: dict[str, str], name: str, method: str, path: str
    ) -> None:
        bare = client.ask(method, path, b"{}")
        given = client.ask(method, path, b"{}", **bearer(keys[name]))

        assert refused(given, 401) == refused(bare, 401)
        for answer in (bare, given):
            assert answer.headers["www-authenticate"] == "Bearer"

    @pytest.mark.parametrize(
        "given",
        ["Bearer", "Bearer ", "Basic YTpi", "bearer", "{key}", "Token {key}", "Bearer {key} x",
         "Bearer {key},Bearer {key}", "Bearer {key}, {other}", "Bearer " + "a" * 7000,
         "Bearer \u00e9\u00ff", "Bearer kerasd_", "Bearer a.b.c", "Bearer {key}\u00a0"],
    )  # fmt: skip
    def test_a_header_that_holds_no_key(
        self, client: Client, keys: dict[str, str], given: str
    ) -> None:
        header = given.format(key=keys["all"], other=keys["client"])

        for path in (PREDICT, LOAD):
            refused(client.post(path, BODY, Authorization=header), 401)

    @pytest.mark.parametrize(
        "where", ["?key={}", "?api_key={}", "?access_token={}", "?authorization=Bearer+{}"]
    )
    def test_a_key_elsewhere_is_none(
        self, client: Client, keys: dict[str, str], where: str
    ) -> None:
        key = keys["all"]
        refused(client.ask("GET", "/v1/models" + where.format(key)), 401)
        refused(client.ask("GET", "/v1/models", Cookie=f"token={key}"), 401)
        refused(client.ask("GET", "/v1/models", Proxy_Authorization=f"Bearer {key}"), 401)

    def test_a_header_with_underscores_is_another_one(
        self, process: WebProcess, keys: dict[str, str]
    ) -> None:
        """Proxies that let a header through, or drop it, see its name as it was sent."""
        for path, method in (("/v1/models", "GET"), (LOAD, "POST"), (PREDICT, "POST")):
            asked = Exchange(method, path, b"{}", {"X_API_Key": keys["all"]})
            asyncio.run(asked.run(Front(process)))
            assert asked.answer is not None
            refused(asked.answer, 401)

    def test_two_headers_that_differ_are_none(self, client: Client, keys: dict[str, str]) -> None:
        both = {**bearer(keys["client"]), "X_API_Key": keys["all"]}

        refused(client.post(PREDICT, BODY, **both), 401)


class TestForbidden:
    @pytest.mark.parametrize(
        ("method", "path", "name"),
        [("POST", PREDICT, "metrics"), ("POST", INFER, "reader"), ("GET", "/metrics", "reader"),
         ("GET", "/v1/models", "metrics"), ("POST", LOAD, "client"), ("POST", LOAD, "reader"),
         ("POST", "/v2/logging", "reader"), ("GET", "/nowhere", "client"),
         ("POST", "/v1/models/m:explode", "client")],
    )  # fmt: skip
    def test_a_key_without_the_role(
        self, client: Client, keys: dict[str, str], method: str, path: str, name: str
    ) -> None:
        answer = client.ask(method, path, b"{}", **bearer(keys[name]))

        assert name in refused(answer, 403)
        assert "www-authenticate" not in answer.headers

    @pytest.mark.parametrize(
        ("method", "path"),
        [("POST", PREDICT), ("POST", INFER), ("GET", "/v1/models/m"), ("GET", "/v1/models"),
         ("GET", "/metrics"), ("POST", "/v2/repository/index"), ("POST", LOAD), ("GET", "/x")],
    )  # fmt: skip
    def test_a_key_for_another_model(
        self, client: Client, keys: dict[str, str], method: str, path: str
    ) -> None:
        answer = client.ask(method, path, b"{}", **bearer(keys["elsewhere"]))

        assert "its models only: other" in refused(answer, 403)

    def test_a_name_in_another_case_is_another_model(
        self, client: Client, keys: dict[str, str]
    ) -> None:
        refused(client.post("/v1/models/M:predict", BODY, **bearer(keys["limited"])), 403)

    def test_what_nobody_is_told(self, client: Client, keys: dict[str, str]) -> None:
        """Whether a model exists."""
        answers = [
            client.post(f"/v1/models/{model}:predict", BODY, **bearer(keys["elsewhere"]))
            for model in ("m", "nope")
        ]

        assert answers[0].body == answers[1].body


def test_a_rate_holds_for_both_ways_together(process: WebProcess, keys: dict[str, str]) -> None:
    statuses = []
    for _ in range(3):
        for way in WAYS:
            with asking(way, process) as client:
                answer = client.post(PREDICT, BODY, **bearer(keys["often"]))
                statuses.append(answer.status)

    assert sorted(statuses) == [200] * 3 + [429] * 3
    assert "3/h" in refused(answer, 429)
    assert 1100 < int(answer.headers["retry-after"]) <= 1200


def test_what_is_forbidden_costs_nothing_of_a_rate(client: Client, keys: dict[str, str]) -> None:
    for _ in range(10):
        refused(client.ask("GET", "/metrics", **bearer(keys["often_too"])), 403)


def test_refusals_are_counted(client: Client, keys: dict[str, str]) -> None:
    name = "kerasd_access_refused_total"
    before = [counted(name, reason=reason) for reason in ("unauthenticated", "forbidden")]

    client.post(PREDICT, BODY)
    client.post(PREDICT, BODY, **bearer(keys["metrics"]))

    after = [counted(name, reason=reason) for reason in ("unauthenticated", "forbidden")]
    assert [now - then for now, then in zip(after, before, strict=True)] == [1, 1]


class TestHeaders:
    @pytest.mark.parametrize(
        ("method", "path", "status"),
        [("POST", PREDICT, 200), ("GET", "/v1/models", 200), ("GET", "/v1/models/nope", 404),
         ("GET", "/metrics", 200), ("GET", "/docs", 200), ("GET", "/livez", 200),
         ("POST", LOAD, 403)],
    )  # fmt: skip
    def test_every_answer_has_those_for_browsers(
        self, client: Client, keys: dict[str, str], method: str, path: str, status: int
    ) -> None:
        body = BODY if method == "POST" else b""
        answer = client.ask(method, path, body, **bearer(keys["all"]))

        assert answer.status == status
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "server" not in answer.headers
        if path == "/docs":
            assert "default-src 'none'" in answer.headers["content-security-policy"]
        if path not in (PREDICT, "/docs", "/livez"):
            assert answer.headers["cache-control"] == "no-store"
            assert answer.headers["referrer-policy"] == "no-referrer"

    def test_a_refusal_is_no_page_to_keep(self, client: Client) -> None:
        answer = client.ask("GET", "/v1/models")

        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
