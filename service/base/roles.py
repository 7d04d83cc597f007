"""What callers may be allowed to do: the words in files of keys, in tokens and in the table."""

from enum import StrEnum


class Role(StrEnum):
    """What a caller may do; `admin` may do all of it. `predict` may read what a client needs:
    a model's status, metadata and readiness. `read` may read everything but metrics. `train` may
    ask for jobs, end them, and watch them.
    """

    PREDICT = "predict"
    FEEDBACK = "feedback"
    TRAIN = "train"
    ADMIN = "admin"
    METRICS = "metrics"
    READ = "read"
