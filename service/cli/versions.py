"""`kerasd models`: what the running service has, and every change that operators make to it."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, is_dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import click

from service.cli.options import add_options

OPTIONS = (
    click.option("--url", help="Address of the service; default: from the settings."),
    click.option("--key", help="API key; better in the setting api_key, which others don't see."),
    click.option("--json", "as_json", is_flag=True, help="Print the service's answer as it is."),
)
MODEL = click.argument("model")
NUMBER = click.argument("version", type=click.IntRange(min=1))
WHY = click.option("--why", default="", help="A reason for the audit.")
EXPECT = click.option("--expect", type=click.IntRange(min=1), metavar="VERSION",
                      help="Refuse if another version is current by then.")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Told:
    """Which service is asked, with which key, and how the answer is printed."""

    url: str | None = None
    key: str | None = None
    as_json: bool = False


def with_service(command: Any) -> Any:
    """Options of every command that asks the running service."""
    return add_options(*OPTIONS)(command)


@click.group(invoke_without_command=True)
@with_service
@click.pass_context
def models(context: click.Context, /, **given: Any) -> None:
    """List the running service's models; show and change what answers."""
    context.obj = Told(**given)
    if context.invoked_subcommand is None:
        from service.cli.version_tables import print_models

        _ask(context.obj, lambda client: client.ask("GET", "/v1/models"), print_models)


def _command(*parameters: Any) -> Callable[[Callable[..., None]], click.Command]:
    """A command below `models`, with its parameters and those that all of them have."""

    def make(work: Callable[..., None]) -> click.Command:
        @click.pass_context
        def told(context: click.Context, /, **given: Any) -> None:
            above: Told = context.obj
            own = {name: given.pop(name) for name in Told.__slots__}
            merged = {name: value or getattr(above, name) for name, value in own.items()}
            work(Told(**merged), **given)

        told.__doc__ = work.__doc__
        command = with_service(told)
        for parameter in reversed(parameters):
            command = parameter(command)
        name = work.__name__.strip("_").replace("_", "-")
        made: click.Command = models.command(name)(command)
        return made

    return make


@_command(MODEL)
def show(told: Told, model: str) -> None:
    """Show MODEL: its versions in each state, what answers, and the traffic."""
    from service.cli.version_tables import print_model

    _ask(told, lambda client: client.ask("GET", f"/v1/models/{quote(model, safe='')}"), print_model)


@_command(MODEL, click.argument("old", type=int), click.argument("new", type=int))
def diff(told: Told, model: str, old: int, new: int) -> None:
    """Tell where versions OLD and NEW of MODEL differ."""
    from service.cli.version_tables import print_difference

    _ask(told, lambda client: client.diff(model, old, new), print_difference)


@_command(MODEL, NUMBER, EXPECT, WHY)
def promote(told: Told, model: str, version: int, expect: int | None, why: str) -> None:
    """Have VERSION answer for MODEL, in every worker, once each has loaded and warmed it."""
    _change(told, lambda client: client.promote(model, version, expect, why))


@_command(MODEL, EXPECT, WHY)
def rollback(told: Told, model: str, expect: int | None, why: str) -> None:
    """Have the version answer for MODEL that was current before."""
    _change(told, lambda client: client.rollback(model, expect, why))


@_command(MODEL, WHY)
def release(told: Told, model: str, why: str) -> None:
    """Have the version policy choose again for MODEL, after a promotion or a rollback."""
    _change(told, lambda client: client.release(model, why))


@_command(MODEL, click.argument("name"), NUMBER, WHY)
def label(told: Told, model: str, name: str, version: int, why: str) -> None:
    """Let requests ask for VERSION of MODEL by the label NAME."""
    _change(told, lambda client: client.label(model, name, version, why))


@_command(MODEL, click.argument("name"), WHY)
def unlabel(told: Told, model: str, name: str, why: str) -> None:
    """Take the label NAME back."""
    _change(told, lambda client: client.drop_label(model, name, why))


