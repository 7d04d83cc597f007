"""The edge over real sockets: time, room, order, and how connections end."""

import socket
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import pytest

from tests.running import wait_until
from tests.web.edge_server import LIMITS, OK, Server, error, post, serving, status

CLOSE = b"Connection: close"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as started:
        yield started


def holds(server: Server, size: int) -> bool:
    """True when the edge keeps so many bytes of bodies."""
    return server.edge.crowd.held == size


class TestAnswers:
    def test_a_connection_is_kept_for_the_next_request(self, server: Server) -> None:
        with server.open() as client:
            for number in range(3):
                client.send(post(f"/a%20b?n={number}", b"hello"))
                code, said = client.read_answer()
                assert (code, said["path"], said["query"]) == (200, "/a b", f"n={number}")
                assert (said["method"], said["body"]) == ("POST", "hello")

    def test_every_byte_may_come_alone(self, server: Server) -> None:
        with server.open(*(bytes([byte]) for byte in post("/slowly", b"hello"))) as client:
            assert client.read_answer()[1]["body"] == "hello"

    def test_pipelined_requests_are_answered_in_order(self, server: Server) -> None:
        requests = b"".join(post(f"/{number}") for number in range(20))
        answer = server.ask(requests + post("/20", b"", CLOSE))
        assert [answer.index(b'"path": "/%d"' % number) for number in range(21)] == sorted(
            answer.index(b'"path": "/%d"' % number) for number in range(21)
        )
        assert answer.count(OK) == 21

    def test_more_pipelined_requests_than_may_wait_are_refused(self, server: Server) -> None:
        answer = server.ask(post("/") * 200)
        assert answer.count(OK) == 129
        assert b"HTTP/1.1 429 " in answer

    def test_a_good_request_is_answered_before_the_bad_one_behind_it(self, server: Server) -> None:
        answer = server.ask(post("/first") + b"\x00\x01garbage\r\n\r\n")
        assert status(answer) == 200
        assert b"HTTP/1.1 400 " in answer

    def test_a_client_may_close_its_side_before_the_answer(self, server: Server) -> None:
        server.app.let_go.clear()
        with server.open(post("/held")) as client:
            client.socket.shutdown(socket.SHUT_WR)
            server.pass_time(0.1)
            server.app.let_go.set()
            answer = client.read_all()
        assert status(answer) == 200
        assert b"connection: close\r\n" in answer

    def test_head_has_no_body_and_http_1_0_is_closed(self, server: Server) -> None:
        with server.open(b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n", post("/", b"", CLOSE)) as client:
            top, _, rest = client.read_all().partition(b"\r\n\r\n")
        assert b"content-length: " in top
        assert rest.startswith(OK)
        assert status(server.ask(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")) == 200

    def test_an_answer_in_pieces_is_chunked_or_ends_with_the_connection(
        self, server: Server
    ) -> None:
        chunked = server.ask(post("/stream", b"", CLOSE))
        assert chunked.endswith(b"\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n")
        assert server.ask(b"GET /stream HTTP/1.0\r\n\r\n").endswith(b"\r\n\r\nonetwo")

    @pytest.mark.parametrize("path", ["/fails", "/silent", "/split"])
    def test_an_application_that_fails_is_a_500_and_a_close(
        self, server: Server, path: str
    ) -> None:
        answer = server.ask(post(path))
        assert (status(answer), error(answer)) == (500, "internal error")
        assert b"x-more" not in answer

    @pytest.mark.parametrize("wish", [b"websocket", b"h2c"])
    def test_an_upgrade_is_ignored_and_the_body_read(self, server: Server, wish: bytes) -> None:
        upgrade = (b"Connection: Upgrade", b"Upgrade: " + wish)
        coded = b"POST /coded HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n"
        with server.open() as client:
            for request, body in (
                (post("/long", b"hello", *upgrade), "hello"),
                (coded + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "hello"),
                (post("/none", b"", *upgrade), ""),
                (post("/plain", b"hello"), "hello"),
            ):
                client.send(request)
                assert client.read_answer()[1]["body"] == body


class TestTime:
    @pytest.mark.parametrize(
        ("begun", "part"),
        [(b"P", "head"), (b"POST / HTTP/1.1\r\nHost: x\r\nX-A: ", "head"),
         (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{", "body"),
         (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", "body")],
    )  # fmt: skip
    def test_half_a_request_is_answered_408(self, server: Server, begun: bytes, part: str) -> None:
        answer = server.ask(begun)
        assert status(answer) == 408
        assert f"The request's {part} did not arrive within" in error(answer)

    def test_a_silent_client_is_closed_without_a_word(self, server: Server) -> None:
        assert server.ask() == b""

    def test_a_drop_at_a_time_buys_no_time(self, server: Server) -> None:
        with server.open(b"POST / HTTP/1.1\r\nHost: x\r\nX-A: ") as client:
            client.socket.settimeout(0.02)
            answer = b""
            while not answer:
                client.send(b"a")
                try:
                    answer = client.socket.recv(1000)
                except TimeoutError:
                    continue
        assert status(answer) == 408

    def test_a_late_request_on_a_kept_connection_is_answered_after_the_one_before(
        self, server: Server
    ) -> None:
        server.app.let_go.clear()
        with server.open(post("/held") + b"POST /late HTTP/1.1\r\n") as client:
            server.pass_time(2 * LIMITS.head_timeout_s)
            server.app.let_go.set()
            answer = client.read_all()
        assert status(answer) == 200
        assert b"HTTP/1.1 408 " in answer

    def test_an_idle_connection_is_closed(self) -> None:
        with serving(replace(LIMITS, keep_alive_s=0.2)) as brief, brief.open(post()) as client:
            assert client.read_answer()[0] == 200
            assert client.read_all() == b""

    def test_a_client_that_reads_nothing_is_let_go(self) -> None:
        fast = replace(LIMITS, body_timeout_s=0.1, bytes_per_s=1 << 30)
        with serving(fast) as brief, brief.open(post("/large")):
            wait_until(lambda: brief.has(1), "it is being written to", 10)
            wait_until(lambda: brief.has(0), "it is gone", 10)

    def test_a_client_that_reads_slowly_gets_everything(self) -> None:
        brief = replace(LIMITS, body_timeout_s=0.1)
        with serving(brief) as server, server.open(post("/large", b"", CLOSE)) as client:
            server.pass_time(1.0)
            assert len(client.read_all()) > 40_000_000


class TestRoom:
    def test_the_longest_waiting_gives_way(self, server: Server) -> None:
        silent = [server.open() for _ in range(8)]
        wait_until(lambda: server.has(8), "all are in", 10)
        with server.open(post("/late")) as client:
            assert client.read_answer()[0] == 200
        assert silent[0].read_all() == b""
        with server.open(post("/again", b"", CLOSE)) as client:
            assert client.read_answer()[0] == 200
        for other in silent:
            other.socket.close()

    def test_strangers_push_out_strangers_before_regulars(self) -> None:
        with serving() as room, room.open(post()) as regular:
            assert regular.read_answer()[0] == 200
            silent = [room.open(b"POST / HT") for _ in range(20)]
            wait_until(lambda: room.has(8), "it is full", 10)
            regular.send(post("/still"))
            assert regular.read_answer()[1]["path"] == "/still"
            for other in silent:
                other.socket.close()

    def test_who_is_being_answered_is_not_closed_for_another(self) -> None:
        with serving() as room:
            held = [room.open(post("/held", b"", CLOSE)) for _ in range(8)]
            wait_until(lambda: len(room.app.asked) == 8, "all are being answered", 10)
            refused = room.ask()
            room.app.let_go.set()
            answers = [client.read_all() for client in held]
            for client in held:
                client.socket.close()
        assert status(refused) == 429
        assert "connection" in error(refused)
        assert [status(answer) for answer in answers] == [200] * 8
        assert room.refused == [429]


class TestBodies:
    def test_one_that_says_it_is_too_long_is_refused_before_it_comes(self, server: Server) -> None:
        head = b"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n"
        answer = server.ask(head % 200_001)
        assert status(answer) == 413
        assert "200000 bytes" in error(answer)

    def test_one_that_may_come_is_asked_for(self, server: Server) -> None:
        with server.open(post("/", b"", b"Expect: 100-continue")[:-21]) as client:
            client.send(b"Content-Length: 5\r\n\r\n")
            assert client.socket.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
            client.send(b"hello")
            assert client.read_answer()[1]["body"] == "hello"

    def test_one_that_turns_out_too_long_is_refused_and_the_answer_seen(
        self, server: Server
    ) -> None:
        head = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        chunk = b"10000\r\n" + bytes(65536) + b"\r\n"
        assert status(server.ask(head, *[chunk] * 100)) == 413

    def test_a_million_tiny_chunks_are_one_small_body(self, server: Server) -> None:
        head = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        with server.open(head + b"1\r\nx\r\n" * 199_999 + b"0\r\n\r\n") as client:
            assert client.read_answer()[1]["body"] == 199_999

    @pytest.mark.parametrize("tail", [b"0\r\n" + b"X-A: b\r\n" * 50_000, b"1;" + b"x" * 900_000])
    def test_more_around_the_chunks_than_in_them_is_refused(
        self, server: Server, tail: bytes
    ) -> None:
        head = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        assert status(server.ask(head, tail)) in (400, 431)

    def test_trailers_are_dropped(self, server: Server) -> None:
        head = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        with server.open(head + b"1\r\na\r\n0\r\nX-Role: admin\r\n\r\n") as client:
            said = client.read_answer()[1]
        assert said["body"] == "a"
        assert "x-role" not in dict(said["headers"])

    def test_unfinished_bodies_together_are_limited(self) -> None:
        limits = replace(LIMITS, max_connections=500, body_timeout_s=30.0)
        with serving(limits) as room:
            begun = post("/", bytes(200_000))[:-1]
            clients = [room.open(begun) for _ in range(400)]
            wait_until(lambda: 429 in room.refused, "some are refused", 20)
            assert room.ask(post("/", b"", CLOSE)).startswith(OK)
            for client in clients:
                client.reset()
            wait_until(lambda: room.has(0), "all have left", 10)
            assert room.edge.crowd.held == 0

    def test_the_room_of_bodies_behind_too_many_requests_is_given_back(self) -> None:
        """A body that came in pieces is held for its turn, and the one too many gets no turn."""
        request = post("/", bytes(100_000))
        with serving(replace(LIMITS, body_timeout_s=30.0)) as room:
            with room.open(post("/held")) as client:
                wait_until(lambda: "/held" in room.app.asked, "it is being answered", 10)
                client.send(post("/") * 127)
                for number in (1, 2):  # the last that may wait, and the one too many
                    client.send(request[:-1])
                    wait_until(partial(holds, room, number * 99_999), "all but a byte is there", 10)
                    client.send(request[-1:])
                room.app.let_go.set()
                answer = client.read_all()
            wait_until(lambda: room.has(0), "all have left", 10)
            assert answer.count(OK) == 129
            assert answer.count(b"HTTP/1.1 429 ") == 1
            assert room.edge.crowd.held == 0


class TestEnds:
    def test_a_client_that_resets_is_forgotten(self, server: Server) -> None:
        client = server.open(post("/", bytes(1000))[:-10])
        client.reset()
        wait_until(lambda: server.has(0), "it is forgotten", 10)

    def test_the_application_is_told_when_its_client_has_left(self, server: Server) -> None:
        server.open(post("/waits")).reset()
        wait_until(lambda: server.app.left == ["http.disconnect"], "the application knows", 10)

    def test_a_stopped_server_answers_what_it_has_begun(self) -> None:
        with serving() as ending, ending.open(post()) as idle, ending.open(post("/held")) as held:
            assert idle.read_answer()[0] == 200
            wait_until(lambda: "/held" in ending.app.asked, "the other is being answered", 10)
            ending.stop()
            assert idle.read_all() == b""
            ending.app.let_go.set()
            answer = held.read_all()
        assert status(answer) == 200
        assert b"connection: close\r\n" in answer

    def test_half_a_request_does_not_hold_up_the_end(self) -> None:
        slow = replace(LIMITS, head_timeout_s=60.0, linger_s=0.1)
        with serving(slow) as ending, ending.open(b"POST / HTTP/1.1\r\n") as client:
            wait_until(lambda: ending.has(1), "it is in", 10)
            ending.stop()
            assert status(client.read_all()) == 408
