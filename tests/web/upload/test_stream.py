"""Uploads through the edge, over real sockets: who may, how much, how slowly, and what stays."""

import hashlib
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from service.base.http_errors import Forbidden, Unauthenticated
from service.base.resident import resident_bytes
from service.web.upload.receiver import Receiver
from tests.lacking import need_root
from tests.running import wait_until
from tests.web.edge_server import LIMITS, Server, error, post, serving, status
from tests.web.upload.forms import CONTENT_TYPE, form
from tests.web.upload.keeper import PATH, Keeper, kept, uploads

HDF5 = b"\x89HDF\r\n\x1a\n" + b"weights" * 100
MEBIBYTE = 1024**2
CLOSE = b"Connection: close"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def head(length: int, *fields: bytes, path: str = PATH) -> bytes:
    """The head of an upload whose body comes later."""
    listed = b"".join(field + b"\r\n" for field in fields)
    top = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n".encode()
    return top + listed + b"\r\n"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("uploads")


@pytest.fixture(scope="module")
def server(place: Path) -> Iterator[Server]:
    make = lambda: uploads(place, max_upload_mb=8)  # noqa: E731
    with serving(replace(LIMITS, max_connections=32), Keeper(), make) as started:
        yield started


@pytest.fixture(autouse=True)
def clean(server: Server, place: Path) -> Iterator[None]:
    """Each test begins with nothing kept, and leaves nothing."""
    server.app.refusal = None
    server.app.admitted.clear()
    yield
    server.app.let_go.set()
    wait_until(lambda: not kept(place), "nothing is left of the uploads", 10)
    assert server.edge.crowd.held == 0


class TestTaken:
    def test_a_body_goes_to_the_disk_and_not_to_the_application(self, server: Server) -> None:
        with server.open(post(PATH, HDF5)) as client:
            code, said = client.read_answer()
            assert (code, said) == (200, {"body": 0, "files": {"model.h5": sha256(HDF5)}})
            client.send(post("/other", b"hello"))
            assert client.read_answer()[1] == {"body": 5}
            client.send(post(PATH, HDF5))
            assert client.read_answer()[1]["files"] == {"model.h5": sha256(HDF5)}

    def test_every_byte_may_come_alone(self, server: Server) -> None:
        with server.open(*(bytes([byte]) for byte in post(PATH, HDF5))) as client:
            assert client.read_answer()[1]["files"] == {"model.h5": sha256(HDF5)}

    def test_a_form_of_several_files(self, server: Server) -> None:
        files = {"architecture.json": b"{}", "weights.h5": HDF5}
        with server.open(post(PATH, form(files), f"Content-Type: {CONTENT_TYPE}".encode())) as one:
            said = one.read_answer()[1]["files"]
        assert said == {name: sha256(content) for name, content in files.items()}

    def test_a_body_in_chunks(self, server: Server) -> None:
        pieces = [HDF5[start : start + 50] for start in range(0, len(HDF5), 50)]
        chunks = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
        top = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
        with server.open(top, chunks, b"0\r\n\r\n") as client:
            assert client.read_answer()[1]["files"] == {"model.h5": sha256(HDF5)}

    def test_larger_than_any_other_body_may_be(self, server: Server) -> None:
        content = HDF5 + os.urandom(5 * MEBIBYTE)
        assert len(content) > LIMITS.max_body_bytes
        with server.open(post(PATH, content)) as client:
            assert client.read_answer()[1]["files"] == {"model.h5": sha256(content)}

    def test_a_client_that_asks_first_is_told_to_go_on(self, server: Server) -> None:
        with server.open(head(len(HDF5), b"Expect: 100-continue", CLOSE)) as client:
            assert client.socket.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
            client.send(HDF5)
            assert status(client.read_all()) == 200


