"""Errors of remote stores, told in our own words: theirs may name hosts, and hold credentials."""

import asyncio
import errno

from service.base.http_errors import RemoteAway

LONGEST = 200
BUSY = ("SlowDown", "ServiceUnavailable", "503", "InternalError", "500")
BEYOND = ("416", "InvalidRange", "RequestedRangeNotSatisfiable")
OF_OBJECT = (
    "403", "AccessDenied", "Forbidden", "InvalidObjectState", "404", "NoSuchKey", *BEYOND,
)  # fmt: skip
NO_CREDENTIALS = ("NoCredentialsError", "PartialCredentialsError", "DefaultCredentialsError")


def told(error: BaseException, what: str) -> RemoteAway:
    """What is raised instead of an error that a store or its client gave."""
    is_missing = isinstance(error, FileNotFoundError)
    return RemoteAway(what, _why(error), is_missing, _is_of_object(error))


def code_of(error: BaseException) -> str:
    """The code of an S3 error, wherever it is in the chain; empty if there is none."""
    link: BaseException | None = error
    while link is not None:
        response = getattr(link, "response", None)
        if isinstance(response, dict):
            return str(response.get("Error", {}).get("Code", ""))
        link = link.__cause__
    return ""


def is_taken(error: BaseException) -> bool:
    """True for what a store says of a name that is to be new and isn't."""
    taken = ("PreconditionFailed", "412", "ConditionalRequestConflict", "409")
    return isinstance(error, FileExistsError) or code_of(error) in taken


def is_unknown(error: BaseException) -> bool:
    """True for what a store says of a condition that it doesn't know; others pay it no regard."""
    return code_of(error) in ("NotImplemented", "501")


def is_beyond(error: BaseException) -> bool:
    """True for what a store says of bytes after an object's end; an empty one has no others."""
    return code_of(error) in BEYOND


def _is_of_object(error: BaseException) -> bool:
    """False for what would be said of any object: of an expired token, say."""
    code = code_of(error)
    if code:
        return code in OF_OBJECT
    return isinstance(error, (PermissionError, FileNotFoundError))


def _why(error: BaseException) -> str:
    code, kind = code_of(error), type(error).__name__
    if kind in NO_CREDENTIALS:
        return "there are no credentials in the environment"
    if code == "InvalidObjectState":
        return f"it is archived ({code}); it must be restored there to be read"
    if isinstance(error, PermissionError) or code in ("403", "AccessDenied"):
        return f"access is denied ({code or kind}); see the credentials in the environment"
    if isinstance(error, FileNotFoundError):
        return f"it isn't there ({code or 'not found'})"
    if isinstance(error, (TimeoutError, asyncio.TimeoutError)) or "Timeout" in kind:
        return "it didn't answer in time"
    if code in BUSY:
        return f"it is busy or broken ({code})"
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "there is no room on the local disk"
    return f"it can't be reached ({code or kind})"[:LONGEST]
