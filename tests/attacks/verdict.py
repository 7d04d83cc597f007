"""Was it right what happened to a case? One sentence for each thing that was not."""

import re
from collections.abc import Iterator
from pathlib import Path

from tests.attacks.case import Case
from tests.attacks.trial import LAYOUT, Result

REFUSALS = ("unopened", "inspection", "compiling")
PATH = re.compile(r"(?<![\w.])/[\w.-]+(?:/[\w.-]+)+")
FOREIGN_ERROR = re.compile(r"\b[A-Z][A-Za-z]+(Error|Exception)\b")


def find_wrong(case: Case, result: Result) -> list[str]:
    """Everything that was wrong with what happened."""
    faults = [f"code ran: {mark}" for mark in result.marks]
    faults += [f"a secret was read: {leak}" for leak in result.leaks]
    faults += [f"left behind: {name}" for name in result.left]
    paths = [path for path in PATH.findall(result.message) if Path(path).exists()]
    faults += [f"tells the path {path}" for path in paths]
    return [*faults, *_wrong_end(case, result)]


def is_vague(result: Result) -> bool:
    """True when a refusal names an error of Python's instead of the fault in the file."""
    return result.end in REFUSALS and bool(FOREIGN_ERROR.search(result.message))


def _wrong_end(case: Case, result: Result) -> Iterator[str]:
    is_refused = result.end in REFUSALS
    if case.expect == "refuse_bounded" and result.end == "killed":
        return
    if result.end in ("killed", "crashed"):
        yield f"the child {result.end}: {result.message}"
    elif case.expect == "load" and is_refused and not case.either:
        yield f"a good file was refused: {result.message}"
    elif case.expect != "load" and not is_refused and not case.either:
        yield "it was accepted"
    elif is_refused and not (result.code and _names_a_file(result)):
        yield f"the refusal names no file: {result.code} {result.message}"


def _names_a_file(result: Result) -> bool:
    """A folder may hold nothing that could be named."""
    names = [name.rpartition("/")[2] for name in result.files]
    return result.code == LAYOUT or any(name in result.message for name in names)
