"""What counts as a model in a repository, and what is passed over."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from service.base.magic import HDF5_SIGNATURE
from service.repository.layout import MAX_FILES, Found, scan

HDF5 = HDF5_SIGNATURE + b"rest"
ZIP = b"PK\x03\x04rest"
JSON = b'{"class_name": "Sequential"}'


def _put(path: Path, content: bytes = HDF5) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def _told(repository: Path) -> dict[str, list[str]]:
    """What was found, in short: `model/version` -> names of its files."""
    return {
        f"{item.model}/{item.version}": [file.name for file in item.files]
        for item in scan(repository)
    }


def _only(repository: Path) -> Found:
    (found,) = scan(repository)
    return found


def test_a_version_folder_with_its_files(tmp_path: Path) -> None:
    path = _put(tmp_path / "digits" / "3" / "model.h5")

    found = _only(tmp_path)

    assert (found.model, found.version, found.problem) == ("digits", 3, "")
    assert found.folder == tmp_path / "digits"  # where its model.yaml lies
    assert [(file.name, file.path, file.size) for file in found.files] == [
        ("model.h5", path, len(HDF5))
    ]


def test_versions_of_several_models_by_number(tmp_path: Path) -> None:
    for place in ("b/10", "b/9", "a/1"):
        _put(tmp_path / place / "m.keras", ZIP)

    assert list(_told(tmp_path)) == ["a/1", "b/9", "b/10"]


def test_architecture_and_weights_in_one_version(tmp_path: Path) -> None:
    _put(tmp_path / "digits" / "1" / "architecture.json", JSON)
    _put(tmp_path / "digits" / "1" / "weights.hdf5")

    assert _told(tmp_path) == {"digits/1": ["architecture.json", "weights.hdf5"]}


def test_folders_within_a_version(tmp_path: Path) -> None:
    _put(tmp_path / "digits" / "1" / "config" / "model.json", JSON)
    _put(tmp_path / "digits" / "1" / "weights" / "final" / "w.h5")
    _put(tmp_path / "digits" / "1" / ".cache" / "w.h5")

    assert _told(tmp_path) == {"digits/1": ["config/model.json", "weights/final/w.h5"]}


def test_a_file_without_a_version_folder_is_version_1(tmp_path: Path) -> None:
    _put(tmp_path / "digits" / "whatever.h5")

    found = _only(tmp_path)

    assert (found.model, found.version) == ("digits", 1)
    assert found.folder == tmp_path / "digits"


def test_a_file_without_any_folder_is_named_by_itself(tmp_path: Path) -> None:
    _put(tmp_path / "digits.h5")
    _put(tmp_path / "motions.keras", ZIP)
    _put(tmp_path / "spam.json", JSON)
    _put(tmp_path / "spam.weights.h5")

    assert _told(tmp_path) == {
        "digits/1": ["digits.h5"],
        "motions/1": ["motions.keras"],
        "spam/1": ["spam.json", "spam.weights.h5"],
    }


def test_a_version_folder_counts_more_than_a_bare_file(tmp_path: Path) -> None:
    _put(tmp_path / "digits.h5")
    _put(tmp_path / "digits" / "old.h5")
    _put(tmp_path / "digits" / "1" / "model.h5")

    assert _told(tmp_path) == {"digits/1": ["model.h5"]}


def test_the_repository_may_be_one_file(tmp_path: Path) -> None:
    path = _put(tmp_path / "digits.h5")
    _put(tmp_path / "other.h5")

    assert _told(path) == {"digits/1": ["digits.h5"]}


def test_a_single_file_whose_name_is_no_model_name(tmp_path: Path) -> None:
    assert list(_told(_put(tmp_path / "my best model.h5"))) == ["model/1"]


@pytest.mark.parametrize(
    ("others", "chosen"),
    [
        (["net.weights.h5", "other.h5"], ["net.weights.h5"]),
        (["net_weights.h5", "other.h5"], ["net_weights.h5"]),
        (["anything.hdf5"], ["anything.hdf5"]),
        (["a.h5", "b.h5"], []),  # it would be a guess
        ([], []),
    ],
)
def test_a_single_architecture_takes_the_weights_beside_it(
    tmp_path: Path, others: list[str], chosen: list[str]
) -> None:
    path = _put(tmp_path / "net.json", JSON)
    for name in others:
        _put(tmp_path / name)

    assert _told(path) == {"net/1": ["net.json", *chosen]}


def test_an_architecture_alone_is_no_model_yet(tmp_path: Path) -> None:
    _put(tmp_path / "digits.json", JSON)
    _put(tmp_path / "motions" / "model.json", JSON)

    assert _told(tmp_path) == {}


def test_files_that_are_no_models_are_passed_over(tmp_path: Path) -> None:
    for name in ("README.md", "requirements.txt", "labels.csv", "train.py", "model.yaml"):
        _put(tmp_path / name, b"text")
        _put(tmp_path / "digits" / name, b"text")
        _put(tmp_path / "digits" / "1" / name, b"text")
    for name in ("manifest.json", "examples.json"):
        _put(tmp_path / "digits" / "1" / name, JSON)
    _put(tmp_path / "digits" / "1" / ".model.h5.swp")
    _put(tmp_path / ".hidden.h5")
    _put(tmp_path / ".git" / "1" / "model.h5")
    _put(tmp_path / "digits" / "1" / "model.h5")

    assert _told(tmp_path) == {"digits/1": ["model.h5"]}


@pytest.mark.parametrize("name", ["v1", "01", "0", "-1", "latest", "1.5"])
def test_a_folder_that_is_no_number_is_no_version(tmp_path: Path, name: str) -> None:
    _put(tmp_path / "digits" / name / "model.h5")

    assert _told(tmp_path) == {}


def test_a_version_folder_without_a_model_says_so(tmp_path: Path) -> None:
    (tmp_path / "digits" / "1").mkdir(parents=True)

    assert "1/ holds no regular model file" in _only(tmp_path).problem


def test_too_many_files_are_a_problem_not_an_endless_list(tmp_path: Path) -> None:
    for number in range(MAX_FILES + 1):
        _put(tmp_path / "digits" / "1" / f"{number}.bin", b"")

    found = _only(tmp_path)

    assert f"more than {MAX_FILES} files" in found.problem
    assert len(found.files) == MAX_FILES


def test_a_pipe_is_no_model_and_is_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "digits" / "1").mkdir(parents=True)
    for place in ("digits/1/model.h5", "digits/model.h5", "digits.h5"):
        os.mkfifo(tmp_path / place)

    found = _only(tmp_path)

    assert found.files == ()
    assert found.problem


def test_links_out_of_the_repository_are_not_followed(tmp_path: Path) -> None:
    secret = _put(tmp_path / "secrets" / "1" / "model.h5")
    repository = tmp_path / "repository"
    _put(repository / "digits" / "1" / "model.h5")
    (repository / "digits" / "1" / "more.h5").symlink_to(secret)
    (repository / "digits" / "2").symlink_to(secret.parent)
    (repository / "stolen").symlink_to(secret.parent.parent)
    (repository / "bare.h5").symlink_to(secret)

    assert _told(repository) == {"digits/1": ["model.h5"], "digits/2": [], "stolen/1": []}


def test_links_within_the_repository_are_followed(tmp_path: Path) -> None:
    """Kubernetes mounts a ConfigMap as links to a hidden folder beside them."""
    path = _put(tmp_path / "digits" / "1" / "..data" / "model.h5")
    (tmp_path / "digits" / "1" / "model.h5").symlink_to("..data/model.h5")

    found = _only(tmp_path)

    assert [(file.name, file.path) for file in found.files] == [("model.h5", path)]


def test_links_that_lead_nowhere_or_in_a_circle_are_passed_over(tmp_path: Path) -> None:
    folder = tmp_path / "digits" / "1"
    _put(folder / "model.h5")
    (folder / "gone.h5").symlink_to("no-such-file")
    (folder / "circle.h5").symlink_to("circle.h5")
    (folder / "deeper").symlink_to(folder, target_is_directory=True)

    assert _told(tmp_path) == {"digits/1": ["model.h5"]}


def test_a_name_that_can_not_be_recorded_is_passed_over(tmp_path: Path) -> None:
    """One file name that is no UTF-8 must not stop every other model."""
    folder = _put(tmp_path / "digits" / "1" / "model.h5").parent
    (folder / os.fsdecode(b"m\xfcde.h5")).write_bytes(HDF5)

    assert _told(tmp_path) == {"digits/1": ["model.h5"]}


def test_a_file_that_may_not_be_read_is_still_told() -> None:
    """Its version fails with the reason; the others go on."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        _put(folder / "digits.h5").chmod(0)
        _put(folder / "motions.h5")

        with _nobody():
            told = list(_told(folder))

    assert told == ["digits/1", "motions/1"]


