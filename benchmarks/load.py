"""Requests as fast as a server takes them, by wrk over kept-alive connections."""

import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from benchmarks.dialects import Request

REQUEST_TIMEOUT_S = 30

SCRIPT = """\
wrk.method = "POST"
{headers}
local file = assert(io.open({body}, "rb"))
wrk.body = file:read("*a")
file:close()

function done(summary, latency, requests)
   local e = summary.errors
   io.write(string.format("RESULT %d %d %d %d %.0f %.0f\\n", summary.requests, summary.duration,
      e.status, e.connect + e.read + e.write + e.timeout,
      latency:percentile(50), latency:percentile(99)))
end
"""


class LoadFailed(Exception):
    """wrk is missing, or said nothing that can be read."""


@dataclass(frozen=True, slots=True)
class Load:
    """What wrk counted; a refused request was answered, but not with a 2xx or 3xx status."""

    requests: int
    refused: int
    broken: int
    duration_s: float
    p50_ms: float
    p99_ms: float


def require_wrk() -> None:
    """Fail before anything is started."""
    if shutil.which("wrk") is None:
        raise LoadFailed("wrk is not installed; to have it: apt-get install wrk")


def write_script(folder: Path, name: str, request: Request) -> Path:
    """Write the body and the script that has wrk post it."""
    data, script = folder / f"{name}.body", folder / f"{name}.lua"
    data.write_bytes(request.body)
    headers = "\n".join(
        f"wrk.headers[{_quoted(key)}] = {_quoted(value)}" for key, value in request.headers.items()
    )
    script.write_text(SCRIPT.format(headers=headers, body=_quoted(str(data))))
    return script


def drive(url: str, script: Path, connections: int, seconds: int) -> Load:
    """Keep every connection busy for so many seconds."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s"]
    command += ["--timeout", f"{REQUEST_TIMEOUT_S}s", "-s", str(script), url]
    limit_s = seconds + REQUEST_TIMEOUT_S
    try:
        ended = subprocess.run(
            command, check=False, capture_output=True, text=True, timeout=limit_s
        )
    except subprocess.TimeoutExpired as error:
        raise LoadFailed(f"wrk did not end within {limit_s} s: {url}") from error
    found = parse(ended.stdout)
    if found is None:
        raise LoadFailed(f"wrk failed on {url}: {ended.stdout[-300:]} {ended.stderr[-300:]}")
    return found


def parse(output: str) -> Load | None:
    """What the script above had wrk say, or none if it did not."""
    result = re.search(r"^RESULT (.+)$", output, re.MULTILINE)
    if result is None:
        return None
    requests, duration_us, refused, broken, p50_us, p99_us = map(int, result[1].split())
    return Load(requests, refused, broken, duration_us / 1e6, p50_us / 1e3, p99_us / 1e3)


def _quoted(text: str) -> str:
    # JSON quotes a text the way Lua does.
    return json.dumps(text, ensure_ascii=False)
