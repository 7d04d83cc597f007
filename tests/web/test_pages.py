"""The page of the document: whole, safe, and every link in it leads somewhere."""

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest

from service.web.openapi.document import assemble
from service.web.pages import Page, kind, marked, render


class Reader(HTMLParser):
    """Collects what a page has, and that every element is closed."""

    VOID = ("meta", "link", "br")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        self.tags.add(tag)
        self.attributes |= named.keys()
        if tag not in self.VOID:
            self.open.append(tag)
        self.ids += [named["id"]] if "id" in named else []
        self.links += [named["href"]] if "href" in named else []

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def page() -> Page:
    return render(assemble())


@pytest.fixture(scope="module")
def read(page: Page) -> Reader:
    reader = Reader()
    reader.feed(page.content.decode())
    assert reader.open == []
    return reader


def test_nothing_is_loaded_and_nothing_runs(read: Reader) -> None:
    assert not read.tags & {"script", "img", "iframe", "link", "object", "form"}
    assert not {name for name in read.attributes if name.startswith("on") or name == "style"}
    assert all(link.startswith(("#", "/")) for link in read.links)


def test_every_anchor_is_there_once(read: Reader) -> None:
    assert len(read.ids) == len(set(read.ids))
    assert {link[1:] for link in read.links if link.startswith("#")} <= set(read.ids)


def test_the_style_is_the_only_thing_that_is_allowed(page: Page) -> None:
    style = re.search("<style>(.*)</style>", page.content.decode(), re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    policy = page.headers["Content-Security-Policy"]
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}';")
    assert "unsafe" not in policy


def test_it_is_fit_for_phones_and_for_the_dark(page: Page) -> None:
    text = page.content.decode()
    assert '<meta name="viewport"' in text
    assert "prefers-color-scheme: dark" in text


def test_every_path_is_on_it(page: Page) -> None:
    text = page.content.decode()
    for path in assemble()["paths"]:
        assert f"<code>{path}</code>" in text


def test_sample_requests_are_on_it(page: Page) -> None:
    text = page.content.decode()
    assert "curl -s $KERASD/v1/models/breast-cancer:predict -d &#39;{&#34;instances&#34;" in text
    assert "curl -s -X POST $KERASD/v2/repository/index" in text


def test_texts_are_escaped() -> None:
    document = assemble()
    document["info"]["title"] = "<script>"
    assert b"&lt;script&gt;" in render(document).content
    assert marked("a `<b>` c") == "a <code>&lt;b&gt;</code> c"
    assert kind({"type": "<b>"}) == "&lt;b&gt;"
