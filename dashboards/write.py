"""Writes the dashboards' JSON: `python -m dashboards.write [FOLDER]`."""

import json
import sys
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from dashboards.frame import Page, build
from dashboards.overview import overview
from dashboards.quality import quality
from dashboards.runtime import runtime
from dashboards.training import training

FOLDER = Path(__file__).parent.parent / "docker" / "grafana" / "dashboards"
PAGES = (overview, quality, training, runtime)


def render(page: Page) -> str:
    """The JSON text of one dashboard, the same each time."""
    return json.dumps(build(page), cls=JSONEncoder, indent=2, sort_keys=True) + "\n"


def main() -> None:
    """Write all of them."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for page in PAGES:
        (folder / f"{page.__name__}.json").write_text(render(page()))


if __name__ == "__main__":
    main()
