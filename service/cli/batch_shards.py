"""Batch predictions as jobs of the running service, each with a share of the files."""

import secrets
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click

from service.base.settings import read_settings
from service.base.strict_json import Json
from service.cli.batch_bar import BatchBar
from service.cli.batch_local import told
from service.cli.terminal import printable
from service.client import Client, JobStatus
from service.client_patience import PATIENCE_S, PAUSE_S
from service.recipe.batch import BatchOptions

EXIT_FAILED = 1
EXIT_INTERRUPTED = 130


def predict_in_shards(
    model: str, source: Path, target: Path, options: BatchOptions, given: Mapping[str, Any]
) -> None:
    """Ask for the jobs, wait for all, and say what they came to."""
    from service.cli.ask import open_client

    with open_client(given["url"], given["key"]) as client:
        client.trigger = "cli"
        request: Json = {
            **options.model_dump(mode="json", exclude_defaults=True),
            "input": name_of(source),
            "output": name_of(target),
            "version": given["version"] or _current(client, model),
            "fresh": given["fresh"],
            "run": secrets.token_hex(8),
        }
        count: int = given["shards"]
        shards = [{"index": number, "of": count} for number in range(1, count + 1)]
        jobs = [client.batch_predict(model, {**request, "shard": shard}).id for shard in shards]
        sys.exit(_watch(client, jobs, request["version"], given["as_json"]))


def name_of(path: Path) -> str:
    """A path as the service calls it: below its data folder, which may be this machine's, too."""
    folder = read_settings().data_dir
    if folder is not None:
        root, resolved = folder.resolve(), path.resolve()
        if resolved.is_relative_to(root):
            return str(resolved.relative_to(root))
    if path.is_absolute():
        raise click.UsageError(f"{path}: expected a path below the service's data folder")
    return str(path)


def _current(client: Client, model: str) -> int:
    """One version for all jobs, though another may become current meanwhile."""
    about = client.ask("GET", f"/v1/models/{quote(model, safe='')}")
    current = about.get("route", {}).get("current")
    if current is None:
        raise click.UsageError(f"model {model} has no current version: give --version")
    return int(current)


def _watch(client: Client, jobs: Sequence[str], version: int, as_json: bool) -> int:
    """Show them until all have ended; the exit code."""
    try:
        with BatchBar(quiet=as_json) as bar:
            while True:
                found = [client.job(job, PATIENCE_S) for job in jobs]
                _move(bar, found)
                if all(one.is_ended for one in found):
                    break
                time.sleep(PAUSE_S)
    except KeyboardInterrupt:
        click.echo(f"the jobs go on; to end one: kerasd jobs cancel {jobs[0]}", err=True)
        return EXIT_INTERRUPTED
    if as_json:
        from dataclasses import asdict

        from service.cli.ask import print_json

        print_json([asdict(one) for one in found])
    failed = [one for one in found if one.state != "SUCCEEDED"]
    for one in failed:
        click.echo(printable(f"job {one.id} is {one.state}: {one.error}"), err=True)
    if not failed and not any((one.result or {}).get("complete") for one in found):
        click.echo(
            "not all files are there: another run has begun in OUT; start it again", err=True
        )
        return EXIT_FAILED
    if not as_json and not failed:
        results = [one.result or {} for one in found]
        rows, errors, files = (
            sum(int(result.get(key, 0)) for result in results)
            for key in ("rows", "errors", "files")
        )
        click.echo(printable(told(rows, errors, files, version)))
    return EXIT_FAILED if failed else 0


def _move(bar: BatchBar, found: Sequence[JobStatus]) -> None:
    def total(key: str) -> int:
        return sum(int(one.progress.get(key, 0)) for one in found)

    running = sum(one.state == "RUNNING" for one in found)
    what = f"{total('files')}/{total('files_total')} files, {running} of {len(found)} jobs"
    # Jobs that wait haven't said yet how much they have to do.
    known = [one for one in found if "bytes_total" in one.progress]
    whole = total("bytes_total") * len(found) // max(len(known), 1)
    bar.move(total("bytes"), whole, total("rows"), what)
