"""`.keras` archives: known members only, and nothing that unpacks to more than it says."""

import stat
import struct
import zipfile
from pathlib import Path

import pytest

from service.base.refusals import FileBroken, FileUnsafe
from service.loading.files.archive import MAX_JSON_BYTES, MAX_MEMBERS, open_archive
from tests.loading.handmade import write_archive

# Where fields stand in an entry of the table at an archive's end.
FLAGS, COMPRESSED_SIZE, SIZE, OFFSET = 8, 20, 24, 42


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return write_archive(tmp_path / "m.keras")


def _add(path: Path, member: str | zipfile.ZipInfo, content: bytes = b"x") -> Path:
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(member, content)
    return path


def _lie(path: Path, member: str, field: int, value: int, size: str = "<I") -> Path:
    """Overwrite a field of a member's entry in the table."""
    content = bytearray(path.read_bytes())
    entry = content.rindex(member.encode()) - 46
    struct.pack_into(size, content, entry + field, value)
    path.write_bytes(content)
    return path


def _refusal(path: Path) -> str:
    with pytest.raises(FileUnsafe) as caught, open_archive(path):
        pass
    return str(caught.value)


def _damage(path: Path, member: str = "config.json") -> str:
    with pytest.raises(FileBroken) as caught, open_archive(path) as archive:
        archive.read(member)
    return str(caught.value)


def test_reads_its_members(archive: Path) -> None:
    with open_archive(archive) as opened:
        assert b"3.10.0" in opened.read("metadata.json")


def test_an_extracted_member_is_gone_afterwards(archive: Path) -> None:
    with open_archive(archive) as opened, opened.extracted("model.weights.h5") as path:
        head = path.read_bytes()[:4]

    assert head == b"\x89HDF"
    assert path.name == "m.keras: model.weights.h5"
    assert not path.exists()


def test_assets_of_layers_are_welcome(archive: Path) -> None:
    _add(archive, "assets/layers/text_vectorization/vocabulary.txt")

    with open_archive(archive) as opened:
        assert opened.read("config.json")


@pytest.mark.parametrize("missing", ["metadata.json", "config.json", "model.weights.h5"])
def test_every_part_must_be_there(tmp_path: Path, missing: str) -> None:
    path = tmp_path / "m.keras"
    parts = {"metadata.json", "config.json", "model.weights.h5"} - {missing}
    with zipfile.ZipFile(path, "w") as writer:
        for part in parts:
            writer.writestr(part, b"{}")

    assert f"is no .keras archive: {missing} is missing" in _damage(path)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_an_archive_that_is_still_being_copied_is_broken(archive: Path, share: float) -> None:
    whole = archive.read_bytes()
    archive.write_bytes(whole[: int(len(whole) * share)])

    assert "m.keras: the archive is damaged or incomplete" in _damage(archive)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_damaged_member_is_broken(tmp_path: Path, method: int) -> None:
    path = tmp_path / "m.keras"
    with zipfile.ZipFile(path, "w", method) as writer:
        for name in ("metadata.json", "config.json", "model.weights.h5"):
            writer.writestr(name, b"some content " * 20)
    content = bytearray(path.read_bytes())
    start = content.index(b"config.json") + len(b"config.json")
    content[start : start + 8] = b"\xff" * 8
    path.write_bytes(content)

    assert "config.json is damaged" in _damage(path)


@pytest.mark.parametrize(
    "name", ["../evil.py", "/etc/cron.d/evil", "assets/../../evil", "evil.py", "config.json.bak"]
)
def test_a_member_that_has_no_business_there_is_refused(archive: Path, name: str) -> None:
    assert repr(name) in _refusal(_add(archive, name))


def test_a_member_twice_is_refused(archive: Path) -> None:
    """Two readers could take different ones of them for the truth."""
    with pytest.warns(UserWarning, match="Duplicate name"):
        _add(archive, "config.json")

    assert "the member 'config.json' 2 times" in _refusal(archive)


