"""What an upload's head says, and what it may not say."""

import base64
import hashlib

import pytest

from service.base.errors import RequestInvalid
from service.web.jobs.data_head import read_data_head
from service.web.upload.head import UploadHead, is_upload, read_head

PATH = "/v1/models/digits/versions"
DIGEST = hashlib.sha256(b"body").digest()
BASE64 = base64.b64encode(DIGEST).decode()


@pytest.mark.parametrize(
    ("method", "path", "is_one"),
    [
        ("POST", PATH, True), ("POST", PATH + "/", True), ("GET", PATH, False),
        ("POST", PATH + "/1", False), ("POST", "/v1/models/m/versions/1:predict", False),
        ("POST", "/v1/models/a/b/versions", False), ("POST", "/v1/models/m:versions", False),
    ],
)  # fmt: skip
def test_the_one_route_is_recognised(method: str, path: str, is_one: bool) -> None:
    assert is_upload(method, path) is is_one


def test_without_wishes_everything_has_its_default() -> None:
    assert read_head(PATH, "", {}) == UploadHead("digits")


def test_all_wishes_together() -> None:
    headers = {
        "content-length": "4", "idempotency-key": "again and again",
        "content-disposition": 'attachment; filename="other.h5"',
    }  # fmt: skip
    query = "version=3&filename=net.h5&wait=true&again=1&why=better%20one"
    head = read_head(PATH, query, headers)
    assert (head.version, head.filename, head.length) == (3, "net.h5", 4)
    assert (head.wait, head.again, head.why) == (True, True, "better one")
    assert head.key == hashlib.sha256(b"again and again").hexdigest()


@pytest.mark.parametrize(
    "headers",
    [{"content-disposition": 'attachment; filename="net.h5"'}, {"x-filename": "net.h5"}],
    ids=["disposition", "header"],
)
def test_a_name_may_stand_in_a_header(headers: dict[str, str]) -> None:
    assert read_head(PATH, "", headers).filename == "net.h5"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x-content-sha256", DIGEST.hex()),
        ("x-content-sha256", DIGEST.hex().upper()),
        ("content-digest", f"sha-256=:{BASE64}:"),
        ("content-digest", f"sha-512=:AAAA:, sha-256=:{BASE64}:"),
        ("digest", f"SHA-256={BASE64}"),
    ],
    ids=["hex", "upper", "rfc9530", "several", "rfc3230"],
)
def test_a_digest_is_read_in_each_form(name: str, value: str) -> None:
    assert read_head(PATH, "", {name: value}).sha256 == DIGEST.hex()


@pytest.mark.parametrize(
    ("query", "headers", "words"),
    [
        ("version=0", {}, "version: expected a positive whole number, got '0'"),
        ("version=%C2%B9", {}, "version: expected a positive whole number"),
        ("version=1&version=2", {}, "stands there twice"),
        ("version_=1", {}, "expected version, filename, wait, again, why, got 'version_'"),
        ("filename=%ff", {}, "the query"),
        ("wait=perhaps", {}, "wait: expected true or false, got 'perhaps'"),
        ("why=" + "x" * 1001, {}, "why: expected at most 1000"),
        ("", {"content-encoding": "gzip"}, "Content-Encoding"),
        ("", {"content-type": "multipart/form-data"}, "needs a boundary"),
        ("", {"x-content-sha256": "abc"}, "expected 64 hex digits, got 'abc'"),
        ("", {"digest": "sha-256=abc"}, "Digest: expected sha-256 and 32 bytes in base64"),
        ("", {"digest": f"sha-256={BASE64}", "x-content-sha256": "0" * 64}, "two different"),
        ("", {"idempotency-key": "k" * 256}, "Idempotency-Key: expected at most 255"),
    ],
)
def test_what_is_not_understood_is_refused(query: str, headers: dict[str, str], words: str) -> None:
    with pytest.raises(RequestInvalid) as caught:
        read_head(PATH, query, headers)
    assert words in str(caught.value)


@pytest.mark.parametrize("model", ["..", ".git", "-x", "modèle", "m" * 129, "m\x00"])
def test_a_model_name_that_nobody_may_have_is_refused(model: str) -> None:
    with pytest.raises(RequestInvalid, match="model: expected 1 to 128 ASCII letters"):
        read_head(f"/v1/models/{model}/versions", "", {})


def test_digits_of_other_scripts_are_no_length() -> None:
    for head in (
        read_head("/v1/models/m/versions", "", {"content-length": "\u00b2"}),
        read_data_head("/v1/models/m/data", "name=a.csv", {"content-length": "\u0662"}),
    ):
        assert head.length is None
