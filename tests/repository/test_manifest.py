"""Files are served only if they are those that were published."""

from pathlib import Path

import pytest

from service.base.refusals import FileBroken
from service.repository.manifest import MANIFEST, check_published, read_manifest, write_manifest

DIGESTS = {"model.h5": "a" * 64, "sub/x.json": "b" * 64}


def test_a_manifest_reads_as_it_was_written(tmp_path: Path) -> None:
    write_manifest(tmp_path, DIGESTS)

    assert read_manifest(tmp_path) == DIGESTS
    check_published(tmp_path, DIGESTS)


def test_without_a_manifest_any_file_will_do(tmp_path: Path) -> None:
    assert read_manifest(tmp_path) is None
    check_published(tmp_path, DIGESTS)


@pytest.mark.parametrize(
    ("digests", "words"),
    [
        (
            {**DIGESTS, "model.h5": "c" * 64},
            "model.h5: its sha256 c.* recorded when it was published",
        ),
        ({"model.h5": "a" * 64}, "sub/x.json: was published, but is missing"),
        ({**DIGESTS, "more.h5": "d" * 64}, "more.h5: isn't in the manifest.json"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, digests: dict[str, str], words: str) -> None:
    write_manifest(tmp_path, DIGESTS)

    with pytest.raises(FileBroken, match=words):
        check_published(tmp_path, digests)


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"files": 3}', '{"files": {"m.h5": "abc"}}', '{"other": {}}', "\xff"]
)
def test_a_manifest_that_is_none_is_broken(tmp_path: Path, text: str) -> None:
    (tmp_path / MANIFEST).write_text(text, encoding="latin-1")

    with pytest.raises(FileBroken, match=r"manifest.json: can't be read"):
        read_manifest(tmp_path)


def test_a_huge_manifest_is_not_read(tmp_path: Path) -> None:
    (tmp_path / MANIFEST).write_bytes(b" " * (1024 * 1024 + 1))

    with pytest.raises(FileBroken, match="larger than"):
        read_manifest(tmp_path)


def test_a_manifest_that_leads_out_of_the_repository_is_refused(tmp_path: Path) -> None:
    outside = tmp_path / "secret.json"
    outside.write_text('{"files": {"TOKEN": {"sha256": "secret"}}}')
    version = tmp_path / "repository" / "m" / "1"
    version.mkdir(parents=True)
    (version / MANIFEST).symlink_to(outside)

    with pytest.raises(FileBroken, match="leads out of the repository"):
        read_manifest(version)
