"""Install the engine of each era into an environment of its own and have it write its fixtures.

python -m tests.eras.make [--venvs FOLDER] [--keep] [ENGINE ...]

looks for Pythons 3.6 to 3.12 on the path and among pyenv's; needs a C++ compiler for Theano.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
FIXTURES = Path(__file__).parent / "fixtures"

NUMPY_1 = ("numpy==1.16.6", "scipy==1.2.3", "h5py==2.10.0", "pyyaml==5.4.1", "six==1.16.0")
TF_1 = ("protobuf==3.19.6", *NUMPY_1)


@dataclass(frozen=True, slots=True)
class Engine:
    """One Keras with its backend; `program` is the module of `write/` that it runs."""

    name: str
    python: str
    packages: tuple[str, ...]
    program: str
    backend: str = "tensorflow"


def theano(name: str, keras: str, release: str, program: str) -> Engine:
    packages = (f"keras=={keras}", f"theano=={release}", *NUMPY_1)
    return Engine(name, "3.6", packages, program, "theano")


def keras_on_tensorflow(name: str, keras: str, release: str, program: str) -> Engine:
    packages = (f"keras=={keras}", f"tensorflow=={release}", *TF_1)
    return Engine(name, "3.6", packages, program)


def tf_keras(name: str, python: str, *packages: str) -> Engine:
    return Engine(name, python, packages, "tfkeras")


def keras_3(release: str, python: str, tensorflow: str) -> Engine:
    packages = (f"keras=={release}", f"tensorflow-cpu=={tensorflow}", "setuptools<80")
    return Engine(f"keras-{release}", python, packages, "keras3")


TF_2_EARLY = ("protobuf==3.19.6", "h5py==2.10.0", "numpy==1.18.5", "scipy==1.4.1")
TF_2_OLD = ("protobuf==3.19.6",)

ENGINES = (
    theano("keras-1.0.8-theano", "1.0.8", "0.8.2", "keras1"),
    theano("keras-1.2.2-theano", "1.2.2", "0.9.0", "keras1"),
    keras_on_tensorflow("keras-1.2.2-tensorflow", "1.2.2", "1.2.1", "keras1"),
    theano("keras-2.0.8-theano", "2.0.8", "0.9.0", "keras2"),
    keras_on_tensorflow("keras-2.0.8-tensorflow", "2.0.8", "1.4.1", "keras2"),
    keras_on_tensorflow("keras-2.1.6-tensorflow", "2.1.6", "1.8.0", "keras2"),
    theano("keras-2.2.4-theano", "2.2.4", "0.9.0", "keras2"),
    keras_on_tensorflow("keras-2.2.4-tensorflow", "2.2.4", "1.13.2", "keras2"),
    keras_on_tensorflow("keras-2.3.1-tensorflow", "2.3.1", "1.15.5", "keras2"),
    tf_keras("tf.keras-1.14", "3.7", "tensorflow==1.14.0", *TF_1),
    tf_keras("tf.keras-1.15", "3.7", "tensorflow==1.15.5", *TF_1),
    tf_keras("tf.keras-2.0", "3.7", "tensorflow==2.0.4", *TF_1),
    tf_keras("tf.keras-2.3", "3.8", "tensorflow-cpu==2.3.4", *TF_2_EARLY),
    tf_keras("tf.keras-2.4", "3.8", "tensorflow-cpu==2.4.4", "protobuf==3.19.6"),
    tf_keras("tf.keras-2.6", "3.9", "tensorflow-cpu==2.6.5", "keras==2.6.0", *TF_2_OLD),
    tf_keras("tf.keras-2.9", "3.10", "tensorflow-cpu==2.9.3", "numpy<2", *TF_2_OLD),
    tf_keras("tf.keras-2.11", "3.10", "tensorflow-cpu==2.11.1", "numpy<2", *TF_2_OLD),
    tf_keras("tf.keras-2.12", "3.11", "tensorflow-cpu==2.12.1", "numpy<2"),
    tf_keras("tf.keras-2.13", "3.11", "tensorflow-cpu==2.13.1", "numpy<2"),
    tf_keras("tf.keras-2.15", "3.11", "tensorflow-cpu==2.15.1", "numpy<2"),
    keras_3("3.0.5", "3.11", "2.16.2"),
    keras_3("3.3.3", "3.11", "2.16.2"),
    keras_3("3.8.0", "3.11", "2.18.1"),
    keras_3("3.12.0", "3.11", "2.20.0"),
)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.eras.make")
    parser.add_argument("engines", nargs="*", metavar="ENGINE", help="all, if none is named")
    parser.add_argument("--venvs", type=Path, default=ROOT / ".eras")
    parser.add_argument("--keep", action="store_true", help="keep the environments")
    chosen = parser.parse_args(arguments)
    wanted = set(chosen.engines) or {engine.name for engine in ENGINES}
    unknown = wanted - {engine.name for engine in ENGINES}
    if unknown:
        parser.error(f"no such engine: {', '.join(sorted(unknown))}")
    failed = []
    for engine in ENGINES:
        if engine.name in wanted:
            print(f"== {engine.name}", flush=True)
            venv = chosen.venvs / engine.name
            if not _made(engine, venv):
                failed.append(engine.name)
            if not chosen.keep:
                shutil.rmtree(venv, ignore_errors=True)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def _made(engine: Engine, venv: Path) -> bool:
    try:
        install(engine, venv)
        write(engine, venv)
    except (subprocess.CalledProcessError, FileNotFoundError) as error:
        print(error, file=sys.stderr)
        return False
    return True


def find_python(version: str) -> str:
    """A Python of this minor version. Raises FileNotFoundError."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for candidate in sorted(pyenv.glob(f"{version}.*/bin/python")):
        return str(candidate)
    on_path = shutil.which(f"python{version}")
    if on_path is None:
        raise FileNotFoundError(f"Python {version} is needed, on the path or from pyenv")
    return on_path


