"""Debian's nginx for tests: on the loopback address, in a folder of its own, run by any user."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import requests

from tests.lacking import lacking
from tests.running import free_port, wait_until

BINARY = "/usr/sbin/nginx"  # where users' PATH doesn't lead
TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
START_S = 30.0


def missing() -> str:
    """Why there can be no nginx; empty where there can."""
    return "" if Path(BINARY).is_file() else f"no {BINARY}: apt-get install nginx"


@contextmanager
def running_nginx(places: Mapping[str, list[str]]) -> Iterator[str]:
    """The address of a proxy that hands requests to `host:port`, in turns, by what paths match.

    The first regular expression that matches decides.
    """
    port = free_port()
    with _running(port, _by_place(port, places)) as url:
        yield url


@contextmanager
def running_documented(text: str, servers: Mapping[str, str]) -> Iterator[str]:
    """The address of a proxy with a configuration out of the documentation; `servers` has a real
    `host:port` for each that stands there.
    """
    port = free_port()
    for written, real in {"listen 80;": f"listen 127.0.0.1:{port};", **servers}.items():
        assert text.count(written) == 1, written
        text = text.replace(written, real)
    with _running(port, text) as url:
        yield url


@contextmanager
def _running(port: int, servers: str) -> Iterator[str]:
    reason = missing()
    if reason:
        lacking(reason)
    folder = Path(tempfile.mkdtemp(prefix="kerasd-nginx-"))
    (folder / "nginx.conf").write_text(_configuration(folder, servers))
    command = [BINARY, "-p", str(folder), "-c", "nginx.conf", "-e", "error.log"]
    process = subprocess.Popen(command)
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until(lambda: _answers(url), f"nginx answers; see {folder}/error.log", START_S)
        yield url
    finally:
        process.terminate()
        process.wait(START_S)
        shutil.rmtree(folder)


def _configuration(folder: Path, servers: str) -> str:
    """One process in the foreground, which writes nowhere but into the folder."""
    temporary = "\n".join(f"  {name}_temp_path {folder}/{name};" for name in TEMPORARY)
    return f"""
daemon off;
master_process off;
pid {folder}/pid;
events {{}}
http {{
  access_log off;
{temporary}
{servers}
}}
"""


def _by_place(port: int, places: Mapping[str, list[str]]) -> str:
    upstreams = "\n".join(
        f"  upstream place{number} {{ {' '.join(f'server {one};' for one in servers)} }}"
        for number, servers in enumerate(places.values())
    )
    locations = "\n".join(
        f"    location ~ {pattern} {{ proxy_pass http://place{number}; }}"
        for number, pattern in enumerate(places)
    )
    return f"""
{upstreams}
  server {{
    listen 127.0.0.1:{port};
    client_max_body_size 64m;
    proxy_read_timeout 60s;
    proxy_next_upstream off;
    proxy_set_header Host $http_host;
{locations}
  }}
"""


def _answers(url: str) -> bool:
    try:
        return requests.get(f"{url}/livez", timeout=5).status_code == 200
    except requests.ConnectionError:
        return False
