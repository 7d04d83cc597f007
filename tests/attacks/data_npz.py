"""Data sets as NumPy archives: pickles inside, false headers, bombs, and wrong arrays."""

import io
import struct
import zipfile
from typing import Any

import numpy as np

from tests.attacks.case import CLEAR, Case, Corpus, Expect
from tests.attacks.data_good import ROWS, TRUTH
from tests.attacks.disguises import NO_PICKLE
from tests.attacks.family import CODE, CONTROL, CORRUPT, MISMATCH, RESOURCE, TRAVERSAL
from tests.attacks.files import MEBIBYTE, zipped

SAY_WHICH = "refuse; say which array and why"
SAME_NUMBERS = "accept: same numbers"
BOUNDED = f"{CLEAR}, memory bounded"
# (case, description of the dtype, shape, what it attacks)
HEADERS = (
    ("npz_shape_huge", "<f4", "(1099511627776, 4)", "header declares 16 TiB, stores 16 bytes"),
    (
        "npz_shape_overflow",
        "<f4",
        "(4294967296, 4294967296, 4)",
        "shape product overflows 64 bits",
    ),
    ("npz_shape_neg", "<f4", "(-1, 4)", "negative dimension"),
    ("npz_shape_2g", "<f4", "(134217728, 4)", "header declares 2 GiB, stores 16 bytes"),
    ("npz_dtype_object", "|O", "(10, 4)", "dtype object"),
    ("npz_dtype_void", "|V100000000", "(10, 4)", "dtype of 100 MB per item"),
    ("npz_dtype_datetime", "<M8[ns]", "(1, 4)", "dtype datetime"),
)
RAW_HEADERS = (
    (
        "npz_header_code",
        "{'descr': __import__('os').system('true'), 'fortran_order': False, 'shape': (1,)}",
        "header is an expression",
    ),
    ("npz_header_deep", "(" * 4000 + ")" * 4000, "header nested 4000 deep"),
    ("npz_header_missing", "{'descr': '<f4'}", "header without shape"),
)


def add_npz(corpus: Corpus) -> None:
    """Write every NumPy archive."""
    _add_pickles(corpus)
    _add_headers(corpus)
    _add_archives(corpus)
    _add_arrays(corpus)
    _add_values(corpus)


def _write(corpus: Corpus, draft: Case, content: bytes) -> None:
    path = corpus.data / f"{draft.id}.npz"
    path.write_bytes(content)
    corpus.add(draft, path)


def _npz(**arrays: Any) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def _npy(array: Any) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def _add_pickles(corpus: Corpus) -> None:
    def objects(case: str) -> Any:
        array = np.empty(1, object)
        array[0] = corpus.payloads.unpicklable(case)
        return array

    def add(case: str, attacks: str, content: bytes, must: str = NO_PICKLE, ref: str = "") -> None:
        draft = Case(case, CODE, attacks, must, payload="marker", ref=ref)
        _write(corpus, draft, content)

    case = "npz_pickle_x"
    content = _npz(x=objects(case), y=TRUTH)
    add(case, "x is a pickled object array", content, ref="CVE-2019-6446")
    case = "npz_pickle_extra"
    content = _npz(x=ROWS, y=TRUTH, z=objects(case))
    add(case, "an unused key holds a pickle", content, "refuse: unknown key")
    case = "npz_is_pickle"
    add(case, "the file is a bare pickle", corpus.payloads.pickled(case))
    case = "npz_member_raw_pickle"
    content = zipped({"x.npy": corpus.payloads.pickled(case), "y.npy": b""})
    add(case, "member x.npy is a bare pickle", content)


def _with_header(text: str, body: bytes = b"") -> bytes:
    """An array file with this header, padded as NumPy wants it."""
    header = text.encode("latin1")
    header += b" " * (64 - (10 + len(header) + 1) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + body


def _header(dtype: str, shape: str) -> str:
    return f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}"


def _add_headers(corpus: Corpus) -> None:
    plain = [(case, _header(dtype, shape), attacks) for case, dtype, shape, attacks in HEADERS]
    for case, header, attacks in (*plain, *RAW_HEADERS):
        is_size = "shape" in case or "void" in case
        members = {"x.npy": _with_header(header, bytes(16)), "y.npy": _npy(TRUTH)}
        draft = Case(case, RESOURCE if is_size else CORRUPT, attacks, BOUNDED)
        _write(corpus, draft, zipped(members, method=zipfile.ZIP_DEFLATED))


