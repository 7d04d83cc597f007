"""Texts from a data file, made harmless before they stand in a message."""

MAX_TEXT = 40
# A spreadsheet that opens a list of errors would compute what begins so.
FORMULA_STARTS = "=+-@"


def quoted(text: str, most: int = MAX_TEXT) -> str:
    """A cell or a name in quotes, short and without control characters; never a formula."""
    start = text.lstrip()[:1]
    if start and start in FORMULA_STARTS:
        return f"a text that begins with '{start}' as spreadsheet formulas do"
    return repr(text if len(text) <= most else text[:most] + "…")


def file_text(name: str) -> str:
    """A file's name as it is, unless it holds what could disturb a message."""
    is_formula = name.lstrip()[:1] in FORMULA_STARTS
    is_plain = name.isprintable() and len(name) <= 100 and not is_formula
    return name if is_plain else quoted(name)


def column_text(position: int, name: str) -> str:
    """A column by its number, counted from 1, and its name."""
    return f"column {position + 1} ({quoted(name)})"


def listing(names: tuple[str, ...]) -> str:
    """A few names: `'a', 'b' and 5 more`."""
    shown = ", ".join(quoted(name) for name in names[:8])
    return shown if len(names) <= 8 else f"{shown} and {len(names) - 8} more"
