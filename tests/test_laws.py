"""The laws of the architecture, held over the import graph and the tree of files."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SERVICE = Path(__file__).parent.parent / "service"
FLOORS = (
    {"cli"},
    {"web", "controller", "training"},
    {"client", "data", "loading", "runtime", "repository", "quality", "jobs", "capture"},
    {"client_jobs", "client_quality", "client_versions"},
    {
        "client_connection",
        "client_events",
        "client_files",
        "client_patience",
        "client_tensors",
        "recipe",
    },
    {"base"},
)
FILES = sorted(SERVICE.rglob("*.py"))
MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 50
MAX_PARAMETERS = 6
STORES = {
    "base/database.py",
    "repository/store.py",
    "repository/store_heartbeats.py",
    "repository/store_routes.py",
    "repository/store_tables.py",
    "jobs/store.py",
    "jobs/store_attempts.py",
    "jobs/store_counts.py",
    "jobs/store_events.py",
    "jobs/store_keys.py",
    "jobs/store_latest.py",
    "jobs/store_queue.py",
    "jobs/store_rows.py",
    "jobs/store_tables.py",
    "quality/store_entries.py",
    "quality/store_evaluations.py",
    "quality/store_erasure.py",
    "quality/store_feedback.py",
    "quality/store_forgotten.py",
    "quality/store_scores.py",
    "quality/store_keys.py",
    "quality/store_labelled.py",
    "quality/store_predictions.py",
    "quality/store_readings.py",
    "quality/store_tables.py",
    "quality/store_upsert.py",
    "quality/store_versions.py",
}
NAMELESS = {"utils", "util", "helpers", "helper", "common", "misc"}


def room(path: Path) -> str:
    return path.relative_to(SERVICE).parts[0].removesuffix(".py")


def floor(name: str) -> int:
    return next(level for level, names in enumerate(FLOORS) if name in names)


def imports(path: Path) -> Iterator[str]:
    """Every module that a file names in an import, type-only ones and late ones included."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room_files() -> list[Path]:
    return [path for path in FILES if path != SERVICE / "__init__.py"]


@pytest.mark.parametrize("path", room_files(), ids=lambda p: str(p.relative_to(SERVICE)))
def test_arrows_run_downwards_only(path: Path) -> None:
    here = room(path)
    for name in imports(path):
        parts = name.split(".")
        if parts[0] == "service" and len(parts) > 2:  # the package itself says its version only
            there = parts[1]
            assert there == here or floor(there) > floor(here), f"{here} imports {name}"


def test_tensorflow_and_keras_live_in_loading_and_training_only() -> None:
    heavy = {"tensorflow", "keras", "tf_keras", "tf2onnx"}
    for path in room_files():
        if room(path) not in ("loading", "training"):
            assert not heavy & {name.split(".")[0] for name in imports(path)}, path


@pytest.mark.parametrize(
    "code",
    [
        "import service.web.app",
        "import service.web.front",
        "import service.controller.run",
        "import service.client",
        "import service.loading.inspection",
        "import sys; sys.argv = ['kerasd', '--help']\n"
        "from service.cli.main import main\n"
        "try: main()\nexcept SystemExit: pass",
    ],
)
def test_tensorflow_is_not_imported_by(code: str) -> None:
    check = f"{code}\nimport sys; assert not {{'tensorflow', 'keras'}} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", check], check=True, capture_output=True)


def test_flask_lives_in_web_only() -> None:
    for path in room_files():
        if room(path) != "web":
            assert "flask" not in {name.split(".")[0] for name in imports(path)}, path


def test_sql_lives_in_stores_only() -> None:
    for path in room_files():
        name = str(path.relative_to(SERVICE))
        if name in STORES or "migrations" in name:
            continue
        used = {n for n in imports(path) if n.split(".")[0] == "sqlalchemy"}
        assert all(name.startswith("sqlalchemy.exc") for name in used), f"{name}: {used}"


def test_the_environment_is_read_in_settings_only() -> None:
    # The one exception sets what prometheus_client wants to find before it is imported.
    for path in room_files():
        text = path.read_text()
        if path.name != "settings.py" and ("os.environ" in text or "getenv" in text):
            assert path.relative_to(SERVICE) == Path("cli/halves.py")
            assert text.count("os.environ") == 1


def test_no_pickle_on_anything() -> None:
    banned = {"pickle", "marshal", "dill", "cloudpickle", "shelve", "joblib"}
    for path in FILES:
        assert not banned & {name.split(".")[0] for name in imports(path)}, path
        assert "allow_pickle=True" not in path.read_text(), path


def test_a_json_object_has_one_name() -> None:
    named = [path for path in FILES if "\nJson = " in path.read_text()]
    assert named == [SERVICE / "base/strict_json.py"]


def test_nothing_happens_at_import() -> None:
    calls = {"Thread", "ThreadPoolExecutor", "Popen", "open", "socket", "create_engine", "mkdir"}
    for path in room_files():
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.If)):
                continue
            names = {
                getattr(call.func, "id", getattr(call.func, "attr", ""))
                for call in ast.walk(node)
                if isinstance(call, ast.Call)
            }
            assert not names & calls, f"{path}: {names & calls}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(SERVICE)))
def test_a_file_is_one_short_idea(path: Path) -> None:
    text = path.read_text()
    tree = ast.parse(text)
    assert len(text.splitlines()) <= MAX_FILE_LINES
    assert ast.get_docstring(tree), "opens with a sentence that says what it is for"
    assert path.stem not in NAMELESS
    assert "TYPE_CHECKING" not in text
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            assert node.end_lineno is not None
            assert node.end_lineno - node.lineno < MAX_FUNCTION_LINES, node.name
            arguments = node.args.args + node.args.kwonlyargs
            named = [a for a in arguments if a.arg not in ("self", "cls")]
            assert len(named) <= MAX_PARAMETERS, node.name


@pytest.mark.slow
def test_collecting_the_tests_imports_no_tensorflow() -> None:
    """It takes seconds of every run, and its libraries take over a process' logging."""
    root = Path(__file__).parent
    tests = [path.relative_to(root.parent).with_suffix("") for path in root.rglob("test_*.py")]
    check = """
import importlib, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
    heavy = {"tensorflow", "keras", "absl", "tensorboard", "ray"} & set(sys.modules)
    assert not heavy, (name, heavy)
"""
    names = [".".join(path.parts) for path in sorted(tests)]
    subprocess.run([sys.executable, "-c", check, *names], check=True, cwd=root.parent)
