"""How much JSON is read exactly, value by value into Python's objects.

They take forty times the bytes, and the lock of all threads while they are made: half a million are
a tenth of a second in which the worker answers nobody.
"""

from service.base.errors import RequestInvalid

MAX_EXACT_BYTES = 8 * 1024 * 1024
MAX_EXACT_VALUES = 500_000
OPENING = (b",", b"[", b"{")


def check_exact_values(text: bytes) -> None:
    """Raise RequestInvalid for more values than may be; those within texts count as well."""
    if len(text) > MAX_EXACT_VALUES and sum(map(text.count, OPENING)) > MAX_EXACT_VALUES:
        raise RequestInvalid(
            f"The request has more than {MAX_EXACT_VALUES} values that can only be read one by "
            "one; send fewer instances, or plain numbers in the model's shape"
        )
