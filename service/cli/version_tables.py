"""What `kerasd models` prints for people."""

from typing import Any

import click

from service.base.strict_json import Json
from service.cli.terminal import print_table, printable

NOTHING: tuple[Any, ...] = (None, "", [], {})


def print_models(answer: Json) -> None:
    """Every version and its state; only the models' names where `extra_keys` is off."""
    versions = answer.get("versions") or [{"model": name} for name in answer["models"]]
    rows = [
        (
            row["model"], row.get("version", ""), row.get("state", ""), _standing(row),
            _labels(row), row.get("reason", ""),
        )
        for row in versions
    ]  # fmt: skip
    print_table(("model", "version", "state", "answers", "labels", "reason"), rows)


def print_model(answer: Json) -> None:
    """One model: its versions, then where its requests go."""
    rows = [
        (
            row["version"], row["state"], _standing(row), _labels(row),
            _workers(row.get("workers", [])), row.get("last_used") or "", row.get("reason", ""),
        )
        for row in answer.get("versions") or answer["model_version_status"]
    ]  # fmt: skip
    head = ("version", "state", "answers", "labels", "workers", "last used", "reason")
    print_table(head, rows)
    troubles = _troubled(answer.get("versions", []))
    for line in (*_route_lines(answer.get("route", {})), *troubles):
        click.echo(printable(line))


def print_difference(answer: Json) -> None:
    """Each place with both values."""
    if not answer["differs"]:
        click.echo("no difference")
        return
    old, new = (f"version {answer[side]['version']}" for side in ("from", "to"))
    rows = [(place, *_both(answer, place)) for place in answer["differs"]]
    print_table(("differs", old, new), rows)


def print_change(answer: Json) -> None:
    """One line: what holds now."""
    known = ("model", "version", "label", "previous", "current", "state", "revision", "took_ms")
    named = {key: answer[key] for key in (*known, *answer) if key in answer}
    click.echo(printable(_short(named)))


def print_retired(answer: Json) -> None:
    """Which versions went, and why the others stay."""
    verb = "would retire" if answer["dry_run"] else "deleted" if answer["deleted"] else "retired"
    went = answer["deleted"] or answer["retired"]
    click.echo(printable(f"{answer['model']}: {verb} {_short(went) if went else 'nothing'}"))
    for kept in answer["kept"]:
        click.echo(printable(f"  {kept['version']} stays: {kept['reason']}"))


def print_audit(answer: Json) -> None:
    """One change a row."""
    rows = [
        (
            entry["at"], entry["model"], entry["action"], entry["who"],
            _short(entry["before"]), _short(entry["after"]), entry["why"],
        )
        for entry in answer["changes"]
    ]  # fmt: skip
    print_table(("at", "model", "action", "who", "from", "to", "why"), rows)


def _standing(row: Json) -> str:
    if row.get("retired"):
        return "retired"
    if not row.get("served"):
        return ""
    if not row.get("loaded"):
        return "loading"
    return "all" if row.get("current") else "when asked for"


def _labels(row: Json) -> str:
    return ", ".join(row.get("labels", []))


def _workers(workers: list[Json]) -> str:
    loaded = sum(worker["state"] == "LOADED" for worker in workers)
    return f"{loaded} of {len(workers)}" if workers else ""


def _troubled(versions: list[Json]) -> list[str]:
    return [
        f"version {row['version']} in {worker['worker']}: {worker['reason']}"
        for row in versions
        for worker in row["workers"]
        if worker["reason"]
    ]


def _route_lines(route: Json) -> list[str]:
    if not route:
        return []
    how = "promoted" if route["is_pinned"] else "by the version policy"
    lines = [f"current {route['current']} ({how}), before it {_short(route['previous']) or 'none'}"]
    for kind in ("canary", "shadow"):
        if route[kind]:
            lines.append(f"{kind}: {_short(route[kind])}")
    return lines


def _both(answer: Json, place: str) -> list[str]:
    return [_short(_at(answer[side], place)) for side in ("from", "to")]


def _at(record: Any, place: str) -> Any:
    """The value at a place such as `signature.outputs[0].shape`; empty where there is none."""
    steps = place.replace('["', "\0").replace('"]', "\0").split("\0")
    for index, part in enumerate(steps):
        names = [part] if index % 2 else part.replace("[", ".").replace("]", "").split(".")
        for name in filter(None, names):
            key: Any = int(name) if isinstance(record, list) else name
            try:
                record = record[key]
            except (KeyError, IndexError, TypeError):
                return ""
    return record


def _short(value: Any) -> str:
    """A value in few words; what is empty is left out."""
    if isinstance(value, dict):
        told = {key: inner for key, inner in value.items() if inner not in NOTHING}
        return ", ".join(f"{key} {_short(inner)}" for key, inner in told.items())
    if isinstance(value, list) and any(isinstance(item, dict) for item in value):
        return "; ".join(_short(item) for item in value)
    if isinstance(value, list):
        return ", ".join("?" if item is None else str(item) for item in value)
    return str(value)
