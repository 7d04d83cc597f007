"""`kerasd`: every command, its options, and how errors end."""

import errno
import re
import sys
from pathlib import Path
from typing import Any

import click

from service import __version__
from service.base.errors import KerasdError, ServiceRefused
from service.base.settings import Settings, read_settings
from service.cli.commands import Commands
from service.cli.options import add_options
from service.cli.terminal import printable
from service.cli.versions import with_service

UNKNOWN_MODEL = re.compile("404: (Servable not found|Could not find)")
MENDED_BY_PEOPLE = frozenset(
    (errno.EACCES, errno.EDQUOT, errno.EEXIST, errno.EISDIR, errno.ELOOP, errno.ENAMETOOLONG,
     errno.ENOENT, errno.ENOSPC, errno.ENOTDIR, errno.EPERM, errno.EROFS)
)  # fmt: skip
EXIT_REFUSED = 1
EXIT_USAGE = 2


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="kerasd")
def cli() -> None:
    """Serve Keras models over HTTP: drop a .h5 file into a folder."""


_with_settings = add_options(
    click.option("--state-dir", type=click.Path(path_type=Path),
                 help="Folder for all that is kept: database, keys, jobs; default: .kerasd."),
    click.option("--log-level", help="DEBUG, INFO, WARNING or ERROR; default: INFO."),
    click.option("--log-format", help="json or text; default: json."),
)  # fmt: skip
_with_web_settings = add_options(
    click.option("--host", help="Address to listen on; default: 127.0.0.1."),
    click.option("--port", type=int, help="Port to listen on; default: 8080."),
    click.option("--workers", type=int, help="Web worker processes; default: one a processor."),
    _with_settings,
)
REPOSITORY = click.argument("repository", required=False)  # a folder, a file or an address
PARENT = click.option("--parent", type=int, hidden=True, help="End with this process.")
INSECURE = click.option(
    "--insecure", "access", flag_value="open", help="Let everybody do everything, without a key."
)


@cli.command()
@REPOSITORY
@_with_web_settings
@INSECURE
def serve(**given: Any) -> None:
    """Serve a REPOSITORY: web and controller together.

    It is a folder of models, one model file, or an address; default: model_repo. All settings, of
    which these are the most wanted, may stand in the environment as KERASD_NAME, or in kerasd.toml.
    """
    from service.cli.serve import run_service

    run_service(_read(given))


@cli.command()
@REPOSITORY
@_with_web_settings
@INSECURE
@PARENT
def web(parent: int | None, **given: Any) -> None:
    """Run only the web process; a controller elsewhere compiles."""
    from service.cli.halves import run_web_half

    run_web_half(_read(given), parent)


@cli.command()
@REPOSITORY
@_with_settings
@PARENT
def controller(parent: int | None, **given: Any) -> None:
    """Run only the controller: watch the repository and compile."""
    from service.cli.halves import run_controller_half

    run_controller_half(_read(given), parent)


@cli.command("tensorflow")
@REPOSITORY
@_with_settings
def tensorflow_(**given: Any) -> None:
    """Run what only TensorFlow can, for a web process whose controller is elsewhere."""
    from service.cli.halves import run_runtime_keeper

    run_runtime_keeper(_read(given))


FILES = click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path)
)
JSON = click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
STATE = click.option(
    "--state-dir",
    type=click.Path(path_type=Path),
    help="Folder for scratch files and what is compiled; default: .kerasd.",
)
# How the files are to be opened: what model.yaml says for a served model.
_with_load_options = add_options(
    click.option("--weights", type=click.Choice(["strict", "order"]),
                 help="order: match weights by order where names don't tell them apart."),
    click.option("--theano-kernels", type=click.Choice(["auto", "keep", "flip"]),
                 help="Whether Theano's convolution kernels are turned round."),
    click.option("--signature", help="Which signature of a SavedModel."),
    click.option("--allow-lambda", metavar="SHA256",
                 help="Run the Lambda code of the file with this sha256."),
)  # fmt: skip


