"""`.keras` archives that unpack to too much, or to where they shouldn't."""

import io
import stat
import struct
import zipfile

from tests.attacks.base import Base
from tests.attacks.case import Case, Corpus
from tests.attacks.declared import BUDGET
from tests.attacks.family import RESOURCE, TRAVERSAL
from tests.attacks.files import METADATA, empty_h5, write_bomb, write_zeros, zipped

OUTSIDE = "refuse: the archive holds a name outside it; nothing written outside"
CVES = "CVE-2025-12060 CVE-2025-12638 GHSA-hqp4-2352-xf5r"
MEBIBYTE = 1 << 20
TWO_GIB = 2 * (1 << 30) - MEBIBYTE
END = "<4sHHHHIIH"  # the record at an archive's end


def add_archives(corpus: Corpus, base: Base) -> None:
    """Write every case of an archive that abuses its reader's disk."""
    _add_bombs(corpus, base)
    _add_many(corpus, base)
    _add_slips(corpus, base)
    _add_symlink(corpus, base)


def _add_bombs(corpus: Corpus, base: Base) -> None:
    attacks = "config.json inflates to 2 GiB (under Keras' 4 GiB floor)"
    draft = Case("zip_bomb_config", RESOURCE, attacks, BUDGET, ref="floor in 3.15.1 source")
    around: dict[str, bytes | str] = {"metadata.json": METADATA, "model.weights.h5": empty_h5()}
    _add_bomb(corpus, draft, around, {"config.json": TWO_GIB})
    attacks = "model.weights.h5 inflates to 2 GiB of zeros"
    draft = Case("zip_bomb_weights", RESOURCE, attacks, BUDGET)
    around = {"metadata.json": METADATA, "config.json": base.architecture}
    _add_bomb(corpus, draft, around, {"model.weights.h5": TWO_GIB})
    draft = Case(
        "zip_bomb_assets",
        RESOURCE,
        "8 asset members of 255 MiB each (under Keras' 256 MiB floor): 2 GiB on disk",
        "refuse: total extracted size over budget",
        ref="keras PR 23101",
    )
    pads = {f"assets/pad{index}": 255 * MEBIBYTE for index in range(8)}
    _add_bomb(corpus, draft, dict(base.members), pads)


def _add_bomb(
    corpus: Corpus, draft: Case, members: dict[str, bytes | str], bombs: dict[str, int]
) -> None:
    path = corpus.models / f"{draft.id}.keras"
    write_bomb(path, members, bombs)
    corpus.add(draft, path)


def _add_many(corpus: Corpus, base: Base) -> None:
    extra = tuple((f"assets/f{index:06d}", b"") for index in range(20_000))
    must = "refuse: member count over budget"
    draft = Case("zip_many_members", RESOURCE, "20 000 empty members (inodes)", must)
    corpus.write(draft, "zip_many_members.keras", zipped(base.members, extra))
    draft = Case(
        "zip_overlap",
        RESOURCE,
        "300 directory entries share one 64 MiB body: 19 GiB written on extraction",
        "refuse: overlapping or duplicate members",
        ref="CVE-2024-0450 class",
    )
    corpus.write(draft, "zip_overlap.keras", _overlapping(base, 300, 64 * MEBIBYTE))


def _overlapping(base: Base, copies: int, size: int) -> bytes:
    """The last entry of the table again and again: all share one local header and body."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in base.members.items():
            archive.writestr(name, content)
        write_zeros(archive, "assets/x", size)
    raw = buffer.getvalue()
    end = raw.rfind(b"PK\x05\x06")
    count, length, start = struct.unpack("<HII", raw[end + 10 : end + 20])
    table = raw[start : start + length]
    table += table[table.rfind(b"PK\x01\x02") :] * copies
    total = count + copies
    record = struct.pack(END, b"PK\x05\x06", 0, 0, total, total, len(table), start, 0)
    return raw[:start] + table + record


def _add_slips(corpus: Corpus, base: Base) -> None:
    names = (
        ("dotdot", "../../markers/zip_slip_dotdot"),
        ("abs", str(corpus.markers / "zip_slip_abs")),
        ("assets", "assets/../../../markers/zip_slip_assets"),
        ("backslash", "..\\..\\markers\\zip_slip_backslash"),
        ("nul", "assets/ok\u2400../../x"),
    )
    for name, member in names:
        draft = Case(
            f"zip_slip_{name}",
            TRAVERSAL,
            f"member name {member!r}",
            OUTSIDE,
            ref=CVES,
            marker_path=f"markers/zip_slip_{name}",
        )
        content = zipped(base.members, ((member, b"slipped"),))
        corpus.write(draft, f"{draft.id}.keras", content)


def _add_symlink(corpus: Corpus, base: Base) -> None:
    buffer = io.BytesIO(zipped(base.members))
    link = zipfile.ZipInfo("assets/link")
    link.create_system = 3
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr(link, "/etc")
        archive.writestr("assets/link/slipped", b"x")
    attacks = "a symlink member, then a file through it"
    draft = Case("zip_symlink", TRAVERSAL, attacks, OUTSIDE)
    corpus.write(draft, "zip_symlink.keras", buffer.getvalue())
