"""Data sets as Parquet: damaged, hit by random changes, and small files of many rows."""

import random
import struct

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from tests.attacks.case import CLEAR, Case, Corpus
from tests.attacks.data_good import HEADER, ROWS, TRUTH
from tests.attacks.family import CONTROL, CORRUPT, RESOURCE

MAGIC = b"PAR1"
NEVER_CRASH = "never crash the server; refuse, or the values pass validation"
MANY, GROUP = 100_000_000, 10_000_000
COLUMNS = HEADER.split(",")


def add_parquet(corpus: Corpus, rng: random.Random) -> None:
    """Write every Parquet file."""
    footer = struct.pack("<I", 0xFFFFFFF0)
    draft = Case("parquet_magic_only", CORRUPT, "footer length larger than the file", CLEAR)
    _write(corpus, draft, MAGIC + b"\x00" * 32 + footer + MAGIC)
    must = f"{CLEAR}; the parser runs where a crash is harmless"
    draft = Case("parquet_garbage", CORRUPT, "random footer", must)
    _write(corpus, draft, MAGIC + rng.randbytes(2000) + struct.pack("<I", 1000) + MAGIC)
    path = corpus.data / "ok.parquet"
    arrays = dict(zip(COLUMNS, [*ROWS.T, TRUTH], strict=True))
    parquet.write_table(pa.table(arrays), path)
    corpus.add(Case("data_ok_parquet", CONTROL, "-", "accept", "load"), path)
    _add_damaged(corpus, path.read_bytes(), rng)
    _add_many_rows(corpus)


def _write(corpus: Corpus, draft: Case, content: bytes) -> None:
    path = corpus.data / f"{draft.id}.parquet"
    path.write_bytes(content)
    corpus.add(draft, path)


def _add_damaged(corpus: Corpus, content: bytes, rng: random.Random) -> None:
    for percent in (1, 50, 99):
        draft = Case(f"parquet_trunc_{percent:02d}", CORRUPT, f"first {percent} %", CLEAR)
        _write(corpus, draft, content[: len(content) * percent // 100])
    for number in range(6):
        changed = bytearray(content)
        for _ in range(8):
            changed[rng.randrange(4, len(changed) - 4)] = rng.randrange(256)
        case = f"parquet_noise_{number}"
        draft = Case(case, CORRUPT, "8 random bytes changed", NEVER_CRASH, either=True)
        _write(corpus, draft, bytes(changed))


def _add_many_rows(corpus: Corpus) -> None:
    """100 million equal rows, run-length encoded into a few kilobytes."""
    path = corpus.data / "parquet_rle_bomb.parquet"
    schema = pa.schema([(name, pa.int64()) for name in COLUMNS])
    column = pa.array(np.zeros(GROUP, "i8"))
    group = pa.table(dict.fromkeys(COLUMNS, column))
    with parquet.ParquetWriter(path, schema, compression="zstd", use_dictionary=True) as writer:
        for _ in range(MANY // GROUP):
            writer.write_table(group)
    attacks = "100 million equal rows (4 GB) in a small file"
    must = "refuse from the row count in the footer"
    corpus.add(Case("parquet_rle_bomb", RESOURCE, attacks, must), path)
