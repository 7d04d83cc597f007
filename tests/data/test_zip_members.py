"""A zip archive that isn't exactly what NumPy writes is refused before anything is unpacked."""

import io
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

from service.data.dataset import DataLimits
from tests.data.made import FEATURES, LABELS, npy, read, refusal, write_members, write_npz

GOOD = {"x.npy": npy(FEATURES), "y.npy": npy(LABELS)}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "rows.npz"


def replaced(path: Path, old: bytes, new: bytes, last: bool = False) -> Path:
    data = path.read_bytes()
    at = data.rfind(old) if last else data.find(old)
    assert at >= 0
    path.write_bytes(data[:at] + new + data[at + len(old) :])
    return path


@pytest.mark.parametrize("packed", [False, True])
def test_reads_what_other_tools_zip(path: Path, packed: bool) -> None:
    assert read(write_members(path, GOOD, packed)).rows == 10


def test_reads_what_was_written_to_a_stream(path: Path) -> None:
    """Such a member has its sizes behind its bytes."""

    class Stream(io.RawIOBase):
        written = b""

        def writable(self) -> bool:
            return True

        def write(self, data: object) -> int:
            self.written += bytes(data)  # type: ignore[call-overload]
            return len(bytes(data))  # type: ignore[call-overload]

    stream = Stream()
    np.savez_compressed(stream, x=FEATURES, y=LABELS)
    path.write_bytes(stream.written)

    assert read(path).rows == 10


@pytest.mark.parametrize("percent", [1, 10, 50, 90, 99])
def test_a_part_of_an_archive_is_damaged(path: Path, percent: int) -> None:
    data = write_npz(path, x=FEATURES, y=LABELS).read_bytes()
    path.write_bytes(data[: max(len(data) * percent // 100, 4)])

    assert "is a damaged zip archive" in refusal(path)


@pytest.mark.parametrize("name", ["../../escaped.npy", "/x.npy", "z.npy", "folder/x.npy"])
def test_no_other_member_is_taken(path: Path, name: str) -> None:
    text = refusal(write_members(path, {**GOOD, name: GOOD["x.npy"]}))

    assert f"array '{name.removesuffix('.npy')}': is not expected" in text


def test_a_member_that_is_no_array_is_named(path: Path) -> None:
    assert "the member 'notes.txt': is no array" in refusal(
        write_members(path, {**GOOD, "notes.txt": b""})
    )


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_stands_once(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("x.npy", "y.npy", "x.npy"):
            archive.writestr(name, GOOD[name])

    assert "the member 'x.npy': stands twice" in refusal(path)


def test_a_bomb_is_seen_by_its_sizes(path: Path) -> None:
    np.savez_compressed(path, x=np.zeros((2_000_000, 4), "f4"), y=LABELS)

    assert "the member 'x.npy': would grow from" in refusal(path)
    assert "array 'x': has 2000000 rows" in refusal(path, limits=DataLimits(max_ratio=2000))


def test_a_small_array_may_be_all_zeros(path: Path) -> None:
    np.savez_compressed(path, x=np.zeros((100_000, 4), "f4"), y=np.arange(100_000) % 2)

    assert read(path).rows == 100_000


def test_members_that_share_their_bytes_are_refused(path: Path) -> None:
    data = write_members(path, GOOD).read_bytes()
    table = data.rindex(b"PK\1\2", 0, data.rindex(b"PK\1\2"))
    second = data.index(b"PK\1\2", table + 4)
    entry = bytearray(data[table:second].replace(b"x.npy", b"z.npy"))
    end = bytearray(data[data.rindex(b"PK\5\6") :])
    length = struct.unpack_from("<L", end, 12)[0] + len(entry)
    struct.pack_into("<HHL", end, 8, 3, 3, length)
    path.write_bytes(data[: data.rindex(b"PK\5\6")] + entry + end)

    assert "a member has two different names" in refusal(path)

    entry = entry.replace(b"z.npy", b"x.npy")
    path.write_bytes(data[: data.rindex(b"PK\5\6")] + entry + end)
    assert "stands twice" in refusal(path)


def test_a_member_that_reaches_into_the_next_is_refused(path: Path) -> None:
    write_members(path, GOOD)
    size = struct.pack("<L", len(GOOD["x.npy"]))
    grown = struct.pack("<L", len(GOOD["x.npy"]) + 40)
    table = path.read_bytes().index(b"PK\1\2")
    head, tail = path.read_bytes()[:table], path.read_bytes()[table:]
    path.write_bytes(head + tail.replace(size * 2, grown * 2, 1))

    assert "the member 'x.npy' overlaps what follows it" in refusal(path)


def test_two_names_for_one_member_are_refused(path: Path) -> None:
    write_members(path, GOOD)

    assert "a member has two different names" in refusal(replaced(path, b"x.npy", b"z.npy"))


@pytest.mark.parametrize(
    ("offset", "value", "words"),
    [
        (8, 1, "the member 'x.npy': is encrypted"),
        (10, 12, "the member 'x.npy': is packed by the method 12"),
        (16, 99, "array 'x': is damaged (its checksum is wrong)"),
        (24, 1, "'x.npy' has two different sizes"),
        (28, 200, "is a damaged zip archive"),
        (42, 1, "a member isn't where its table of contents says"),
        (46, 0xFF, "a member's name is no UTF-8"),
    ],
)
def test_a_changed_entry_is_refused(path: Path, offset: int, value: int, words: str) -> None:
    data = bytearray(write_members(path, GOOD).read_bytes())
    data[data.index(b"PK\1\2") + offset] = value
    path.write_bytes(data)

    assert words in refusal(path)


@pytest.mark.parametrize(
    ("offset", "value", "words"),
    [
        (4, 1, "its last bytes are unusual"),
        (10, 1, "its last bytes are unusual"),
        (12, 1, "isn't where it should be"),
        (20, 1, "its last bytes are unusual"),
    ],
)
def test_a_changed_end_is_refused(path: Path, offset: int, value: int, words: str) -> None:
    data = bytearray(write_members(path, GOOD).read_bytes())
    data[data.rindex(b"PK\5\6") + offset] = value
    path.write_bytes(data)

    assert words in refusal(path)


def test_what_stands_around_an_archive_is_refused(path: Path) -> None:
    data = write_members(path, GOOD).read_bytes()

    path.write_bytes(data + b"tail")
    assert "its table of contents is missing" in refusal(path)


def test_bytes_that_belong_to_no_member_are_refused(path: Path) -> None:
    """Another reader could find an archive of its own in them."""
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("x.npy", "z.npy", "y.npy"):
            archive.writestr(name, GOOD["x.npy" if name != "y.npy" else name])
        del archive.filelist[1]

    assert "bytes behind 'x.npy' belong to no member" in refusal(path)


def test_thousands_of_members_are_not_looked_at(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(3000):
            archive.writestr(f"{number}.npy", b"")

    assert "has 3000 members; expected at most 256" in refusal(path)


@pytest.mark.parametrize("packed", [False, True])
def test_a_changed_byte_is_found(path: Path, packed: bool) -> None:
    features = np.random.default_rng(0).random((1000, 4)).astype("f4")
    members = {"x.npy": npy(features), "y.npy": npy(np.arange(1000) % 2)}
    data = bytearray(write_members(path, members, packed).read_bytes())
    data[1000] ^= 1
    path.write_bytes(data)

    assert "array 'x': is damaged" in refusal(path)
