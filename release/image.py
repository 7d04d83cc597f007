"""`python -m release.image kerasd:serve FILE`: the SBOM of an image, Debian's packages included.

The image is asked of the Docker engine that DOCKER_HOST names, else of the machine's own.
"""

import os
import subprocess
import sys
from pathlib import Path

from release.build import TOOLS

SYFT = TOOLS.with_name("syft")
# Nothing is asked of a network, and files that belong to no package aren't listed.
QUIET = {
    "SYFT_CHECK_FOR_APP_UPDATE": "false",
    "SYFT_FILE_METADATA_SELECTION": "none",
    "SYFT_LOG_QUIET": "true",
}


class ScanFailed(Exception):
    """syft has ended with an error; the text is what it said."""


def write_image_bom(image: str, target: Path, docker_host: str = "") -> None:
    """Write the CycloneDX document of an image, as JSON. Raises ScanFailed."""
    engine = {"DOCKER_HOST": docker_host} if docker_host else {}
    ran = subprocess.run(
        [SYFT, "scan", f"docker:{image}", "--output", f"cyclonedx-json@1.6={target}"],
        env={**os.environ, **QUIET, **engine}, capture_output=True, text=True,
    )  # fmt: skip
    if ran.returncode != 0:
        raise ScanFailed(f"syft can't tell what is in {image}: {ran.stderr[-2000:]}")


if __name__ == "__main__":
    write_image_bom(sys.argv[1], Path(sys.argv[2]))
