"""Blocks of the pages on running it, whose commands tests run."""

import re

from tests.conftest import ROOT


def blocks(page: str, section: str) -> list[list[str]]:
    """The lines of each plain block of a section, its subsections included."""
    text = (ROOT / "docs" / page).read_text()
    (found,) = re.findall(
        rf"^(##+) {section}\n(.*?)(?=^#{{2,3}} |\Z)", text, re.MULTILINE | re.DOTALL
    )
    plain = re.findall(r"^```\n(.*?)^```", found[1], re.MULTILINE | re.DOTALL)
    return [block.splitlines() for block in plain]
