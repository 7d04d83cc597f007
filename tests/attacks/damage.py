"""Good files that were cut off, hit by random changes, or mistaken for files at all."""

import hashlib
import io
import random

import h5py

from tests.attacks.base import IN_H5, Base
from tests.attacks.case import CLEAR, Case, Corpus
from tests.attacks.family import CORRUPT

DIGEST = "refuse: digest recorded at publication differs"
NEVER_CRASH = f"{DIGEST}; never crash"
METADATA_BYTES = 4096


def add_damage(corpus: Corpus, base: Base, rng: random.Random) -> None:
    """Write every damaged case; the order of drawing makes a seed's files the same each time."""
    for suffix, content in (("h5", base.h5), ("keras", base.keras)):
        _add_truncated(corpus, suffix, content)
        _add_flips(corpus, suffix, content, rng)
        _add_noise(corpus, suffix, content, rng)
    _add_metadata_noise(corpus, base.h5, rng)
    _add_wrong_weight(corpus, base.h5)
    _add_garbage(corpus, base, rng)


def _add_truncated(corpus: Corpus, suffix: str, content: bytes) -> None:
    for percent in (0, 1, 10, 25, 50, 75, 90, 99):
        draft = Case(f"trunc_{percent:02d}_{suffix}", CORRUPT, f"first {percent} % of the file")
        corpus.write(draft, f"{draft.id}.{suffix}", content[: len(content) * percent // 100])
    draft = Case(f"trunc_minus1_{suffix}", CORRUPT, "last byte missing")
    corpus.write(draft, f"{draft.id}.{suffix}", content[:-1])


def _add_changed(corpus: Corpus, draft: Case, name: str, changed: bytes, good: bytes) -> None:
    """A case that only the digest of the published file gives away for certain."""
    record = Case(
        draft.id,
        CORRUPT,
        draft.attacks,
        draft.must,
        "refuse_digest",
        ref=draft.ref,
        original_sha256=hashlib.sha256(good).hexdigest(),
    )
    corpus.write(record, name, changed)


def _add_flips(corpus: Corpus, suffix: str, content: bytes, rng: random.Random) -> None:
    for number in range(12):
        changed = bytearray(content)
        place = rng.randrange(len(changed))
        changed[place] ^= 1 << rng.randrange(8)
        case = f"flip_{number:02d}_{suffix}"
        draft = Case(case, CORRUPT, f"one bit flipped at {place}", NEVER_CRASH)
        _add_changed(corpus, draft, f"{case}.{suffix}", bytes(changed), content)


def _add_noise(corpus: Corpus, suffix: str, content: bytes, rng: random.Random) -> None:
    for number in range(6):
        changed = bytearray(content)
        for _ in range(64):
            changed[rng.randrange(len(changed))] = rng.randrange(256)
        case = f"noise_{number}_{suffix}"
        draft = Case(case, CORRUPT, "64 random bytes changed", NEVER_CRASH)
        _add_changed(corpus, draft, f"{case}.{suffix}", bytes(changed), content)


def _add_metadata_noise(corpus: Corpus, content: bytes, rng: random.Random) -> None:
    """libhdf5 has known holes that such bytes may hit."""
    for number in range(16):
        changed = bytearray(content)
        for _ in range(rng.choice((1, 2, 8))):
            changed[rng.randrange(min(METADATA_BYTES, len(changed)))] = rng.randrange(256)
        case = f"h5meta_{number:02d}"
        must = "refuse; the parser may crash, the server may not"
        attacks, ref = "random bytes in the HDF5 metadata", "libhdf5 CVE-2025-44905 etc."
        draft = Case(case, CORRUPT, attacks, must, ref=ref)
        _add_changed(corpus, draft, f"{case}.h5", bytes(changed), content)


def _add_wrong_weight(corpus: Corpus, content: bytes) -> None:
    group, key = IN_H5
    with h5py.File(io.BytesIO(content)) as file:
        offset = file[group][key].id.get_offset()
    changed = bytearray(content)
    changed[offset + 3] ^= 0x40
    attacks = "exponent bit of one weight flipped: a valid file with a wrong number"
    draft = Case("flip_weight_h5", CORRUPT, attacks, DIGEST)
    _add_changed(corpus, draft, "flip_weight_h5.h5", bytes(changed), content)


def _add_garbage(corpus: Corpus, base: Base, rng: random.Random) -> None:
    for suffix, content in (("h5", base.h5), ("keras", base.keras)):
        draft = Case(f"garbage_{suffix}", CORRUPT, "random bytes")
        corpus.write(draft, f"{draft.id}.{suffix}", rng.randbytes(20_000))
        draft = Case(f"crlf_{suffix}", CORRUPT, "LF became CRLF (text-mode copy)")
        corpus.write(draft, f"{draft.id}.{suffix}", content.replace(b"\n", b"\r\n"))
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 123\n"
    must = "refuse; say it is a git-lfs pointer"
    draft = Case("lfs_pointer", CORRUPT, "a git-lfs pointer instead of the file", must)
    corpus.write(draft, "lfs_pointer.h5", pointer)
    draft = Case("html_error", CORRUPT, "an HTML error page saved as a model")
    corpus.write(draft, "html_error.h5", "<!DOCTYPE html><title>404 Not Found</title>")
    for suffix in ("h5", "keras", "json"):
        draft = Case(f"empty_{suffix}", CORRUPT, "empty file", CLEAR)
        corpus.write(draft, f"{draft.id}.{suffix}", b"")
