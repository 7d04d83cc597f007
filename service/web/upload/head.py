"""What the head of an upload says: which model, which form, which digest, what to do with it."""

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl

from werkzeug.http import parse_options_header

from service.base.errors import RequestInvalid
from service.base.names import check_model_name, parse_version
from service.repository.audit import check_why

PATH = re.compile(r"/v1/models/(?P<model>[^/:]+)/versions/?")
END = "/versions"
HEX_SHA256 = re.compile(r"[0-9a-fA-F]{64}")
KNOWN = ("version", "filename", "wait", "again", "why")
TRUTH = {"true": True, "1": True, "false": False, "0": False}
MAX_KEY = 255
MAX_BOUNDARY = 200
FORM = "multipart/form-data"


@dataclass(frozen=True, slots=True)
class UploadHead:
    """The wishes of one upload. `filename` is that of a body that is one file, `boundary` that of
    a form with several; `sha256` is what the client says of the whole body, empty if nothing.

    `key` is the sha256 of the Idempotency-Key.
    """

    model: str
    version: int | None = None
    filename: str = ""
    boundary: bytes = b""
    length: int | None = None
    sha256: str = ""
    key: str = ""
    wait: bool = False
    again: bool = False
    why: str = ""


def is_upload(method: str, path: str) -> bool:
    """True for the one route whose body isn't held in memory; quick for all others."""
    return is_post_to(method, path, END, PATH)


def is_post_to(method: str, path: str, end: str, pattern: re.Pattern[str]) -> bool:
    """True for a route whose paths end like that; the pattern is tried on few others."""
    if method != "POST" or path.rstrip("/")[-len(end) :] != end:
        return False
    return pattern.fullmatch(path) is not None


def read_head(path: str, query: str, headers: Mapping[str, str]) -> UploadHead:
    """The wishes out of a decoded path, the query and headers with lower-case names.

    Raises RequestInvalid for what can't be understood.
    """
    match = PATH.fullmatch(path)
    model = match["model"] if match else ""
    check_model_name(model)
    check_no_coding(headers)
    kind, options = parse_options_header(headers.get("content-type", ""))
    asked = read_query(query, KNOWN)
    return UploadHead(
        model=model,
        version=_version(asked.get("version")),
        filename=asked.get("filename") or _filename(headers),
        boundary=_boundary(options.get("boundary", "")) if kind == FORM else b"",
        length=told_length(headers),
        sha256=told_digest(headers),
        key=_key(headers.get("idempotency-key", "")),
        wait=_truth(asked, "wait"),
        again=_truth(asked, "again"),
        why=check_why(asked.get("why", "")),
    )


def check_no_coding(headers: Mapping[str, str]) -> None:
    """Raise RequestInvalid for a body that would have to be unpacked."""
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise RequestInvalid("Content-Encoding: an upload is sent as it is, without a coding")


def read_query(query: str, known: Sequence[str]) -> dict[str, str]:
    """What a query says, each name once. Raises RequestInvalid, also for a name not `known`."""
    try:
        pairs = parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=20)
    except ValueError as error:
        raise RequestInvalid(f"the query: {error}") from error
    for name, _ in pairs:
        if name not in known:
            raise RequestInvalid(f"the query: expected {', '.join(known)}, got {name[:40]!a}")
    if len(dict(pairs)) < len(pairs):
        raise RequestInvalid("the query: a name stands there twice")
    return dict(pairs)


def _version(text: str | None) -> int | None:
    if text is None:
        return None
    version = parse_version(text)
    if version is None:
        raise RequestInvalid(f"version: expected a positive whole number, got {text[:40]!a}")
    return version


def _truth(asked: Mapping[str, str], name: str) -> bool:
    text = asked.get(name, "false")
    if text.lower() not in TRUTH:
        raise RequestInvalid(f"{name}: expected true or false, got {text[:40]!a}")
    return TRUTH[text.lower()]


def _filename(headers: Mapping[str, str]) -> str:
    _, options = parse_options_header(headers.get("content-disposition", ""))
    return options.get("filename") or headers.get("x-filename", "")


def _boundary(text: str) -> bytes:
    if not text or len(text) > MAX_BOUNDARY or not text.isascii():
        raise RequestInvalid(f"Content-Type: {FORM} needs a boundary of ASCII characters")
    return text.encode()


def _key(text: str) -> str:
    if len(text) > MAX_KEY:
        raise RequestInvalid(f"Idempotency-Key: expected at most {MAX_KEY} characters")
    return hashlib.sha256(text.encode()).hexdigest() if text else ""


def told_length(headers: Mapping[str, str]) -> int | None:
    """How many bytes the client says that it sends."""
    length = headers.get("content-length", "")
    return int(length) if length.isascii() and length.isdigit() else None


def told_digest(headers: Mapping[str, str]) -> str:
    """The sha256 that the client tells, in hex. Other digests are passed over.

    `X-Content-SHA256` has it in hex, `Content-Digest` (RFC 9530) and `Digest` in base64.
    """
    told = set()
    if "x-content-sha256" in headers:
        text = headers["x-content-sha256"].strip()
        if HEX_SHA256.fullmatch(text) is None:
            raise RequestInvalid(f"X-Content-SHA256: expected 64 hex digits, got {text[:80]!a}")
        told.add(text.lower())
    for name in ("content-digest", "digest"):
        for part in headers.get(name, "").split(","):
            algorithm, _, value = part.strip().partition("=")
            if algorithm.lower() == "sha-256":
                told.add(_from_base64(name.title(), value.strip(":")))
    if len(told) > 1:
        raise RequestInvalid("The headers tell two different digests of the body")
    return told.pop() if told else ""


def _from_base64(name: str, text: str) -> str:
    try:
        digest = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        digest = b""
    if len(digest) != hashlib.sha256().digest_size:
        raise RequestInvalid(f"{name}: expected sha-256 and 32 bytes in base64, got {text[:80]!a}")
    return digest.hex()
