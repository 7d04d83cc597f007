"""Errors of remote stores, told in our own words: theirs may name hosts, and hold credentials."""

import asyncio
import errno

from service.base.http_errors import RemoteAway

LONGEST = 200
BUSY = ("SlowDown", "ServiceUnavailable", "503", "InternalError", "500")
NO_CREDENTIALS = ("NoCredentialsError", "PartialCredentialsError", "DefaultCredentialsError")


def told(error: BaseException, what: str) -> RemoteAway:
    """What is raised instead of an error that a store or its client gave."""
    return RemoteAway(what, _why(error), isinstance(error, FileNotFoundError))


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


def _why(error: BaseException) -> str:
    code, kind = code_of(error), type(error).__name__
    if kind in NO_CREDENTIALS:
        return "there are no credentials in the environment"
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
