"""The CycloneDX document of one target's Python, and a check of any; run by .release/bin/python.

What it needs of the packages comes as JSON on standard input, written by `release.contents`: the
library that it imports lies in an environment of its own.
"""

import json
import sys
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cyclonedx.factory.license import LicenseFactory
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator, JsonValidator
from packageurl import PackageURL

JsonObject = dict[str, Any]
SPACE = uuid.UUID(
    "6b657261-7364-5000-8000-000000000000"
)  # the same contents, the same serial number


def document(contents: JsonObject) -> str:
    """The document as JSON; the same contents give the same bytes."""
    root = _component(contents["project"], ComponentType.APPLICATION)
    root.description = contents["description"]
    components = {
        one["name"]: _component(one, ComponentType.LIBRARY) for one in contents["packages"]
    }
    bom = Bom(components=components.values())
    bom.metadata.component = root
    bom.metadata.timestamp = datetime.fromtimestamp(contents["when"], UTC)
    bom.serial_number = uuid.uuid5(SPACE, json.dumps(contents, sort_keys=True))
    bom.register_dependency(root, [components[name] for name in contents["project"]["needs"]])
    for one in contents["packages"]:
        needed = [components[name] for name in one["needs"]]
        bom.register_dependency(components[one["name"]], needed)
    return str(JsonV1Dot6(bom).output_as_string(indent=1)) + "\n"


def fault(text: str) -> str:
    """What is wrong with a document by the schema of the version that it names; empty if nothing.

    Documents of others are held to what the schema says, ours to no more than that as well.
    """
    said: JsonObject = json.loads(text)
    version = SchemaVersion.from_version(said["specVersion"])
    ours = said["metadata"]["component"]["name"] == "kerasd"
    validator = JsonStrictValidator(version) if ours else JsonValidator(version)
    error = validator.validate_str(text)
    return "" if error is None else str(error)


def _component(one: JsonObject, kind: ComponentType) -> Component:
    purl = PackageURL("pypi", None, one["name"], one["version"])
    return Component(
        name=one["name"],
        version=one["version"],
        type=kind,
        purl=purl,
        bom_ref=str(purl),
        licenses=[LicenseFactory().make_from_string(one["licence"])] if one["licence"] else [],
    )


def main(words: list[str]) -> int:
    """`make FILE` writes a document, `check FILE...` says what is wrong with some."""
    if words[0] == "make":
        Path(words[1]).write_text(document(json.load(sys.stdin)))
    faults = {name: fault(Path(name).read_text()) for name in words[1:]}
    for name, why in faults.items():
        print(f"{name}: {why or 'valid'}"[:2000])
    return 1 if any(faults.values()) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
