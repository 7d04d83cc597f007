"""One command that measures serving while training: `python -m benchmarks.training`."""

import argparse
import json
import signal
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from benchmarks import child, machine, report, retrains, training_table

ROUNDS, EPOCHS = 5, 30
PLACE = ("<!-- training begin -->", "<!-- training end -->")


def main() -> None:
    """Measure, and print the table; what is going on goes to the standard error."""
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    options = _options()
    here = str(machine.look())
    if options.write:
        report.require_place(options.write, PLACE)
    try:
        with tempfile.TemporaryDirectory(prefix="kerasd-benchmark-") as temporary:
            found = retrains.measure(Path(temporary), options.rounds, options.epochs)
    except (child.ChildFailed, ValueError) as error:
        sys.exit(f"benchmark failed: {error}")
    text = training_table.document(here, found)
    print(text)
    if options.json:
        kept = {"machine": here, "training": asdict(found)}
        options.json.write_text(json.dumps(kept, indent=1) + "\n")
    if options.write:
        report.write_place(options.write, text, PLACE)
    sys.exit("requests failed, see the table" if found.failed else None)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.training")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"how many retrains ({ROUNDS})")
    parser.add_argument("--epochs", type=int, default=EPOCHS, help=f"of each ({EPOCHS})")
    parser.add_argument("--json", type=Path, metavar="OUT", help="also write every figure here")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the table into this page")
    return parser.parse_args()


if __name__ == "__main__":
    main()
