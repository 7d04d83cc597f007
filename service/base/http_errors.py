"""What is wrong with a request as HTTP has it: the branch of the errors' tree for its form.

    HeadMalformed          400  bad_head
    Unauthenticated        401  unauthenticated
    Forbidden              403  forbidden
    MethodNotAllowed       405  method_not_allowed
    RequestTooSlow         408  too_slow
    Conflict               409  conflict
    BodyTooLarge           413  body_too_large
    UploadTooLarge         413  upload_too_large
    EncodingUnknown        415  unknown_encoding
    UploadRefused          422  upload_refused
    RateExceeded           429  rate_exceeded
    HeadTooLarge           431  head_too_large
    IssuerSilent           503  issuer_silent
    WatchersFull           503  watchers_full
    ServiceEnding          503  service_ending
    RemoteAway             503  remote_away
    StorageFull            507  storage_full

HeadMalformed is a RequestInvalid; the others stand below the root.
"""

from service.base.errors import KerasdError, RequestInvalid


class HeadMalformed(RequestInvalid):
    """The request line or the headers break HTTP's rules."""

    code = "bad_head"


class Unauthenticated(KerasdError):
    """Nobody has proved who asks; worded without a hint at what would be right."""

    status = 401
    code = "unauthenticated"


class Forbidden(KerasdError):
    """The request is understood and will not be done."""

    status = 403
    code = "forbidden"


class MethodNotAllowed(KerasdError):
    """The path exists, but not for this verb."""

    status = 405
    code = "method_not_allowed"

    def __init__(self, method: str, path: str) -> None:
        super().__init__(f"Method {method} is not allowed for {path}")


class RequestTooSlow(KerasdError):
    """Head or body of the request did not arrive in time."""

    status = 408
    code = "too_slow"

    def __init__(self, part: str, within_s: float) -> None:
        super().__init__(f"The request's {part} did not arrive within {within_s:g} seconds")


class Conflict(KerasdError):
    """What is asked doesn't go together with how things stand; the text says how they do."""

    status = 409
    code = "conflict"


class BodyTooLarge(KerasdError):
    """The body is longer than the setting `max_body_mb` allows."""

    status = 413
    code = "body_too_large"

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(
            f"The request body is larger than {limit_bytes} bytes; "
            "send fewer instances in one request or raise the setting max_body_mb"
        )


class UploadTooLarge(KerasdError):
    """An upload is longer than its setting allows."""

    status = 413
    code = "upload_too_large"

    def __init__(self, limit_bytes: int, setting: str = "max_upload_mb") -> None:
        super().__init__(
            f"The upload is larger than {limit_bytes} bytes; raise the setting {setting}"
        )


class EncodingUnknown(KerasdError):
    """The body is compressed in a way that isn't understood."""

    status = 415
    code = "unknown_encoding"

    def __init__(self, encoding: str) -> None:
        super().__init__(
            f"Content-Encoding '{encoding[:40]}' is not supported; use gzip, deflate or none"
        )


class UploadRefused(KerasdError):
    """The files that were sent can't be served; the text says why and what to do."""

    status = 422
    code = "upload_refused"


class RateExceeded(KerasdError):
    """The caller asks more often than its key allows."""

    status = 429
    code = "rate_exceeded"

    def __init__(self, name: str, rate: str, retry_after_s: int) -> None:
        super().__init__(f"The key '{name}' may ask {rate}; ask again later")
        self.retry_after_s = retry_after_s


class HeadTooLarge(KerasdError):
    """The request's head is longer, or has more headers, than it may."""

    status = 431
    code = "head_too_large"


class IssuerSilent(KerasdError):
    """A token can't be judged: the keys of its issuer haven't come yet."""

    status = 503
    code = "issuer_silent"
    retry_after_s = 1

    def __init__(self) -> None:
        super().__init__("Tokens can't be checked yet: the issuer's keys are not here")


class WatchersFull(KerasdError):
    """So many clients watch jobs already as the setting `job_streams` allows in one worker."""

    status = 503
    code = "watchers_full"
    retry_after_s = 5

    def __init__(self, most: int) -> None:
        super().__init__(
            f"{most} clients are watching already; ask again later, or without "
            "Accept: text/event-stream for the events so far"
        )


class ServiceEnding(KerasdError):
    """The service is ended, and the rest of the request has not come in time."""

    status = 503
    code = "service_ending"
    retry_after_s = 1

    def __init__(self) -> None:
        super().__init__("The service is being ended; send the request again")


class StorageFull(KerasdError):
    """There is no room for what was sent; nothing of it was kept."""

    status = 507
    code = "storage_full"


class RemoteAway(KerasdError):
    """A remote store can't be used now; `why` is in words of ours, which hold no credentials.

    `is_missing` says that what was asked for isn't there, and no more is wrong; `is_of_object`
    that it is the one object that can't be read, for others may be.
    """

    status = 503
    code = "remote_away"
    retry_after_s = 5

    def __init__(
        self, what: str, why: str, is_missing: bool = False, is_of_object: bool = False
    ) -> None:
        self.why = why
        self.is_missing = is_missing
        self.is_of_object = is_of_object
        super().__init__(f"{what} can't be used: {why}")
