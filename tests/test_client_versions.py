"""The client's calls for operators: what they send, read and raise, and what is not sent twice."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from service.base.errors import ServiceRefused, ServiceUnreachable
from service.client import Client, Promoted
from service.client_files import FormBody, named_files
from tests.cli.test_versions import AUDIT, DIFF, MODEL, ROUTE, SWAP
from tests.scripted import Line, scripted


def sent(server: Any) -> tuple[str, Any]:
    """The one request that was made."""
    (asked,) = server.asked
    return f"{asked.method} {asked.path}", orjson.loads(asked.body) if asked.body else None


def test_a_promotion_is_typed() -> None:
    with scripted(Line(body=SWAP)) as server, Client(server.url) as client:
        done = client.promote("m", 2, expected_current=1, why="better")
    assert done == Promoted("m", 2, 1, 7, 12)
    assert sent(server) == ("POST /v1/models/m/versions/2:promote",
                            {"expected_current": 1, "why": "better"})  # fmt: skip


def test_a_model_is_typed() -> None:
    with scripted(Line(body=MODEL)) as server, Client(server.url) as client:
        model = client.model("m")
    assert (model.name, model.current, model.previous, model.is_pinned) == ("m", 2, (1,), True)
    assert model.canary == ROUTE["canary"]
    assert model.versions[0].labels == ("stable",)
    assert model.versions[0].workers[1]["reason"] == "its [file] is gone"


def test_the_audit_and_differences_are_read() -> None:
    with scripted(Line(body=AUDIT), Line(body=DIFF)) as server, Client(server.url) as client:
        (change,) = client.audit("m", limit=5)
        diff = client.diff("m", 1, 2)
    assert (change.who, change.before, change.after) == ("ann", {"current": 1}, {"current": 2})
    assert diff["differs"] == DIFF["differs"]


@pytest.mark.parametrize("name", ["a/b", "a b", "ä"])
def test_names_stay_within_their_place_of_the_path(name: str) -> None:
    with scripted(Line(body=ROUTE)) as server, Client(server.url) as client:
        client.drop_label(name, name)
    path = server.asked[0].path
    assert path.count("/") == 5
    assert path.isascii()


class TestOnce:
    def test_a_change_is_not_sent_again_when_the_connection_breaks(self) -> None:
        """It may have been made: a second rollback would go back further."""
        lines = [Line(drop=True), Line(body=SWAP)]
        with (
            scripted(*lines) as server,
            Client(server.url) as client,
            pytest.raises(ServiceUnreachable),
        ):
            client.rollback("m")
        assert len(server.asked) == 1

    @pytest.mark.parametrize("status", [429, 503])
    def test_it_is_where_the_service_says_that_it_was_not_made(self, status: int) -> None:
        lines = [Line(status, {"error": "busy"}, {"Retry-After": "0"}), Line(body=SWAP)]
        with scripted(*lines) as server, Client(server.url) as client:
            assert client.rollback("m").version == 2
        assert len(server.asked) == 2

    def test_a_conflict_has_its_status(self) -> None:
        with (
            scripted(Line(409, {"error": "current is version 3"})) as server,
            Client(server.url) as client,
            pytest.raises(ServiceRefused, match="current is version 3") as refused,
        ):
            client.promote("m", 2, expected_current=1)
        assert refused.value.status == 409


class TestUpload:
    def test_one_file_is_sent_as_it_is(self, tmp_path: Path) -> None:
        (tmp_path / "my model.h5").write_bytes(b"\x89HDF" * 1000)
        answer = Line(202, {"model": "m", "version": 4})
        with scripted(answer) as server, Client(server.url) as client:
            said = client.upload("m", [tmp_path / "my model.h5"], wait=True, why="new")
        assert said["version"] == 4
        (asked,) = server.asked
        assert asked.path == "/v1/models/m/versions?wait=true&why=new&filename=my+model.h5"
        assert asked.body == b"\x89HDF" * 1000
        assert asked.headers["Content-Length"] == "4000"

    def test_several_are_a_form(self, tmp_path: Path) -> None:
        (tmp_path / "a.json").write_bytes(b"{}")
        (tmp_path / "inner").mkdir()
        (tmp_path / "inner" / "w.h5").write_bytes(b"\x00\r\n--")
        with scripted(Line(body={})) as server, Client(server.url) as client:
            client.upload("m", [tmp_path], version=7)
        (asked,) = server.asked
        assert asked.path == "/v1/models/m/versions?version=7"
        assert int(asked.headers["Content-Length"]) == len(asked.body)
        assert b'filename="a.json"\r\n\r\n{}\r\n--' in asked.body
        assert b'filename="inner/w.h5"\r\n\r\n\x00\r\n--\r\n--' in asked.body

    def test_a_form_is_as_long_as_it_says(self, tmp_path: Path) -> None:
        (tmp_path / 'a"b').write_bytes(b"1" * (3 * 1024 * 1024))
        body = FormBody({'a"b': tmp_path / 'a"b'})
        written = b"".join(body)
        assert len(body) == len(written)
        assert b'filename="a%22b"' in written

    def test_files_have_names_of_their_own(self, tmp_path: Path) -> None:
        for folder in ("one", "two"):
            (tmp_path / folder).mkdir()
            (tmp_path / folder / "x.h5").touch()
        with pytest.raises(ValueError, match=r"two of the files have the name x\.h5"):
            named_files([tmp_path / "one" / "x.h5", tmp_path / "two" / "x.h5"])
        (tmp_path / "three").mkdir()
        with pytest.raises(ValueError, match="there is no file"):
            named_files([tmp_path / "three"])


def test_a_deletion_says_why_in_the_query() -> None:
    with scripted(Line(body={})) as server, Client(server.url) as client:
        client.delete_version("m", 1, why="too large", force=True)
    assert sent(server) == ("DELETE /v1/models/m/versions/1?why=too+large&force=true", None)
    with scripted(Line(body=ROUTE)) as server, Client(server.url) as client:
        client.drop_label("m", "c", why="a & b")
    assert sent(server) == ("DELETE /v1/models/m/labels/c?why=a+%26+b", None)
    with scripted(Line(body=ROUTE)) as server, Client(server.url) as client:
        client.traffic("m", why="enough")
    assert sent(server) == ("DELETE /v1/models/m/traffic?why=enough", None)
