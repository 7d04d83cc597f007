"""What `kerasd jobs` prints for people."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import click

from service.base.strict_json import Json
from service.cli.terminal import print_table, printable
from service.client import JobStatus

SHOWN_METRICS = 8


def print_jobs(jobs: Sequence[JobStatus]) -> None:
    """One line each."""
    rows = [
        (job.id, job.kind, job.model, job.state, progress_text(job.progress), job.by, job.error)
        for job in jobs
    ]
    print_table(("job", "kind", "model", "state", "progress", "by", "error"), rows)


def print_job(job: JobStatus) -> None:
    """One job: what is known of it, its epochs, what came of it."""
    for name, value in _facts(job):
        click.echo(printable(f"{name:<9} {value}"))
    if job.epochs:
        print_epochs(job.epochs)
    print_result(job)


def print_epochs(epochs: Sequence[Json]) -> None:
    """One line each: metrics, learning rate, time."""
    names = list(dict.fromkeys(name for one in epochs for name in one.get("metrics", {})))
    names = names[:SHOWN_METRICS]
    rows = []
    for one in epochs:
        metrics = one.get("metrics", {})
        values = [*map(metrics.get, names), one.get("learning_rate"), one.get("duration_s")]
        rows.append((one["epoch"], *map(number_text, values)))
    print_table(("epoch", *names, "learning rate", "seconds"), rows)


def print_result(job: JobStatus) -> None:
    """What came of it: why the fit ended, the scores, the verdict, the version."""
    result = job.result or {}
    fit = result.get("epochs") or {}
    if fit:
        click.echo(
            printable(f"best epoch {fit.get('best_epoch')}; stopped: {fit.get('stopped_why')}")
        )
    print_scores(result.get("scores") or ())
    for reason in (result.get("gate") or {}).get("reasons", ()):
        word = {True: "passed", False: "broken"}.get(reason["passed"], "not applied")
        click.echo(printable(f"gate: {reason['rule']}: {word}: {reason['text']}"))
    for compared in result.get("comparisons") or ():
        click.echo(printable(comparison_text(compared)))
    click.echo(printable(outcome_text(job)))


def print_scores(scores: Iterable[Json]) -> None:
    """Each version's on each dataset."""
    listed = list(scores)
    if not listed:
        return
    names = list(dict.fromkeys(name for one in listed for name in one["metrics"]))
    heads = [f"{one['version']} on {one['dataset']} ({one['rows']} rows)" for one in listed]
    rows = [(name, *(number_text(one["metrics"].get(name)) for one in listed)) for name in names]
    print_table(("score", *heads), rows)


def print_cancelled(job: JobStatus) -> None:
    """One line."""
    how = f"is {job.state}" if job.is_ended else "ends at its next batch"
    click.echo(printable(f"job {job.id} {how}"))


def print_artefacts(listed: Sequence[Json]) -> None:
    """One line each."""
    rows = [(one["name"], one["bytes"], one["at"]) for one in listed]
    print_table(("artefact", "bytes", "changed"), rows)


def comparison_text(compared: Mapping[str, Any]) -> str:
    """What McNemar's test says of two versions."""
    pair = f"version {compared['b']} against {compared['a']}"
    verdict = compared.get("verdict")
    if verdict is None:
        return f"{pair}: no test for numbers"
    told = f"{verdict['only_b_right']} rows right that were wrong, {verdict['only_a_right']} lost"
    chance = "" if verdict["p"] is None else f"p {number_text(verdict['p'])}; "
    return f"{pair}: {str(verdict['finding']).replace('_', ' ')} ({chance}{told})"


def outcome_text(job: JobStatus) -> str:
    """How it ended, in one sentence."""
    result = job.result or {}
    if job.state == "PUBLISHED":
        word = "published, and is current now" if result.get("promoted") else "published"
        why = result.get("not_promoted_because")
        return f"version {result.get('version')} is {word}" + (f" ({why})" if why else "")
    if job.state == "GATED":
        return f"not published: {(result.get('gate') or {}).get('summary', 'the gate refused it')}"
    return f"{job.state}: {job.error}" if job.error else job.state


def progress_text(progress: Mapping[str, Any]) -> str:
    """How far it is, in a few words."""
    if "epoch" in progress:
        return f"epoch {progress['epoch']}/{progress.get('epochs', '?')}"
    if "files_total" in progress:
        files = f"{progress['files']}/{progress['files_total']} files"
        return f"{files}, {progress.get('rows', 0)} rows"
    return str(progress.get("stage", ""))


def number_text(value: Any) -> str:
    """A number with as many digits as tell something."""
    if isinstance(value, float):
        return f"{value:.4g}"
    return "" if value is None else str(value)


def _facts(job: JobStatus) -> Iterable[tuple[str, object]]:
    yield "job", f"{job.id} ({job.kind} of {job.model})"
    yield "state", f"{job.state}, attempt {job.attempt}" if job.attempt else job.state
    yield "asked", f"by {job.by} through {job.trigger} at {job.created_at}"
    if job.started_at:
        yield "ran", f"{job.started_at} to {job.ended_at or 'now'}"
    if job.progress and not job.is_ended:
        left = job.progress.get("eta_s")
        rest = "" if left is None else f", {left:.0f} s left"
        yield "progress", f"{progress_text(job.progress)}{rest}"
