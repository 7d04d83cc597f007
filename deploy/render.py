"""Renders or checks the chart, in the environment that has Helm: JSON comes in, JSON goes out.

{"chart": FOLDER, "values": {...}, "name": RELEASE, "namespace": NAMESPACE}
-> {"manifests": {TEMPLATE: TEXT}} or {"error": WHY}
{"chart": FOLDER, "values": {...}, "lint": true} -> {"messages": [...]}
{"chart": FOLDER, "package": FOLDER} -> {"package": FILE}
"""

import json
import sys
from typing import Any

from helm_python import Chart, HelmError, lint

Json = dict[str, Any]  # of its own: nothing of the service is in that environment


def answer(asked: Json) -> Json:
    """What one request is answered; the chart's own refusals are answers, too."""
    try:
        if asked.get("lint"):
            report = lint(asked["chart"], asked["values"], strict=True)
            return {"messages": [*report["messages"], *report["errors"]]}
        with Chart.load(asked["chart"]) as chart:
            if "package" in asked:
                return {"package": chart.save(asked["package"])}
            rendered = chart.render(
                asked["values"], name=asked["name"], namespace=asked["namespace"]
            )
    except HelmError as error:
        return {"error": str(error)}
    return {"manifests": {name: text for name, text in rendered.items() if text.strip()}}


def main() -> None:
    """Answer a list of requests with a list of answers."""
    json.dump([answer(asked) for asked in json.load(sys.stdin)], sys.stdout)


if __name__ == "__main__":
    main()
