"""One command that measures what labels cost: `python -m benchmarks.quality`."""

import argparse
import json
import signal
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from benchmarks import child, label_tables, labels, machine, report
from benchmarks.labels import ROWS
from benchmarks.phase import say

PLACE = ("<!-- labels begin -->", "<!-- labels end -->")


def main() -> None:
    """Measure, and print the table; what is going on goes to the standard error."""
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    options = _options()
    here = str(machine.look())
    if options.write:
        report.require_place(options.write, PLACE)
    found = []
    try:
        for url in ("", *options.database_url):
            say(f"labelling {options.rows} rows")
            with tempfile.TemporaryDirectory(prefix="kerasd-benchmark-") as temporary:
                found.append(labels.measure(Path(temporary), options.rows, url))
    except child.ChildFailed as error:
        sys.exit(f"benchmark failed: {error}")
    text = label_tables.document(here, found)
    print(text)
    if options.json:
        kept = {"machine": here, "labels": [asdict(one) for one in found]}
        options.json.write_text(json.dumps(kept, indent=1) + "\n")
    if options.write:
        report.write_place(options.write, text, PLACE)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality")
    parser.add_argument("--rows", type=int, default=ROWS, help=f"how many labels ({ROWS})")
    parser.add_argument(
        "--database-url", action="append", default=[], metavar="URL",
        help="an empty PostgreSQL database, to be measured as well",
    )  # fmt: skip
    parser.add_argument("--json", type=Path, metavar="OUT", help="also write every figure here")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the table into this page")
    return parser.parse_args()


if __name__ == "__main__":
    main()
