"""Which licences an image may hold, and why those that ask for more than a notice may be there."""

from packaging.licenses import canonicalize_license_expression

PERMISSIVE = {
    "0BSD", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "BSD-2-Clause", "BSD-3-Clause",
    "CC0-1.0", "ISC", "MIT", "MIT-0", "MIT-CMU", "PSF-2.0", "Zlib",
}  # fmt: skip
# Licences that bind more than their own text, each with what keeps to it here.
SPECIAL = {
    "LGPL-3.0-only": (
        "psycopg, unchanged and a package of its own, that whoever has the image can replace in "
        "one built on it; kerasd reaches it by import alone"
    ),
    "MPL-2.0": (
        "by file: the files of certifi and orjson are unchanged, and their source is what the "
        "package index has"
    ),
}


def refusal(expression: str) -> str:
    """Why a package of this licence may not be in an image; empty if it may be.

    Of alternatives one must be allowed, of parts that hold together each.
    """
    if not expression:
        return "its licence is not known"
    words = canonicalize_license_expression(expression)
    tokens = words.replace("(", " ( ").replace(")", " ) ").split()
    return "" if _any(_joined(tokens)) else f"{words} is not in the list of allowed licences"


def _joined(words: list[str]) -> list[str]:
    """The words with an exception and its licence as one."""
    joined: list[str] = []
    for word in words:
        if word == "WITH" or (joined and joined[-1].endswith(" WITH")):
            joined[-1] += f" {word}"
        else:
            joined.append(word)
    return joined


def _any(words: list[str]) -> bool:
    """OR binds less than AND, so that it divides first; uses up what it reads."""
    result = _all(words)
    while words and words[0] == "OR":
        words.pop(0)
        result = _all(words) or result
    return result


def _all(words: list[str]) -> bool:
    result = _one(words)
    while words and words[0] == "AND":
        words.pop(0)
        result = _one(words) and result
    return result


def _one(words: list[str]) -> bool:
    word = words.pop(0)
    if word != "(":
        return word in PERMISSIVE or word in SPECIAL
    result = _any(words)
    words.pop(0)  # the parenthesis that closes it
    return result
