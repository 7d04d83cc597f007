"""`python -m release.sbom dist`: the SBOM of each target's Python, as a release has it."""

import sys
from pathlib import Path

from release.build import TOOLS, committed_at, write_bom
from release.targets import PROJECT, TARGETS
from service import __version__


def main(words: list[str]) -> int:
    """Write one for each target into the folder that is given."""
    folder = Path(words[0]).absolute()
    folder.mkdir(exist_ok=True)
    for image in TARGETS:
        path = folder / f"{PROJECT}-{__version__}-{image}.cdx.json"
        write_bom(image, path, committed_at(), TOOLS)
        print(f"{path.stat().st_size:>12,}  {path.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