class TestRefused:
    @pytest.mark.parametrize("expects", [True, False], ids=["asks", "sends"])
    def test_who_may_not_is_told_before_the_body(
        self, server: Server, place: Path, expects: bool
    ) -> None:
        server.app.refusal = Forbidden("you may not")
        fields = [b"Expect: 100-continue"] if expects else []
        answer = server.ask(head(7 * MEBIBYTE, *fields))
        assert (status(answer), error(answer)) == (403, "you may not")
        assert server.app.admitted == [PATH]
        assert kept(place) == []

    def test_nobody_is_asked_to_say_who_it_is(self, server: Server) -> None:
        server.app.refusal = Unauthenticated("a key is needed")
        answer = server.ask(head(100))
        assert status(answer) == 401
        assert b"\r\nwww-authenticate: Bearer\r\n" in answer

    def test_other_requests_are_not_asked_at_the_head(self, server: Server) -> None:
        server.app.refusal = Forbidden("you may not")
        with server.open(post("/v1/models/m:predict", b"{}")) as client:
            assert client.read_answer() == (200, {"body": 2})

    @pytest.mark.parametrize("is_declared", [True, False], ids=["declared", "chunked"])
    def test_more_than_the_setting_allows(self, server: Server, is_declared: bool) -> None:
        if is_declared:
            answer = server.ask(head(9 * MEBIBYTE))
        else:
            top = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
            chunk = b"100000\r\n" + b"x" * MEBIBYTE + b"\r\n"
            answer = server.ask(top, *[chunk] * 9)
        assert status(answer) == 413
        assert "max_upload_mb" in error(answer)

    @pytest.mark.parametrize(
        ("path", "code", "words"),
        [
            ("/v1/models/%2e%2e/versions", 400, "model: expected 1 to 128 ASCII"),
            ("/v1/models/mod%C3%A8le/versions", 400, "model: expected 1 to 128 ASCII"),
            (f"{PATH}?version=x", 400, "version: expected a positive whole number"),
        ],
    )
    def test_what_the_head_says_wrong(
        self, server: Server, path: str, code: int, words: str
    ) -> None:
        answer = server.ask(head(100, path=path))
        assert (status(answer), words in error(answer)) == (code, True)

    def test_another_digest_than_was_told(self, server: Server) -> None:
        answer = server.ask(post(PATH, HDF5, b"X-Content-SHA256: " + b"0" * 64, CLOSE))
        assert status(answer) == 422
        assert sha256(HDF5) in error(answer)

    def test_a_form_that_breaks_off_is_refused_at_once(self, server: Server) -> None:
        body = form({"../evil.h5": HDF5})
        field = f"Content-Type: {CONTENT_TYPE}".encode()
        answer = server.ask(head(5 * MEBIBYTE, field) + body)
        assert status(answer) == 400
        assert "file name: expected" in error(answer)

    def test_four_at_once_and_no_more(self, server: Server, place: Path) -> None:
        server.app.let_go.clear()
        clients = [server.open(post(PATH, HDF5)) for _ in range(4)]
        wait_until(lambda: len(kept(place)) == 4, "four uploads are under way", 10)
        answer = server.ask(post(PATH, HDF5))
        assert status(answer) == 429
        assert b"\r\nretry-after: 1\r\n" in answer
        server.app.let_go.set()
        for client in clients:
            with client:
                assert client.read_answer()[0] == 200
        wait_until(lambda: not kept(place), "the four are gone", 10)
        with server.open(post(PATH, HDF5)) as client:
            assert client.read_answer()[0] == 200


class TestCutOff:
    @pytest.mark.parametrize("way", ["close", "reset", "shut"])
    def test_of_a_client_that_leaves_in_the_middle_nothing_stays(
        self, server: Server, place: Path, way: str
    ) -> None:
        client = server.open(head(5 * MEBIBYTE) + HDF5)
        wait_until(lambda: len(kept(place)) == 1, "it has begun", 10)
        if way == "reset":
            client.reset()
        elif way == "shut":
            client.socket.shutdown(1)
            assert status(client.read_all()) == 400
        client.socket.close()
        wait_until(lambda: not kept(place), "nothing is left", 10)

    def test_one_that_sends_nothing_more_is_told_so(self, server: Server, place: Path) -> None:
        answer = server.ask(head(5 * MEBIBYTE) + HDF5)
        assert status(answer) == 408
        assert "The request's body did not arrive within" in error(answer)
        wait_until(lambda: not kept(place), "nothing is left", 10)

    def test_who_leaves_after_the_last_byte_has_sent_it_all(
        self, server: Server, place: Path
    ) -> None:
        server.app.let_go.clear()
        client = server.open(post(PATH, HDF5))
        wait_until(lambda: len(kept(place)) == 1, "it has begun", 10)
        client.socket.close()
        server.pass_time(0.2)
        assert len(kept(place)) == 1
        server.app.let_go.set()

    def test_uploads_behind_a_refused_request_are_let_go(self, server: Server) -> None:
        server.app.let_go.clear()
        with server.open(post(PATH, HDF5) + post(PATH, HDF5) + b"\x00garbage\r\n\r\n") as client:
            server.pass_time(0.1)
            server.app.let_go.set()
            assert client.read_all().count(b"HTTP/1.1 200") == 2


