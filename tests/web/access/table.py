"""Every route against every kind of caller: the table in docs/security.md, made by asking.

Rewrite it with `python -m tests.web.access.table`.
"""

import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from service.base.roles import Role
from service.web.access.needs import ADMIN, TABLE, need_of
from service.web.app import create_app
from service.web.openapi.document import assemble
from service.web.process import WebProcess
from tests.conftest import ROOT
from tests.fakes import FakeVersion
from tests.web.access.keyed import bearer, give_key, take_key
from tests.web.client import Client, FrontClient, asking, working

DOCUMENT = ROOT / "docs" / "security.md"
BEGIN, END = "<!-- access:begin -->", "<!-- access:end -->"
VALUES = {"model": "m", "version": "2", "label": "stable", "verb": "load"}
COLUMNS = ("route", "role", "no key", "revoked key", "ended key", "other role", "other model")
CONVERTER = re.compile(r"<(?:\w+(?:\([^)]*\))?:)?(\w+)>")
AUTOMATIC = frozenset(("HEAD", "OPTIONS"))
OPEN, ANY = "anybody", "any"


@dataclass(frozen=True, slots=True, order=True)
class Route:
    """A path as documents write it, and one of its methods."""

    path: str
    method: str

    @property
    def example(self) -> str:
        """The path of one request."""
        return re.sub(r"\{(\w+)\}", lambda part: VALUES.get(part[1], "x"), self.path)


def routes(process: WebProcess) -> list[Route]:
    """All of them: those of the application, and those that it reads by a pattern of its own."""
    found = set(_of_application(process)) | set(_of_document())
    return sorted(found)


def _of_application(process: WebProcess) -> Iterator[Route]:
    for rule in create_app(process).url_map.iter_rules():
        if "<path:" not in rule.rule:
            path = CONVERTER.sub(r"{\1}", rule.rule)
            for method in (rule.methods or set()) - AUTOMATIC:
                yield Route(path, method)


def _of_document() -> Iterator[Route]:
    for path, item in assemble()["paths"].items():
        for method in item:
            if method in ("get", "post", "put", "delete"):
                yield Route(path, method.upper())


def make_table(folder: Path) -> str:
    """Ask a worker for each route with each kind of key, and write down the statuses."""
    path = folder / "keys.json"
    give_key(path, "admin", "admin")
    keys: dict[str, dict[str, str]] = {
        "no key": {},
        "revoked key": bearer(give_key(path, "revoked", "admin")),
        "ended key": bearer(give_key(path, "ended", "admin", ends_in_s=-1)),
        "other model": bearer(give_key(path, "limited", "admin", models="another")),
    }
    needs = {line.roles for line in TABLE} | {ADMIN}
    others = {
        needed: bearer(give_key(path, f"all-but-{number}", " ".join(set(Role) - needed - ADMIN)))
        for number, needed in enumerate(sorted(needs, key=sorted))
        if set(Role) - needed - ADMIN
    }
    take_key(path, "revoked")
    lines = [COLUMNS, ("---",) * len(COLUMNS)]
    with (
        working(folder, {"m": FakeVersion()}, access="keys", model_control=False) as process,
        asking(FrontClient, process) as client,
    ):
        for route in routes(process):
            needed = need_of(route.method, route.example).roles
            asked = {**keys, "other role": others.get(needed, others[ADMIN])}
            statuses = {name: _status(client, route, key) for name, key in asked.items()}
            lines.append(
                (f"`{route.method} {route.path}`", _words(needed),
                 *(statuses[column] for column in COLUMNS[2:]))
            )  # fmt: skip
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _status(client: Client, route: Route, key: dict[str, str]) -> str:
    status = client.ask(route.method, route.example, b"", **key).status
    return str(status) if status in (401, 403) else "let in"


def _words(needed: frozenset[Role]) -> str:
    if not needed:
        return OPEN
    return ANY if needed == frozenset(Role) else ", ".join(sorted(needed))


def written_table() -> str:
    """The table as it is in the document."""
    return DOCUMENT.read_text().split(BEGIN, 1)[1].split(END, 1)[0].strip()


def write_table(table: str) -> None:
    """Put it between its marks."""
    before, rest = DOCUMENT.read_text().split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    DOCUMENT.write_text(f"{before}{BEGIN}\n\n{table}\n\n{END}{after}")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        write_table(make_table(Path(made)))