def _add_archives(corpus: Corpus) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("x.npy", "w") as stream:
            stream.write(_with_header(_header("<f4", "(67108864, 4)")))
            for _ in range(1024):
                stream.write(bytes(MEBIBYTE))
        archive.writestr("y.npy", _npy(TRUTH))
    must = "refuse from the declared sizes"
    draft = Case("npz_zip_bomb", RESOURCE, "1 GiB of zeros in 1 MB", must)
    _write(corpus, draft, buffer.getvalue())
    draft = Case(
        "npz_slip",
        TRAVERSAL,
        "member named ../../markers/...",
        "refuse: unknown key",
        marker_path="markers/npz_slip.npy",
    )
    members = {"../../markers/npz_slip.npy": _npy(ROWS), "x.npy": _npy(ROWS)}
    _write(corpus, draft, zipped(members))
    content = _npz(x=ROWS, y=TRUTH)
    for percent in (0, 1, 50, 99):
        draft = Case(f"npz_trunc_{percent:02d}", CORRUPT, f"first {percent} % of the file")
        _write(corpus, draft, content[: len(content) * percent // 100])


def _add_arrays(corpus: Corpus) -> None:
    """Arrays of the wrong shape or type."""

    def add(case: str, attacks: str, must: str = SAY_WHICH, **arrays: Any) -> None:
        either = must != SAY_WHICH
        _write(corpus, Case(case, MISMATCH, attacks, must, either=either), _npz(**arrays))

    def good(case: str, attacks: str, rows: Any) -> None:
        expect: Expect = "load"
        draft = Case(case, CONTROL, attacks, SAME_NUMBERS, expect)
        _write(corpus, draft, _npz(x=rows, y=TRUTH))

    x, y = ROWS, TRUTH
    add("npz_no_y", "y missing", x=x)
    add("npz_no_x", "x missing", y=y)
    add("npz_lengths", "x has 10 rows, y has 9", x=x, y=y[:9])
    add("npz_zero_rows", "no rows", x=x[:0], y=y[:0])
    add("npz_one_row", "one row", x=x[:1], y=y[:1])
    add("npz_wrong_width", "5 features, the model takes 4", x=np.zeros((10, 5), "f4"), y=y)
    add("npz_rank3", "rank 3", x=np.zeros((10, 4, 1), "f4"), y=y)
    add("npz_rank0", "rank 0", x=np.float32(1), y=np.int64(1))
    add("npz_strings", "features are strings", x=x.astype("U8"), y=y)
    add("npz_complex", "features are complex", x=x.astype("c8"), y=y)
    add("npz_bool", "features are booleans", "accept or refuse, definitely", x=x > 3, y=y)
    good("npz_bigendian", "big-endian features", x.astype(">f4"))
    good("npz_fortran", "Fortran order", np.asfortranarray(x))


def _add_values(corpus: Corpus) -> None:
    """Arrays that fit, with values that don't."""

    def add(case: str, attacks: str, must: str, x: Any, y: Any) -> None:
        either = must != SAY_WHICH
        _write(corpus, Case(case, MISMATCH, attacks, must, either=either), _npz(x=x, y=y))

    def with_value(array: Any, place: Any, value: float) -> Any:
        changed = array.copy()
        changed[place] = value
        return changed

    x, y = ROWS, TRUTH
    add("npz_nan_x", "NaN feature", SAY_WHICH, with_value(x, (3, 2), np.nan), y)
    add("npz_nan_y", "NaN label", SAY_WHICH, x, with_value(y.astype("f4"), 4, np.nan))
    add("npz_inf_x", "infinite feature", SAY_WHICH, with_value(x, (0, 0), np.inf), y)
    add("npz_label_range", "label 7 in a two-class problem", SAY_WHICH, x, with_value(y, 5, 7))
    add("npz_label_negative", "label -1", SAY_WHICH, x, with_value(y, 5, -1))
    add("npz_label_float", "label 0.5", SAY_WHICH, x, y * 0.5)
    must = "refuse, or train and say that one class is missing"
    add("npz_one_class", "only one class", must, x, y * 0)
    huge = x.astype("f8") * 1e300
    attacks = "features of 1e300 (infinite as float32)"
    add("npz_huge_values", attacks, SAY_WHICH, huge, y)
    add("npz_dup_rows", "all rows equal", "accept, or warn: no variance", x * 0, y)
