"""Data sets as CSV and JSON: wrong columns, wrong values, wrong encodings, and far too much."""

import random

from tests.attacks.case import CLEAR, Case, Corpus
from tests.attacks.data_good import HEADER, csv_text
from tests.attacks.family import CONTROL, CORRUPT, HANG, INJECTION, MISMATCH, RESOURCE

SAY_WHERE = "refuse; say line and column"
ROW = '{"x": [[0,1,2,3]], "y": [0]}'
JSON_CASES: tuple[tuple[str, str | bytes, str], ...] = (
    ("json_data_nan", '{"x": [[NaN,1,2,3]], "y": [0]}', "NaN literal"),
    ("json_data_inf", '{"x": [[-Infinity,1,2,3]], "y": [0]}', "Infinity literal"),
    ("json_data_1e400", '{"x": [[1e400,1,2,3]], "y": [0]}', "1e400"),
    ("json_data_bigint", f'{{"x": [[{"9" * 5000},1,2,3]], "y": [0]}}', "5000 digits"),
    ("json_data_dup", '{"x": [[0,1,2,3]], "y": [0], "y": [1]}', "key y twice"),
    ("json_data_ragged", '{"x": [[0,1,2,3],[1,2]], "y": [0,1]}', "ragged rows"),
    ("json_data_null", '{"x": [[null,1,2,3]], "y": [0]}', "null"),
    ("json_data_string", '{"x": [["1",1,2,3]], "y": [0]}', "a number as text"),
    ("json_data_bool", '{"x": [[true,1,2,3]], "y": [0]}', "a boolean"),
    ("json_data_trailing", f"{ROW} garbage", "trailing bytes"),
    ("json_data_list", "[1,2,3]", "not an object"),
)


def add_text(corpus: Corpus, rng: random.Random) -> None:
    """Write every CSV and JSON data set."""
    _add_columns(corpus)
    _add_cells(corpus)
    _add_encodings(corpus)
    _add_large(corpus)
    draft = Case("csv_binary", CORRUPT, "random bytes", SAY_WHERE)
    _csv(corpus, draft, rng.randbytes(5000))
    _add_json(corpus)


def _csv(corpus: Corpus, draft: Case, content: str | bytes) -> None:
    _write(corpus, draft, "csv", content)


def _write(corpus: Corpus, draft: Case, suffix: str, content: str | bytes) -> None:
    path = corpus.data / f"{draft.id}.{suffix}"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    corpus.add(draft, path)


def _add_columns(corpus: Corpus) -> None:
    good = csv_text()
    rows = good.splitlines()
    fewer = "\n".join(",".join(row.split(",")[1:]) for row in rows)
    one_class = [HEADER, *(f"{row.rsplit(',', 1)[0]},0" for row in rows[1:])]
    for case, content, attacks in (
        ("csv_header_only", f"{HEADER}\n", "header only"),
        ("csv_no_header", "\n".join(rows[1:]) + "\n", "no header"),
        ("csv_wrong_columns", good.replace(HEADER, "a,b,c,e,label"), "column d is called e"),
        ("csv_missing_column", fewer, "a column missing"),
        ("csv_extra_column", "\n".join(f"{row},1" for row in rows), "an extra unnamed column"),
        ("csv_dup_header", good.replace("a,b,c,d", "a,a,c,d"), "two columns called a"),
        ("csv_ragged", f"{good}1,2,3\n1,2,3,4,0,9\n", "rows of different length"),
        ("csv_semicolon", good.replace(",", ";"), "semicolons"),
        ("csv_decimal_comma", good.replace(",", ";").replace(".", ","), "decimal commas"),
    ):
        _csv(corpus, Case(case, MISMATCH, attacks, SAY_WHERE), content)
    must = "refuse, or train and say that one class is missing"
    draft = Case("csv_one_class", MISMATCH, "only one class", must, either=True)
    _csv(corpus, draft, "\n".join(one_class))


def _add_cells(corpus: Corpus) -> None:
    good = csv_text()
    for case, lines, attacks in (
        ("csv_nan_label", "1,2,3,4,\n1,2,3,4,nan\n", "empty and NaN labels"),
        ("csv_text_label", "1,2,3,4,cat\n", "a text label among numbers"),
        ("csv_label_range", "1,2,3,4,7\n", "label out of range"),
        ("csv_inf", "inf,2,3,4,0\n", "infinite feature"),
        ("csv_1e400", "1e400,2,3,4,0\n", "1e400"),
        ("csv_hugeint", f"{'9' * 5000},2,3,4,0\n", "an integer of 5000 digits"),
    ):
        _csv(corpus, Case(case, MISMATCH, attacks, SAY_WHERE), good + lines)
    formulas = '"=HYPERLINK(""x"")",2,3,4,0\n@SUM(1),2,3,4,0\n-1+1,2,3,4,0\n'
    must = "refuse; never echo a cell that starts with = + - @ into an export"
    draft = Case("csv_formula", INJECTION, "spreadsheet formulas", must)
    _csv(corpus, draft, good + formulas)


def _add_encodings(corpus: Corpus) -> None:
    good = csv_text()
    for case, content, attacks in (
        ("csv_empty", b"", "empty file"),
        ("csv_nul", good.replace("1.0", "1\x00.0").encode(), "NUL bytes"),
        ("csv_utf16", good.encode("utf-16"), "UTF-16"),
        ("csv_latin1", good.replace("a,b", "\xe9,b").encode("latin1"), "Latin-1 header"),
        ("csv_open_quote", (good + '"1,2,3,4,0\n' * 3).encode(), "a quote that never closes"),
        ("csv_html", b"<html><body>502</body></html>", "an HTML page"),
    ):
        _csv(corpus, Case(case, CORRUPT, attacks, SAY_WHERE), content)
    bom = b"\xef\xbb\xbf" + good.encode()
    must = "accept: ignore the BOM"
    _csv(corpus, Case("csv_bom", CONTROL, "UTF-8 with BOM", must, "load"), bom)
    draft = Case("csv_crlf", CONTROL, "CRLF line ends", "accept", "load")
    _csv(corpus, draft, good.replace("\n", "\r\n"))


def _add_large(corpus: Corpus) -> None:
    names = ",".join(f"c{index}" for index in range(100_000))
    wide = f"{names}\n{','.join(['1'] * 100_000)}\n"
    field = f'{csv_text()}"{"A" * 10_000_000}",2,3,4,0\n'
    for case, content, attacks in (
        ("csv_big_field", field, "a 10 MB field"),
        ("csv_many_columns", wide, "100 000 columns"),
        ("csv_long_line", ",".join(["1"] * 2_000_000), "one line of 2 million cells"),
    ):
        _csv(corpus, Case(case, RESOURCE, attacks, SAY_WHERE), content)


def _add_json(corpus: Corpus) -> None:
    deep = "[" * 1_000_000 + "]" * 1_000_000
    draft = Case("json_data_deep", HANG, "nested a million deep", CLEAR)
    _write(corpus, draft, "json", deep)
    for case, content, attacks in JSON_CASES:
        _write(corpus, Case(case, MISMATCH, attacks, CLEAR), "json", content)
    draft = Case("json_data_utf16", CORRUPT, "UTF-16", CLEAR)
    _write(corpus, draft, "json", ROW.encode("utf-16"))
    draft = Case("json_data_truncated", CORRUPT, "cut off", CLEAR)
    _write(corpus, draft, "json", ROW[:-2])
