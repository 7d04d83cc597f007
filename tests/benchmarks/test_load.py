"""What wrk says is read, and what it is given is Lua."""

from pathlib import Path

from benchmarks.dialects import Request
from benchmarks.load import Load, parse, write_script

OUTPUT = """\
Running 1s test @ http://127.0.0.1:8080/v1/models/mlp:predict
  1 threads and 16 connections
Requests/sec:  11760.12
RESULT 11800 1003401 3 1 1440 4800
"""


def test_the_line_of_the_script_is_read() -> None:
    expected = Load(
        requests=11800, refused=3, broken=1, duration_s=1.003401, p50_ms=1.44, p99_ms=4.8
    )

    assert parse(OUTPUT) == expected


def test_without_that_line_nothing_is_known() -> None:
    assert parse("unable to connect to 127.0.0.1:1 Connection refused\n") is None


def test_the_script_names_body_and_headers(tmp_path: Path) -> None:
    request = Request("/infer", b"\x00\x01", {"Inference-Header-Content-Length": "12"})

    script = write_script(tmp_path, "mlp", request).read_text()

    assert 'wrk.headers["Inference-Header-Content-Length"] = "12"' in script
    assert f'io.open("{tmp_path / "mlp.body"}", "rb")' in script
    assert (tmp_path / "mlp.body").read_bytes() == b"\x00\x01"
