"""Holds objects against the schemas of a version of Kubernetes, strictly; prints what is wrong.

Run by the environment that has the schemas: `kubernetes_schemas.py VERSION`; objects come in.
"""

import json
import sys

import kubernetes_validate as schemas


def main() -> None:
    """Say of each object what is wrong with it, in one line."""
    version = sys.argv[1]
    for one in json.load(sys.stdin):
        name = f"{one['kind']}/{one['metadata']['name']}"
        try:
            schemas.validate(one, version, strict=True)
        except schemas.ValidationError as error:
            print(f"{name}: {'.'.join(map(str, error.path))}: {error.message}")
        except schemas.SchemaNotFoundError as error:
            print(f"{name}: {error.message}")


if __name__ == "__main__":
    main()
