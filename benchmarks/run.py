"""One command that measures the service and its rivals side by side: `python -m benchmarks.run`."""

import signal
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import child, load, machine, models, report, workloads
from benchmarks.goals import OURS
from benchmarks.options import OVERLOAD, Options, read_options
from benchmarks.phase import Phase, say
from benchmarks.results import Results, write_results

MODEL_MAKING_S = 240.0


def main() -> None:
    """Measure, and print the tables; what is going on goes to the standard error."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    options = read_options()
    if options.write:
        report.require_place(options.write)
    try:
        load.require_wrk()
        with tempfile.TemporaryDirectory(prefix="kerasd-benchmark-") as temporary:
            results = _run(options, Path(temporary))
    except (child.ChildFailed, load.LoadFailed) as error:
        sys.exit(f"benchmark failed: {error}")
    except KeyboardInterrupt:
        sys.exit("benchmark interrupted")
    print(report.document(results))
    if options.json:
        write_results(options.json, results)
    if options.write:
        report.write_page(options.write, results)
    sys.exit(_trouble(results))


def _run(options: Options, top: Path) -> Results:
    began = time.monotonic()
    here = machine.look()
    races = {
        model: [
            each for each in workloads.ALL if each.model == model and each.name in options.workloads
        ]
        for model in models.ALL
    }
    needed = [model for model, found in races.items() if found]
    if OVERLOAD in options.workloads:
        needed.append(models.SLOW)
    say("making the models")
    names = [model.name for model in needed]
    child.run("make_models", [str(top), *names], top / "models.log", MODEL_MAKING_S)
    phases = [Phase(model, races[model], options, top) for model in needed]
    for phase in phases:
        phase.run()
    say(f"took {time.monotonic() - began:.0f} s")
    return Results(
        machine=here,
        cells=[each for phase in phases for each in phase.cells],
        starts=[each for phase in phases for each in phase.starts],
        overloads=[each for phase in phases for each in phase.overloads],
        absences=[each for phase in phases for each in phase.absences],
    )


def _trouble(results: Results) -> str | None:
    """What makes a run a failure, or nothing; that a peer fails is only told."""
    absent = [each.workload for each in results.absences if each.contestant == OURS]
    if absent:
        return f"{OURS} was not measured in {', '.join(absent)}: see above"
    failed = [each for each in results.cells if each.contestant == OURS and each.errors]
    failed_over = [each for each in results.overloads if each.contestant == OURS and each.failed]
    if failed or failed_over:
        return "requests failed, see the tables: these figures mean nothing"
    return None


if __name__ == "__main__":
    main()
