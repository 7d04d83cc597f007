"""Which file of sample requests is taken for a version."""

from pathlib import Path

import pytest

from service.repository.layout import scan
from service.repository.sample_requests import MAX_BYTES, SampleFile, find_samples


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "repository" / "m"
    (folder / "3").mkdir(parents=True)
    return folder


def test_the_nearest_file_is_taken(model: Path) -> None:
    root = model.parent
    seen = [find_samples(root, "m", 3)]
    for name in ("examples.json", "warm_up.json", "3/warm_up.json"):
        (model / name).write_bytes(name.encode())
        seen.append(find_samples(root, "m", 3))

    assert seen == [
        None,
        SampleFile("examples.json", b"examples.json"),
        SampleFile("warm_up.json", b"warm_up.json"),
        SampleFile("3/warm_up.json", b"3/warm_up.json"),
    ]
    assert find_samples(root, "m", 4) == SampleFile("warm_up.json", b"warm_up.json")


def test_only_examples_were_not_written_for_this() -> None:
    assert SampleFile("examples.json").is_example
    assert not SampleFile("3/warm_up.json").is_example


def test_a_file_that_is_too_large_is_named_with_the_reason(model: Path) -> None:
    (model / "warm_up.json").write_bytes(b" " * (MAX_BYTES + 1))

    found = find_samples(model.parent, "m", 3)

    assert found == SampleFile("warm_up.json", problem=f"it is larger than {MAX_BYTES} bytes")


def test_a_link_that_leads_out_is_not_followed(model: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (model / "warm_up.json").symlink_to(tmp_path / "secret")

    found = find_samples(model.parent, "m", 3)

    assert found is not None
    assert (found.content, "out of the repository" in found.problem) == (b"", True)


def test_a_repository_of_one_file_has_none(tmp_path: Path) -> None:
    (tmp_path / "model.h5").write_bytes(b"")

    assert find_samples(tmp_path / "model.h5", "model", 1) is None


def test_such_files_are_no_part_of_the_model(model: Path) -> None:
    (model / "3" / "model.h5").write_bytes(b"\x89HDF\r\n\x1a\n")
    for name in ("warm_up.json", "3/warm_up.json"):
        (model / name).write_text("{}")

    (version,) = scan(model.parent)

    assert [file.name for file in version.files] == ["model.h5"]
