"""The tables of jobs, as the program reads them; times are seconds since 1970.

`key` is empty (NULL) where the client gave none. `events` counts the events of a job: whoever adds
one raises it first, so that numbers have no gaps and no double. `failures` counts attempts that
came to nothing since the job last saved what it had done. `is_told` says that whoever wants to
hear of the end has been told.
"""

import sqlalchemy as sa

metadata = sa.MetaData()

jobs = sa.Table(
    "jobs",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("repository", sa.Text, nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("model", sa.String(128), nullable=False),
    sa.Column("request", sa.JSON, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("asked_by", sa.Text, nullable=False),
    sa.Column("asked_through", sa.String(16), nullable=False),
    sa.Column("priority", sa.Integer, nullable=False),
    sa.Column("key", sa.String(64), nullable=True),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Column("started_at", sa.Double, nullable=True),
    sa.Column("begun_at", sa.Double, nullable=True),
    sa.Column("ended_at", sa.Double, nullable=True),
    sa.Column("heartbeat_at", sa.Double, nullable=True),
    sa.Column("retry_at", sa.Double, nullable=True),
    sa.Column("is_cancel_asked", sa.Boolean, nullable=False),
    sa.Column("is_told", sa.Boolean, nullable=False),
    sa.Column("progress", sa.JSON, nullable=False),
    sa.Column("result", sa.JSON, nullable=False),
    sa.Column("error", sa.Text, nullable=False),
    sa.Column("events", sa.Integer, nullable=False),
    sa.UniqueConstraint("repository", "key", name="one_job_a_key"),
    sa.Index("jobs_by_state", "repository", "state"),
    sa.Index("jobs_of_model", "repository", "model", "id"),
    sa.Index("jobs_in_order", "repository", "id"),
    sa.Index("jobs_untold", "repository", "is_told"),
)

job_events = sa.Table(
    "job_events",
    metadata,
    sa.Column("job", sa.String(32), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at", sa.Double, nullable=False),
    sa.Column("kind", sa.String(32), nullable=False),
    sa.Column("body", sa.JSON, nullable=False),
)

job_counts = sa.Table(
    "job_counts",
    metadata,
    sa.Column("repository", sa.Text, primary_key=True),
    sa.Column("model", sa.String(128), primary_key=True),
    sa.Column("kind", sa.String(16), primary_key=True),
    sa.Column("asked_through", sa.String(16), primary_key=True),
    sa.Column("state", sa.String(16), primary_key=True),
    sa.Column("jobs", sa.BigInteger, nullable=False),
    sa.Column("seconds", sa.Double, nullable=False),
    sa.Column("last_at", sa.Double, nullable=False),
)

job_durations = sa.Table(
    "job_durations",
    metadata,
    sa.Column("repository", sa.Text, primary_key=True),
    sa.Column("model", sa.String(128), primary_key=True),
    sa.Column("kind", sa.String(16), primary_key=True),
    sa.Column("bucket", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("jobs", sa.BigInteger, nullable=False),
)