@cli.command()
@FILES
@click.option("--signature", help="Which signature of a SavedModel.")
@STATE
@JSON
def inspect(
    files: tuple[Path, ...], as_json: bool, state_dir: Path | None, signature: str | None
) -> None:
    """Tell what is in a model FILE (or architecture and weights), without running it."""
    from service.cli.inspection import inspect_command

    inspect_command(files, as_json, read_settings(state_dir=state_dir), signature)


@cli.command("compile")
@FILES
@_with_load_options
@STATE
@JSON
def compile_(
    files: tuple[Path, ...], as_json: bool, state_dir: Path | None, **told: str | None
) -> None:
    """Compile a model FILE, verify it against TensorFlow, and keep the result in the cache."""
    from service.cli.compilation import compile_command
    from service.cli.tasks import options_of

    settings = read_settings(state_dir=state_dir)
    compile_command(files, as_json, settings, options_of(settings, **told))


@cli.command()
@REPOSITORY
@click.option("--compiled-dir", type=click.Path(path_type=Path), help="Folder to write in.")
@click.option("--onnx-only", is_flag=True, help="Fail what TensorFlow would have to run.")
@click.option("--allow-failures", is_flag=True, help="Exit with 0 though versions have failed.")
def bake(onnx_only: bool, allow_failures: bool, **given: Any) -> None:
    """Compile and verify every version of a REPOSITORY ahead of time, as for an image."""
    from service.cli.bake import bake_command

    bake_command(_read(given), onnx_only, allow_failures)


@cli.command()
@FILES
@click.argument("new", type=click.Path(path_type=Path))
@_with_load_options
@STATE
@JSON
def convert(
    files: tuple[Path, ...], new: Path, as_json: bool, state_dir: Path | None, **told: str | None
) -> None:
    """Write an old model FILE as a NEW.keras that gives the same answers, and prove it."""
    from service.cli.conversion import convert_command
    from service.cli.tasks import options_of

    settings = read_settings(state_dir=state_dir)
    convert_command(files, new, as_json, settings, options_of(settings, **told))


@cli.command()
@click.argument("model")
@click.option("--input", "source", required=True, type=click.Path(exists=True, path_type=Path),
              help="Rows to predict: .csv, .json or .npy.")  # fmt: skip
@click.option("--version", "number", type=int, help="Version; default: the one that is served.")
@with_service
def predict(
    model: str, source: Path, number: int | None, url: str | None, key: str | None, as_json: bool
) -> None:
    """Ask the running service for predictions of MODEL."""
    from service.cli.ask import open_client, predict_command

    predict_command(open_client(url, key), model, number, source, as_json)


def _read(given: dict[str, Any]) -> Settings:
    return read_settings(**given)


def _hint(error: KerasdError) -> str:
    """What the command line can do about the service's answer, which is worded for all clients."""
    if not isinstance(error, ServiceRefused):
        return ""
    if error.status == 401:
        return "; the command line sends the key that is in KERASD_API_KEY, or after --key"
    return "; kerasd models lists what there is" if UNKNOWN_MODEL.search(str(error)) else ""


def main() -> None:
    """Run a command; what a person can mend is one line on standard error and an exit code."""
    try:
        cli(standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(EXIT_USAGE)
    except click.exceptions.Exit as request:
        sys.exit(request.exit_code)
    except KerasdError as error:
        click.echo(f"kerasd: {error}{_hint(error)}", err=True)
        sys.exit(EXIT_USAGE if error.code in ("bad_settings", "state_busy") else EXIT_REFUSED)
    except OSError as error:
        if error.errno not in MENDED_BY_PEOPLE:
            raise
        where = f"{printable(str(error.filename))}: " if error.filename is not None else ""
        click.echo(f"kerasd: {where}{error.strerror}", err=True)
        sys.exit(EXIT_REFUSED)


if __name__ == "__main__":
    main()