def test_too_many_members_are_refused(archive: Path) -> None:
    with zipfile.ZipFile(archive, "a") as writer:
        for number in range(MAX_MEMBERS):
            writer.writestr(f"assets/{number}", b"")

    assert f"has {MAX_MEMBERS + 3} members; at most {MAX_MEMBERS}" in _refusal(archive)


def test_a_link_is_refused(archive: Path) -> None:
    member = zipfile.ZipInfo("assets/link")
    member.external_attr = (stat.S_IFLNK | 0o777) << 16

    assert "'assets/link' is a link" in _refusal(_add(archive, member, b"/etc/passwd"))


def test_an_encrypted_member_is_refused(archive: Path) -> None:
    assert "'config.json' is encrypted" in _refusal(_lie(archive, "config.json", FLAGS, 1, "<H"))


def test_a_compression_that_keras_never_writes_is_refused(archive: Path) -> None:
    member = zipfile.ZipInfo("assets/words.txt")
    member.compress_type = zipfile.ZIP_LZMA

    assert "'assets/words.txt' is compressed in a way" in _refusal(_add(archive, member))


def test_a_member_that_unpacks_to_far_too_much_is_refused(archive: Path) -> None:
    _add(archive, "assets/bomb")

    assert "'assets/bomb' unpacks from 1 to 1073741824 bytes" in _refusal(
        _lie(archive, "assets/bomb", SIZE, 1 << 30)
    )


def test_members_that_together_unpack_to_too_much_are_refused(archive: Path) -> None:
    for name in ("assets/one", "assets/two"):
        _add(archive, name)
        _lie(archive, name, COMPRESSED_SIZE, 3 << 30)
        _lie(archive, name, SIZE, 3 << 30)

    assert f"bytes; at most {4 << 30}" in _refusal(archive)


def test_a_configuration_of_endless_length_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "m.keras"
    with zipfile.ZipFile(path, "w") as writer:
        for name in ("metadata.json", "model.weights.h5"):
            writer.writestr(name, b"{}")
        writer.writestr("config.json", b" " * (MAX_JSON_BYTES + 1))

    assert "config.json is larger than" in _damage(path)


def test_a_member_that_hardly_anybody_would_notice_may_shrink_by_much(archive: Path) -> None:
    member = zipfile.ZipInfo("assets/words.txt")
    member.compress_type = zipfile.ZIP_DEFLATED
    _add(archive, member, b"a" * 1_000_000)

    with open_archive(archive) as opened:
        assert len(opened.read("assets/words.txt")) == 1_000_000


def test_members_that_share_their_bytes_are_refused(archive: Path) -> None:
    """Three hundred of them would unpack to three hundred times the file."""
    _add(archive, "assets/one")
    _add(archive, "assets/two")
    with zipfile.ZipFile(archive) as opened:
        first = opened.getinfo("assets/one").header_offset

    hazards = _refusal(_lie(archive, "assets/two", OFFSET, first))

    assert "doesn't begin where it should" in hazards


def test_a_member_named_otherwise_at_its_own_place_is_refused(archive: Path) -> None:
    content = archive.read_bytes()
    archive.write_bytes(content.replace(b"config.json", b"confiX.json", 1))

    assert "'config.json' has another name at its own place" in _refusal(archive)


def test_nothing_may_lie_before_the_first_member(archive: Path) -> None:
    archive.write_bytes(b"#!/bin/sh" + archive.read_bytes())

    assert "'metadata.json' doesn't begin where it should" in _refusal(archive)


def test_nothing_may_follow_the_end(archive: Path) -> None:
    archive.write_bytes(archive.read_bytes() + b"\0")

    assert "something follows the end of the archive" in _refusal(archive)


def test_a_comment_is_refused(archive: Path) -> None:
    with zipfile.ZipFile(archive, "a") as opened:
        opened.comment = b"hello"

    assert "something follows the end of the archive" in _refusal(archive)


@pytest.mark.parametrize(
    "name", ["assets/a\\..\\b", "assets/./b", "assets//b", "assets/\u2400", "assets/a b", "assetsx"]
)
def test_an_asset_has_a_plain_name(archive: Path, name: str) -> None:
    assert "unexpected member" in _refusal(_add(archive, name))