@contextmanager
def _nobody() -> Iterator[None]:
    """Root may read everything: be somebody else for a while, if this is root."""
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)


def test_a_repository_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        scan(tmp_path / "nowhere")


def test_a_manifest_beside_a_bare_file_belongs_to_it(tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "model.h5").write_bytes(b"\x89HDF\r\n\x1a\n")

    (found,) = scan(tmp_path)

    assert found.home == tmp_path / "m"


def test_an_architecture_file_brings_the_checkpoint_beside_it(tmp_path: Path) -> None:
    for name in ("model.json", "cp.ckpt.index", "cp.ckpt.data-00000-of-00001", "other.txt"):
        (tmp_path / name).write_bytes(b"{}")

    (found,) = scan(tmp_path / "model.json")

    assert [file.name for file in found.files] == [
        "model.json",
        "cp.ckpt.index",
        "cp.ckpt.data-00000-of-00001",
    ]


def test_files_that_declare_a_fortune_are_not_read(tmp_path: Path) -> None:
    folder = tmp_path / "m" / "1"
    folder.mkdir(parents=True)
    with (folder / "model.h5").open("wb") as file:
        file.truncate(17 * 1024**3)  # sparse: it takes no room

    (found,) = scan(tmp_path)

    assert found.problem == "its files are larger than 16 GiB"
