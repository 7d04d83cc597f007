"""What requests for operators' routes carry in the query: read strictly, with nothing beside it."""

from flask import request

from service.base.errors import RequestInvalid
from service.base.names import parse_version
from service.repository.audit import check_why

TRUTH = {"true": True, "false": False}


def only(*names: str) -> None:
    """Refuse what is none of these, and what stands there twice."""
    for name, values in request.args.lists():
        if name not in names:
            raise RequestInvalid(f"the query: expected {', '.join(names)}, got {name[:40]!a}")
        if len(values) > 1:
            raise RequestInvalid(f"the query: {name} stands there twice")


def number(name: str, default: int | None = None, most: int | None = None) -> int:
    """A positive whole number."""
    text = request.args.get(name)
    if text is None and default is not None:
        return default
    found = parse_version(text or "")
    if found is None or (most is not None and found > most):
        upto = "" if most is None else f" up to {most}"
        got = "none" if text is None else f"{text[:40]!a}"
        raise RequestInvalid(f"{name}: expected a positive whole number{upto}, got {got}")
    return found


def truth(name: str) -> bool:
    """A switch, off where it is left out."""
    text = request.args.get(name, "false")
    if text not in TRUTH:
        raise RequestInvalid(f"{name}: expected true or false, got {text[:40]!a}")
    return TRUTH[text]


def why_deleted(*others: str) -> str:
    """Why a DELETE is made, which may have these parameters, too; a body might get lost on the way.

    Raises RequestInvalid, also where there is a body.
    """
    only("why", *others)
    if request.get_data(cache=False):
        raise RequestInvalid("the body: expected none with DELETE; why stands in the query")
    return check_why(request.args.get("why", ""))
