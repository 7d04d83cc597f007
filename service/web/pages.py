"""The page at `/docs`: the OpenAPI document for people, whole in one file, without scripts."""

import base64
import hashlib
import re
import shlex
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from pathlib import Path

import orjson
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from service.base.strict_json import Json

TEMPLATES = Path(__file__).parent / "templates"
METHODS = ("get", "post", "put", "delete")
JSON = "application/json"
ADDRESS = "$KERASD"
VARIANT = re.compile(r"/(versions|labels)/\{\w+\}")


@dataclass(frozen=True, slots=True)
class Page:
    """Content and headers, as they are sent."""

    content: bytes
    headers: dict[str, str]


def render(document: Json) -> Page:
    """The page of a document; its style is allowed by its hash, and nothing else is."""
    style = (TEMPLATES / "docs.css").read_text()
    content = _environment().get_template("docs.html").render(
        document=document,
        style=style,
        groups=_groups(document),
        schemas=document["components"]["schemas"],
    )  # fmt: skip
    return Page(content.encode(), _headers(style))


def _headers(style: str) -> dict[str, str]:
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return {
        "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{digest}'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
    }


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["kind"] = kind
    environment.filters["marked"] = marked
    return environment


@dataclass(frozen=True, slots=True)
class Entry:
    """One operation as the page shows it; `variants` are its paths for one version or label."""

    name: str
    method: str
    path: str
    summary: str
    parameters: list[Json]
    sends: list[str]
    gives: list[tuple[str, str, str]]
    curl: str
    answer: str
    variants: list[str]


def _groups(document: Json) -> list[tuple[Json, list[Entry]]]:
    """The operations by tag, in the document's order."""
    entries = [
        (operation["tags"][0], _entry(document, method, path, operation))
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in METHODS and _shorter(document, method, path) is None
    ]
    return [
        (tag, [entry for name, entry in entries if name == tag["name"]])
        for tag in document["tags"]
    ]  # fmt: skip


def _entry(document: Json, method: str, path: str, operation: Json) -> Entry:
    parameters = [_resolve(document, item) for item in operation.get("parameters", [])]
    answers = {
        status: _resolve(document, answer) for status, answer in operation["responses"].items()
    }
    sent = operation.get("requestBody", {}).get("content", {})
    return Entry(
        name=operation["operationId"],
        method=method.upper(),
        path=path,
        summary=operation["summary"],
        parameters=parameters,
        sends=[kind(content["schema"]) for content in sent.values()],
        gives=[(status, _phrase(status), _kinds(answer)) for status, answer in answers.items()],
        curl=_curl(method, path, parameters, sent),
        answer=_example(answers["200"].get("content", {})),
        variants=[
            other
            for other, item in document["paths"].items()
            if method in item and _shorter(document, method, other) == path
        ],
    )


def _shorter(document: Json, method: str, path: str) -> str | None:
    """The path without a version or label, where it does the same for what is current."""
    shorter = VARIANT.sub("", path)
    there = document["paths"].get(shorter, {}).get(method)
    if shorter == path or there is None:
        return None
    name: str = document["paths"][path][method]["operationId"]
    return shorter if name.startswith(there["operationId"]) else None


def _resolve(document: Json, record: Json) -> Json:
    """What a reference refers to, or the record itself."""
    place = record.get("$ref")
    if place is None:
        return record
    found = document
    for part in place.removeprefix("#/").split("/"):
        found = found[part]
    return found


def _curl(method: str, path: str, parameters: list[Json], sent: Json) -> str:
    """A command that works with the sample models."""
    for parameter in parameters:
        if parameter["in"] == "path":
            path = path.replace(f"{{{parameter['name']}}}", parameter["example"])
    example = _example(sent, 0)
    data = f" -d {shlex.quote(example)}" if example else ""
    is_told = method == "get" or (method == "post" and data)
    verb = "" if is_told else f" -X {method.upper()}"
    return f"curl -s{verb} {ADDRESS}{path}{data}"


def _example(contents: Json, option: int = orjson.OPT_INDENT_2) -> str:
    example = contents.get(JSON, {}).get("example")
    return "" if example is None else orjson.dumps(example, option=option).decode()


def _kinds(answer: Json) -> str:
    contents = answer.get("content", {}).items()
    return Markup(", ").join(
        kind(content["schema"]) if media == JSON else media for media, content in contents
    )


def _phrase(status: str) -> str:
    return HTTPStatus(int(status)).phrase


def kind(schema: Json) -> Markup:
    """A schema's type in a few words, with links to those that have a name."""
    if "$ref" in schema:
        return Markup('<a href="#{0}">{0}</a>').format(schema["$ref"].rsplit("/", 1)[1])
    for choice in ("oneOf", "anyOf"):
        if choice in schema:
            return Markup(" or ").join(kind(item) for item in schema[choice])
    if "enum" in schema:
        return Markup(", ").join(schema["enum"])
    if "const" in schema:
        return Markup.escape(schema["const"])
    if schema.get("type") == "array":
        items = schema["prefixItems"] if "prefixItems" in schema else [schema["items"]]
        return Markup("list of {}").format(Markup(" and ").join(kind(item) for item in items))
    inner = schema.get("additionalProperties")
    if schema.get("type") == "object" and isinstance(inner, dict):
        return Markup("object of {}").format(kind(inner))
    return Markup.escape("bytes" if schema.get("format") == "binary" else schema.get("type", "any"))


def marked(text: str) -> Markup:
    """A text whose words between backticks are code."""
    parts = [Markup.escape(part) for part in text.split("`")]
    parts[1::2] = [Markup("<code>{}</code>").format(part) for part in parts[1::2]]
    return Markup("").join(parts)
