"""What a build of the images reads: the files that the Dockerfile names, and itself."""

import json
import re
from pathlib import Path

BOUND = re.compile(r"--mount=type=bind\S*?source=([^,\s]+)")
ALWAYS = ("Dockerfile", ".dockerignore")


def sources(root: Path) -> list[str]:
    """Files and folders of the project that COPY, ADD and bind mounts name, by their paths."""
    found = [name for name in ALWAYS if (root / name).exists()]
    for instruction in _instructions((root / "Dockerfile").read_text()):
        word, *rest = instruction.split()
        bound = [] if "from=" in instruction else BOUND.findall(instruction)
        found += [name for name in bound if name != "."]
        if word.upper() in ("COPY", "ADD") and "--from=" not in instruction:
            found += _copied(" ".join(one for one in rest if not one.startswith("--")))
    return sorted({name.removeprefix("./").rstrip("/") for name in found})


def _copied(words: str) -> list[str]:
    """All but the last, which says where to."""
    said: list[str] = json.loads(words) if words.startswith("[") else words.split()
    return said[:-1]


def _instructions(text: str) -> list[str]:
    """One a line, without comments."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    whole = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    return [line.strip() for line in whole.splitlines() if line.strip()]
