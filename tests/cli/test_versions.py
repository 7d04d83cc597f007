"""`kerasd models`: what each command asks of the service, what it prints, how it fails."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.cli.command import kerasd
from tests.scripted import Line, scripted

SWAP = {"model": "m", "version": 2, "previous": 1, "revision": 7, "took_ms": 12}
ROUTE = {
    "model": "m", "revision": 7, "current": 2, "is_pinned": True, "is_unloaded": False,
    "previous": [1], "labels": {"stable": 2, "candidate": 3}, "retired": [],
    "canary": {"label": "candidate", "percent": 10.0, "header": "", "version": 3},
    "shadow": None,
}  # fmt: skip
VERSION = {
    "model": "m", "version": 2, "state": "READY", "reason": "", "served": True, "current": True,
    "loaded": True, "retired": False, "labels": ["stable"], "artefact": "f" * 64, "classes": [],
    "last_used": "2026-01-02T03:04:05.678Z",
    "workers": [
        {"worker": "worker 1 on here", "state": "LOADED", "reason": ""},
        {"worker": "worker 2 on here", "state": "FAILED", "reason": "its [file] is gone"},
    ],
}  # fmt: skip
MODEL = {
    "model_version_status": [], "name": "m", "ready": True, "route": ROUTE, "versions": [VERSION],
}  # fmt: skip
RETIRED = {
    "model": "m", "retired": [1], "deleted": [], "dry_run": True,
    "kept": [{"version": 2, "reason": "it is the current one"}],
}  # fmt: skip
AUDIT = {"changes": [{
    "id": 1, "at": "2026-01-02T03:04:05.678Z", "model": "m", "action": "promote", "who": "ann",
    "why": "it [is] better", "request_id": "", "before": {"current": 1}, "after": {"current": 2},
}]}  # fmt: skip
DIFF = {
    "model": "m",
    "from": {"version": 1, "signature": {"outputs": [{"shape": [None, 3]}]}, "files": {}},
    "to": {"version": 2, "signature": {"outputs": [{"shape": [None, 4]}]},
           "files": {"model.h5": {"size": 7}}},
    "differs": ["signature.outputs[0].shape", 'files["model.h5"]'],
}  # fmt: skip


@pytest.mark.parametrize(
    ("words", "asked", "body"),
    [
        ("promote m 2", "POST /v1/models/m/versions/2:promote", {}),
        ("promote m 2 --expect 1 --why because", "POST /v1/models/m/versions/2:promote",
         {"expected_current": 1, "why": "because"}),
        ("rollback m --expect 2", "POST /v1/models/m:rollback", {"expected_current": 2}),
        ("release m", "POST /v1/models/m:release", {}),
        ("label m candidate 3", "PUT /v1/models/m/labels/candidate", {"version": 3}),
        ("unlabel m candidate --why old", "DELETE /v1/models/m/labels/candidate?why=old", None),
        ("traffic m --canary candidate --percent 10 --header X-User", "PUT /v1/models/m/traffic",
         {"canary": {"label": "candidate", "percent": 10.0, "header": "X-User"}}),
        ("traffic m --shadow candidate", "PUT /v1/models/m/traffic", {"shadow": "candidate"}),
        ("traffic m --off --why enough", "DELETE /v1/models/m/traffic?why=enough", None),
        ("load m", "POST /v1/models/m:load", {}),
        ("unload m --why cost", "POST /v1/models/m:unload", {"why": "cost"}),
        ("reload m", "POST /v1/models/m:reload", {}),
        ("retire m 1", "POST /v1/models/m/versions/1:retire", {}),
        ("restore m 1", "POST /v1/models/m/versions/1:restore", {}),
        ("delete m 1", "DELETE /v1/models/m/versions/1", None),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_a_change_is_asked_for_once_and_told_in_one_line(
    words: str, asked: str, body: dict[str, Any] | None
) -> None:
    answer = SWAP if words.startswith(("promote", "rollback")) else ROUTE
    with scripted(Line(body=answer)) as server:
        ran = kerasd("models", *words.split(), "--url", server.url)
    assert ran.returncode == 0, ran.stderr
    assert [f"{one.method} {one.path}" for one in server.asked] == [asked]
    assert orjson.loads(server.asked[0].body or b"null") == body
    assert ran.stdout.startswith("model m, ")
    assert len(ran.stdout.splitlines()) == 1


def test_json_is_the_services_answer() -> None:
    for words, answer in (("promote m 2", SWAP), ("load m", ROUTE), ("show m", MODEL),
                          ("audit", AUDIT), ("diff m 1 2", DIFF)):  # fmt: skip
        with scripted(Line(body=answer)) as server:
            ran = kerasd("models", "--url", server.url, *words.split(), "--json")
        assert orjson.loads(ran.stdout) == answer


def test_a_model_is_shown_with_its_workers_and_its_traffic() -> None:
    with scripted(Line(body=MODEL)) as server:
        ran = kerasd("models", "show", "m", "--url", server.url)
    assert ran.returncode == 0, ran.stderr
    for words in (
        "READY", "1 of 2", "2026-01-02T03:04:05.678Z",
        "current 2 (promoted), before it 1",
        "canary: label candidate, percent 10.0, version 3",
        "version 2 in worker 2 on here: its [file] is gone",
    ):  # fmt: skip
        assert words in ran.stdout


def test_a_model_of_a_strict_service_is_shown_too() -> None:
    status = {"version": "1", "state": "AVAILABLE", "status": {}}
    with scripted(Line(body={"model_version_status": [status]})) as server:
        ran = kerasd("models", "show", "m", "--url", server.url)
    assert "AVAILABLE" in ran.stdout


def test_a_difference_is_shown_with_both_values() -> None:
    with scripted(Line(body=DIFF), Line(body={**DIFF, "differs": []})) as server:
        ran = kerasd("models", "diff", "m", "1", "2", "--url", server.url)
        same = kerasd("models", "diff", "m", "1", "2", "--url", server.url)
    assert server.asked[0].path == "/v1/models/m/diff?from=1&to=2"
    for words in ("signature.outputs[0].shape", "?, 3", "?, 4", 'files["model.h5"]', "size 7"):
        assert words in ran.stdout
    assert same.stdout == "no difference\n"


def test_the_audit_is_a_table() -> None:
    with scripted(Line(body=AUDIT)) as server:
        ran = kerasd("models", "audit", "m", "--limit", "5", "--url", server.url)
    assert server.asked[0].path == "/v1/audit?limit=5&model=m"
    for words in ("promote", "ann", "current 1", "current 2", "it [is] better"):
        assert words in ran.stdout


def test_what_would_be_retired_is_told_with_what_stays() -> None:
    with scripted(Line(body=RETIRED)) as server:
        ran = kerasd("models", "retire", "m", "--keep", "2", "--days", "3", "--dry-run",
                     "--url", server.url)  # fmt: skip
    sent = {"keep": 2, "days": 3.0, "delete": False, "dry_run": True}
    assert orjson.loads(server.asked[0].body) == sent
    assert ran.stdout == "m: would retire 1\n  2 stays: it is the current one\n"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("retire m", "name a VERSION, or say --keep how many stay"),
        ("retire m 1 --keep 2", "go without a VERSION"),
        ("traffic m", "say --canary with --percent, --shadow, or --off"),
        ("traffic m --canary c", "--canary goes with --percent"),
        ("traffic m --shadow s --header h", "--header with both"),
        ("traffic m --off --shadow s", "--off goes with no other option"),
        ("traffic m --canary c --percent 0", "is not in the range"),
        ("promote m 0", "is not in the range"),
        ("explode", "No such command"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_asked(words: str, says: str) -> None:
    ran = kerasd("models", *words.split(), "--url", "http://127.0.0.1:1")
    assert ran.returncode == 2
    assert says in ran.stderr


def test_a_refusal_is_one_line() -> None:
    with scripted(Line(409, {"error": "current is version 3"})) as server:
        ran = kerasd("models", "promote", "m", "2", "--url", server.url)
    assert ran.returncode == 1
    assert ran.stderr == "kerasd: The service answered 409: current is version 3\n"
    assert len(server.asked) == 1


def test_the_key_comes_from_the_option_or_the_setting_and_is_never_shown(tmp_path: Path) -> None:
    answer = Line(body={"models": [], "versions": [], "changes": []})
    with scripted(answer) as server:
        by_option = kerasd("models", "--key", "k3y", "--url", server.url)
        by_setting = kerasd("models", "audit", "--url", server.url, KERASD_API_KEY="s3cret")
        kerasd("models", "--url", server.url)
    given = [asked.headers.get("Authorization") for asked in server.asked]
    assert given == ["Bearer k3y", "Bearer s3cret", None]
    assert "s3cret" not in by_setting.stdout + by_setting.stderr + by_option.stderr
