"""An S3 server for tests: moto's, from an environment of its own, on a port of the loopback."""

import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import requests

from service.repository.remote.address import read_address
from service.repository.remote.bucket import Bucket
from tests.lacking import lacking
from tests.running import free_port

ROOT = Path(__file__).parent.parent.parent
SERVER = ROOT / ".s3" / "bin" / "moto_server"
BUCKET = "kerasd-models"
READY_S = 60.0
SECRET = "a-secret-that-nobody-may-see"


@contextmanager
def running_s3() -> Iterator["S3"]:
    """A server as long as it is needed."""
    if not SERVER.exists():
        lacking(f"no {SERVER.relative_to(ROOT)}: make .s3/installed")
    server = S3()
    try:
        server.start()
        yield server
    finally:
        server.kill()


class S3:
    """What it holds is gone when it is killed."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, with one empty bucket."""
        command = [str(SERVER), "-H", "127.0.0.1", "-p", str(self.port)]
        environment = {"PATH": os.environ["PATH"], "MOTO_S3_CUSTOM_ENDPOINTS": self.url}
        self._process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment
        )
        deadline = time.monotonic() + READY_S
        while not self._made():
            assert time.monotonic() < deadline, "the S3 server doesn't start"
            time.sleep(0.1)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def environment(self, url: str = "") -> dict[str, str]:
        """What a client needs to know; with a URL it comes by another way."""
        return {
            "AWS_ENDPOINT_URL": url or self.url,
            "AWS_ACCESS_KEY_ID": "kerasd",
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def _made(self) -> bool:
        try:
            return requests.put(f"{self.url}/{BUCKET}", timeout=5).status_code == 200
        except requests.ConnectionError:
            return False


@contextmanager
def known(environment: Mapping[str, str]) -> Iterator[None]:
    """Have this very process know it too."""
    before = {name: os.environ.get(name) for name in environment}
    os.environ.update(environment)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def bucket_at(folder: str) -> Bucket:
    """A folder of the bucket, for a process that knows the server."""
    return Bucket(read_address(f"s3://{BUCKET}/{folder}", "repository"))


def put_tree(bucket: Bucket, folder: Path, place: str) -> None:
    """Upload as `aws s3 cp --recursive` does: file by file, without a manifest."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            bucket.put(f"{place}/{path.relative_to(folder)}", path)
