"""Holds objects against the types of Prometheus' operator; prints what it would refuse or ignore.

Run by the environment that has them; a list of objects comes in. The types drop fields that they
don't know, so that an object has to come out as it went in.
"""

import json
import sys

from cloudcoil.models.prometheus_operator import v1
from pydantic import ValidationError


def main() -> None:
    """Say of each object what is wrong with it, in one line."""
    for one in json.load(sys.stdin):
        try:
            parsed = getattr(v1, one["kind"]).model_validate(one)
        except ValidationError as error:
            print(f"{one['kind']}: {error.errors()[0]['loc']}: {error.errors()[0]['msg']}")
            continue
        if parsed.model_dump(mode="json", by_alias=True, exclude_unset=True) != one:
            print(f"{one['kind']}: has fields that are not known")


if __name__ == "__main__":
    main()
