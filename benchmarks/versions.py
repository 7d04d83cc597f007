"""One command that measures what changing versions costs: `python -m benchmarks.versions`."""

import argparse
import json
import signal
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks import child, machine, report, swaps, version_tables
from benchmarks.many_models import MODELS, ManyModels
from benchmarks.many_models import measure as measure_many
from benchmarks.phase import say
from benchmarks.swaps import Swaps

SWAPS, MANY = "swaps", "many-models"
PLACES = {
    SWAPS: ("<!-- swaps begin -->", "<!-- swaps end -->"),
    MANY: ("<!-- many models begin -->", "<!-- many models end -->"),
}


def main() -> None:
    """Measure, and print the tables; what is going on goes to the standard error."""
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    options = _options()
    here = str(machine.look())
    if options.write:
        for place in options.only:
            report.require_place(options.write, PLACES[place])
    swapped: Swaps | None = None
    many: Sequence[ManyModels] = ()
    try:
        with tempfile.TemporaryDirectory(prefix="kerasd-benchmark-") as temporary:
            if SWAPS in options.only:
                say(f"promoting {options.swaps} times")
                swapped = swaps.measure(Path(temporary), options.swaps)
            if MANY in options.only:
                say(f"serving {options.models} models")
                many = measure_many(Path(temporary), options.models)
    except (child.ChildFailed, ValueError) as error:
        sys.exit(f"benchmark failed: {error}")
    texts = {}
    if swapped:
        texts[SWAPS] = version_tables.swaps_document(here, swapped)
    if many:
        texts[MANY] = version_tables.many_document(here, many)
    print("\n".join(texts.values()))
    if options.json:
        kept = {SWAPS: swapped and asdict(swapped), MANY: [asdict(each) for each in many]}
        options.json.write_text(json.dumps({"machine": here, **kept}, indent=1) + "\n")
    if options.write:
        for place, text in texts.items():
            report.write_place(options.write, text, PLACES[place])
    sys.exit(_trouble(swapped, many))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.versions")
    parser.add_argument("--swaps", type=int, default=50, help="how many promotions (50)")
    parser.add_argument("--models", type=int, default=MODELS, help=f"how many models ({MODELS})")
    parser.add_argument("--only", choices=(SWAPS, MANY), action="append", help="one of the two")
    parser.add_argument("--json", type=Path, metavar="OUT", help="also write every figure here")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the tables into this page")
    given = parser.parse_args()
    given.only = given.only or [SWAPS, MANY]
    return given


def _trouble(swapped: Swaps | None, many: Sequence[ManyModels]) -> str | None:
    """What makes a run a failure, or nothing."""
    if swapped and (swapped.failed or swapped.other or swapped.old):
        return "requests failed or were answered by the wrong version, see the table"
    if any(each.wrong or each.refused for each in many):
        return "models were refused or answered wrongly, see the table"
    return None


if __name__ == "__main__":
    main()
