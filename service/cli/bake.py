"""`kerasd bake`: compile every version of a repository ahead of time, as for an image."""

import sys
import time
from collections.abc import Iterator
from contextlib import closing, suppress

import click
from rich.console import Console
from rich.status import Status

from service.base.errors import SettingsInvalid
from service.base.settings import Settings
from service.base.state_dir import make_folder
from service.cli.terminal import plain, print_table
from service.controller.baking import Baked, BakeOutcome, Baking
from service.controller.run import controller_limits

POLL_S = 0.05
NO_ONNX = "TensorFlow runs it: the image without TensorFlow can't serve it"


def bake_command(settings: Settings, onnx_only: bool, allow_failures: bool) -> None:
    """Compile what isn't there yet; print what became of each version; exit with 1 if one failed.

    Raises SettingsInvalid when the repository can't be read.
    """
    if settings.repository_url:
        raise SettingsInvalid(
            f"setting repository = {settings.repository_url}: baking needs a folder; "
            "copy the models from there first"
        )
    baked = sorted(_all(settings), key=lambda one: (one.model, one.version))
    failures = [(one, why) for one in baked if (why := _why_failed(one, onnx_only))]
    _print(baked, onnx_only)
    for one, why in failures:
        click.echo(f"kerasd: {one.model} version {one.version}: {why}", err=True)
    if not baked:
        click.echo(f"kerasd: there are no models in {settings.repository}", err=True)
    if (failures or not baked) and not allow_failures:
        sys.exit(1)


def _all(settings: Settings) -> Iterator[Baked]:
    try:
        baking = Baking(
            settings.repository, settings.compiled_path.absolute(), controller_limits(settings)
        )
    except OSError as error:
        raise SettingsInvalid(f"setting repository = {settings.repository}: {error}") from error
    with suppress(OSError):  # it is told of each version that needs it
        make_folder(settings.compiled_path, settings.state_dir)
    with closing(baking), Status("", console=Console(stderr=True)) as status:
        while not baking.is_done:
            yield from baking.step(time.monotonic())
            status.update(", ".join(f"{plain(n)}: {s}" for n, s in baking.stages().items()))
            time.sleep(POLL_S)


def _why_failed(one: Baked, onnx_only: bool) -> str:
    """Empty when it is as good as was asked for."""
    if one.compiled is None:
        return one.reason
    return NO_ONNX if onnx_only and one.compiled.runtime != "onnx" else ""


def _print(baked: list[Baked], onnx_only: bool) -> None:
    rows = []
    for one in baked:
        compiled = one.compiled
        outcome = BakeOutcome.FAILED.value if _why_failed(one, onnx_only) else one.outcome.value
        runtime, key = (compiled.runtime, compiled.key[:12]) if compiled is not None else ("", "")
        note = NO_ONNX if compiled is not None and compiled.runtime != "onnx" else ""
        rows.append((one.model, one.version, outcome, runtime, key, note))
    print_table(("model", "version", "outcome", "runs on", "key", "note"), rows)
