"""What kind of data file this is, by its first bytes, and by its name only if they are silent."""

from typing import Literal

from service.base.refusals import DataRefused

Format = Literal["npz", "parquet", "csv", "json", "ndjson"]

HEAD_BYTES = 64 * 1024
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
TAKEN = "NPZ, Parquet, CSV or JSON"

# What else begins in a known way: told by its name, and never opened.
REFUSED = (
    (b"\x93NUMPY", "is a single .npy array", "features and labels together, by numpy.savez"),
    (b"\x80\x02", "is a pickle, which is never read", TAKEN),
    (b"\x80\x03", "is a pickle, which is never read", TAKEN),
    (b"\x80\x04", "is a pickle, which is never read", TAKEN),
    (b"\x80\x05", "is a pickle, which is never read", TAKEN),
    (b"\x89HDF", "is an HDF5 file", TAKEN),
    (b"PARE", "is an encrypted Parquet file", "an open one"),
    (b"ARROW1", "is an Arrow or Feather file", TAKEN),
    (b"\x1f\x8b", "is compressed by gzip", "it unpacked"),
    (b"\x28\xb5\x2f\xfd", "is compressed by zstd", "it unpacked"),
    (b"BZh", "is compressed by bzip2", "it unpacked"),
    (b"\xfd7zXZ", "is compressed by xz", "it unpacked"),
    (b"\xff\xfe", "is text in UTF-16", "UTF-8"),
    (b"\xfe\xff", "is text in UTF-16", "UTF-8"),
    (b"\x00\x00\xfe\xff", "is text in UTF-32", "UTF-8"),
)
NAMED_BINARY: dict[str, tuple[Format, str]] = {
    ".npz": ("npz", "the zip archive that numpy.savez writes"),
    ".parquet": ("parquet", "a file that begins with PAR1"),
}


def tell_format(file: str, head: bytes, suffix: str) -> Format:
    """The format of a file that begins with `head`. Raises DataRefused for any other."""
    if not head:
        raise DataRefused(file, "", "is empty", TAKEN)
    for start, wrong, wanted in REFUSED:
        if head.startswith(start):
            raise DataRefused(file, "", wrong, wanted)
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "npz"
    if head.startswith(b"PAR1"):
        return "parquet"
    text = head.removeprefix(BYTE_ORDER_MARK).lstrip()
    if text.startswith(b"<"):
        raise DataRefused(file, "line 1", "is an HTML or XML page, perhaps of an error", TAKEN)
    if suffix in NAMED_BINARY:
        named, beginning = NAMED_BINARY[suffix]
        raise DataRefused(file, "", f"is no {named.upper()} file", beginning)
    return _tell_text(text, suffix)


def _tell_text(head: bytes, suffix: str) -> Format:
    if suffix in (".ndjson", ".jsonl"):
        return "ndjson"
    if head.startswith(b"{"):
        first, _, rest = head.partition(b"\n")
        is_row = first.rstrip().endswith(b"}") and rest.lstrip().startswith(b"{")
        return "ndjson" if is_row else "json"
    return "json" if head.startswith(b"[") or suffix == ".json" else "csv"