@_command(
    MODEL,
    click.option("--canary", metavar="LABEL", help="Whose version gets a share of the requests."),
    click.option("--percent", type=click.FloatRange(0, 100, min_open=True), help="The share."),
    click.option("--header", help="Requests with the same value of it go the same way."),
    click.option("--shadow", metavar="LABEL", help="Whose version sees copies of the requests."),
    click.option("--off", is_flag=True, help="All requests to the current version, no copies."),
    WHY,
)
def traffic(told: Told, model: str, off: bool, why: str, **given: Any) -> None:
    """Share the requests of MODEL out; what isn't named is taken away."""
    said = {key: value for key, value in given.items() if value is not None}
    if off and said:
        raise click.UsageError("--off goes with no other option")
    if not off and not {"canary", "shadow"} & said.keys():
        raise click.UsageError("say --canary with --percent, --shadow, or --off")
    if ("canary" in said) != ("percent" in said) or ("header" in said and "canary" not in said):
        raise click.UsageError("--canary goes with --percent, and --header with both")
    _change(told, lambda client: client.traffic(model, why=why, **said))


@_command(MODEL, WHY)
def load(told: Told, model: str, why: str) -> None:
    """Load MODEL in every worker, its files as they are now."""
    _change(told, lambda client: client.load(model, why))


@_command(MODEL, WHY)
def unload(told: Told, model: str, why: str) -> None:
    """Have no worker answer for MODEL, also after a restart, until it is loaded."""
    _change(told, lambda client: client.unload(model, why))


@_command(MODEL, WHY)
def reload(told: Told, model: str, why: str) -> None:
    """Load all of MODEL anew; its versions answer meanwhile."""
    _change(told, lambda client: client.reload(model, why))


@_command(
    MODEL,
    click.argument("version", type=click.IntRange(min=1), required=False),
    click.option("--keep", type=click.IntRange(min=1), help="So many of the highest stay."),
    click.option("--days", type=click.FloatRange(min=0),
                 help="Those stay that answered within so many days."),
    click.option("--delete", is_flag=True, help="Take their files away, too."),
    click.option("--dry-run", is_flag=True, help="Only tell which ones it would be."),
    WHY,
)  # fmt: skip
def retire(told: Told, model: str, version: int | None, why: str, **given: Any) -> None:
    """Serve VERSION of MODEL no more, or all but the newest; what is needed stays."""
    if version is not None:
        if any(given.values()):
            raise click.UsageError("--keep, --days, --delete and --dry-run go without a VERSION")
        _change(told, lambda client: client.retire(model, version, why))
        return
    if given["keep"] is None:
        raise click.UsageError("name a VERSION, or say --keep how many stay")
    from service.cli.version_tables import print_retired

    _ask(told, lambda client: client.retire_old(model, why=why, **given), print_retired)


@_command(MODEL, NUMBER, WHY)
def restore(told: Told, model: str, version: int, why: str) -> None:
    """Take the retirement of VERSION back."""
    _change(told, lambda client: client.restore(model, version, why))


@_command(
    MODEL, NUMBER, WHY, click.option("--force", is_flag=True, help="Also if it answered lately.")
)
def delete(told: Told, model: str, version: int, why: str, force: bool) -> None:
    """Take VERSION of MODEL away, its files too; refused while it is needed."""
    _change(told, lambda client: client.delete_version(model, version, why, force))


@_command(
    MODEL,
    click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path)),
    click.option("--version", type=click.IntRange(min=1), help="Its number; default: the next."),
    click.option("--wait", is_flag=True, help="Until it is compiled and verified."),
    WHY,
)
def upload(told: Told, model: str, files: tuple[Path, ...], **given: Any) -> None:
    """Publish FILES, or those of a folder, as a version of MODEL, once they were looked at."""
    try:
        _change(told, lambda client: client.upload(model, files, **given))
    except ValueError as error:
        raise click.UsageError(str(error)) from error


@_command(
    click.argument("model", required=False),
    click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True),
)
def audit(told: Told, model: str | None, limit: int) -> None:
    """Tell what was changed, by whom and why; the latest first."""
    from service.cli.version_tables import print_audit

    asked = urlencode({"limit": limit, **({"model": model} if model else {})})
    _ask(told, lambda client: client.ask("GET", f"/v1/audit?{asked}"), print_audit)


def _change(told: Told, call: Callable[[Any], Any]) -> None:
    from service.cli.version_tables import print_change

    _ask(told, call, print_change)


def _ask(told: Told, call: Callable[[Any], Any], show: Callable[[Any], None]) -> None:
    """Ask the service and print what it says. Raises ServiceRefused or ServiceUnreachable."""
    from service.cli.ask import open_client, print_json

    with open_client(told.url, told.key) as client:
        answer = call(client)
    if is_dataclass(answer) and not isinstance(answer, type):
        answer = asdict(answer)
    (print_json if told.as_json else show)(answer)
