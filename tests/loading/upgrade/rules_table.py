"""The table of rules in docs/keras-files.md, made from the catalogue.

python -m tests.loading.upgrade.rules_table
"""

from pathlib import Path

from service.loading.upgrade.catalogue import catalogue
from tests.conftest import ROOT

PAGE = ROOT / "docs" / "keras-files.md"
BEGIN, END = "<!-- rules:begin -->\n", "<!-- rules:end -->"


def table() -> str:
    """One row a rule: its name, what changed, what Keras 3.15 says without it."""
    rows = ["| rule | what changed | Keras 3.15 without it |", "|---|---|---|"]
    for cause in catalogue():
        error = " ".join(cause.error.split()).replace("|", "\\|")
        quote = "``" if "`" in error else "`"
        told = error if error.startswith("no error") else f"{quote}{error}{quote}"
        rows.append(f"| `{cause.name}` | {cause.cause} | {told} |")
    return "\n".join(rows) + "\n"


def with_table(page: str) -> str:
    """The page with its table of rules made anew."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{table()}{END}{after}"


def main(page: Path = PAGE) -> None:
    """Write the table into the page."""
    page.write_text(with_table(page.read_text()))


if __name__ == "__main__":
    main()