class TestSlowDisk:
    def test_the_client_waits_and_its_time_does_not_run(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        go_on = threading.Event()
        write = Receiver.write

        def wait_first(receiver: Receiver, pieces: list[bytes]) -> None:
            go_on.wait(20)
            write(receiver, pieces)

        monkeypatch.setattr(Receiver, "write", wait_first)
        content = HDF5 + os.urandom(32 * MEBIBYTE)  # more than the kernel keeps for a socket
        with (
            serving(LIMITS, Keeper(), lambda: uploads(tmp_path, max_upload_mb=64)) as slow,
            slow.open(head(len(content))) as client,
        ):
            sender = threading.Thread(target=client.send, args=(content,))
            sender.start()
            slow.pass_time(3 * LIMITS.body_timeout_s)
            assert sender.is_alive()  # what isn't written waits at the client
            go_on.set()
            assert client.read_answer()[1]["files"] == {"model.h5": sha256(content)}
            sender.join(10)
            wait_until(lambda: not kept(tmp_path), "nothing is left", 10)

    def test_trouble_that_is_not_the_clients_is_told_without_its_words(
        self, server: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: object) -> None:
            raise OSError(5, "Input/output error")

        monkeypatch.setattr(Receiver, "write", fail)
        answer = server.ask(head(5 * MEBIBYTE) + HDF5)
        assert (status(answer), error(answer)) == (500, "internal error")


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """A file system that is full soon. Only root may mount one."""
    folder.mkdir()
    need_root("mounting a small file system")
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


class TestFullDisk:
    def test_a_full_disk_is_told_and_the_next_upload_fits(self, tmp_path: Path) -> None:
        with small_disk(tmp_path / "disk", "3m") as disk:
            make = lambda: uploads(disk, max_upload_mb=64)  # noqa: E731
            with serving(replace(LIMITS, body_timeout_s=5), Keeper(), make) as server:
                told = server.ask(head(5 * MEBIBYTE))
                assert (status(told), "5242880 bytes" in error(told)) == (507, True)
                chunk = b"100000\r\n" + HDF5.ljust(MEBIBYTE, b"x") + b"\r\n"
                top = b"POST %b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                met = server.ask(top % PATH.encode(), *[chunk] * 5)
                assert status(met) == 507
                assert "No space left on device; nothing was kept" in error(met)
                wait_until(lambda: not kept(disk), "nothing is left", 10)
                with server.open(post(PATH, HDF5)) as client:
                    assert client.read_answer()[0] == 200


@pytest.mark.slow
@pytest.mark.alone
def test_memory_does_not_follow_the_size_of_a_body(tmp_path: Path) -> None:
    """A GiB as fast as it can be taken."""
    total, piece = 1024 * MEBIBYTE, os.urandom(MEBIBYTE)
    make = lambda: uploads(tmp_path, max_upload_mb=2048)  # noqa: E731
    with serving(LIMITS, Keeper(), make) as server, server.open(post(PATH, HDF5)) as client:
        client.read_answer()
        before = most = resident_bytes()
        client.send(head(total) + HDF5)
        client.send(piece[len(HDF5) :])
        for _ in range(total // MEBIBYTE - 1):
            client.send(piece)
            most = max(most, resident_bytes())
        assert client.read_answer()[0] == 200
    assert most - before < 16 * MEBIBYTE
