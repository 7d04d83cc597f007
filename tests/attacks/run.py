"""Give each case to the service's own child processes: python -m tests.attacks.run CORPUS."""

import argparse
import json
import re
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path

from service.base.settings import Settings
from service.controller.run import child_limits
from tests.attacks.case import Case, read_manifest
from tests.attacks.data_trial import DataTrial
from tests.attacks.layout import lay_out
from tests.attacks.report import Judged, tables, write_tables
from tests.attacks.trial import Bench, Trial
from tests.attacks.verdict import find_wrong, is_vague

TIMEOUT_S = 60
WARM_UP_S = 20
PAUSE_S = 0.01


def run_cases(
    corpus: Path, cases: list[Case], work: Path, jobs: int = 2, with_digests: bool = True
) -> Iterator[Judged]:
    """Try every case, `jobs` at a time, each as the service would; results as they come.

    Without digests damaged files come as if nobody had recorded what was published.
    """
    if not with_digests:
        cases = [replace(case, original_sha256="") for case in cases]
    found = lay_out(corpus, [case for case in cases if case.is_model], work / "repository")
    limits = replace(child_limits(Settings()), cpu_s=TIMEOUT_S)
    bench = Bench(corpus, work, limits, TIMEOUT_S, WARM_UP_S)
    waiting, trials = deque(cases), list[Trial | DataTrial]()
    try:
        while waiting or trials:
            while waiting and len(trials) < jobs:
                case = waiting.popleft()
                is_model = case.is_model
                trials.append(
                    Trial(case, found[case.id], bench) if is_model else DataTrial(case, bench)
                )
            for trial in list(trials):
                result = trial.step(time.monotonic())
                if result is not None:
                    trials.remove(trial)
                    yield Judged(trial.case, result, tuple(find_wrong(trial.case, result)))
            time.sleep(PAUSE_S)
    finally:
        for trial in trials:
            trial.close()


def main() -> int:
    """Run what the command line asks for; 1 if something was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--only", default="", help="regular expression for ids")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--without-digests", action="store_true")
    parser.add_argument("--json", type=Path, help="write every result to this file")
    parser.add_argument("--write", type=Path, help="document to put the tables into")
    given = parser.parse_args()
    corpus = given.corpus.resolve()
    cases = [case for case in read_manifest(corpus) if re.search(given.only, case.id)]
    judged = []
    with tempfile.TemporaryDirectory() as work:
        told = (Path(work).resolve(), given.jobs, not given.without_digests)
        for item in run_cases(corpus, cases, *told):
            judged.append(item)
            print(_line(item), file=sys.stderr, flush=True)
    if given.json:
        given.json.write_text(json.dumps([asdict(item) for item in judged], indent=1))
    text = tables(judged)
    print(text)
    if given.write:
        write_tables(given.write, text)
    return int(any(item.wrong for item in judged))


def _line(item: Judged) -> str:
    result = item.result
    mark = "WRONG" if item.wrong else "vague" if is_vague(result) else "ok"
    what = "; ".join(item.wrong) or result.message
    numbers = f"{result.seconds:6.1f} s {result.peak_mib:5} MiB"
    return f"{mark:5} {item.case.id:34} {item.case.expect:14} {result.end:10} {numbers}  {what!r}"


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        sys.exit(main())