def install(engine: Engine, venv: Path) -> None:
    """Make the environment, unless it is complete already."""
    complete = venv / "complete"
    if complete.exists():
        return
    shutil.rmtree(venv, ignore_errors=True)
    subprocess.run([find_python(engine.python), "-m", "venv", str(venv)], check=True)
    pip = [str(venv / "bin/python"), "-m", "pip", "--disable-pip-version-check"]
    quiet = ["install", "--quiet", "--no-cache-dir"]
    newer = ["--upgrade", "pip==21.3.1", "wheel==0.37.1", "setuptools==59.6.0"]
    subprocess.run([*pip, *quiet, *(newer if engine.python < "3.8" else ["wheel"])], check=True)
    subprocess.run([*pip, *quiet, *engine.packages], check=True)
    complete.touch()


def write(engine: Engine, venv: Path) -> None:
    """Have the engine write its files anew, and pack them into one fixture."""
    with tempfile.TemporaryDirectory() as folder:
        _run(engine, venv, Path(folder))
        pack(Path(folder), FIXTURES / f"{engine.name}.zip")


def pack(folder: Path, target: Path) -> None:
    """One archive, alike whenever it is made of the same files."""
    target.parent.mkdir(exist_ok=True)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(str(path.relative_to(folder)))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, path.read_bytes())


def _run(engine: Engine, venv: Path, target: Path) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(venv),
        "KERAS_BACKEND": engine.backend,
        "THEANO_FLAGS": f"device=cpu,floatX=float32,base_compiledir={venv}/theano",
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "CUDA_VISIBLE_DEVICES": "",
        "PYTHONHASHSEED": "0",
    }
    program = [str(venv / "bin/python"), "-W", "ignore", "-m", f"tests.eras.write.{engine.program}"]
    subprocess.run([*program, engine.name, str(target)], check=True, cwd=ROOT, env=environment)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
