"""Jobs: what is asked, queued, run and ended; evaluations; confidence and what it came to."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

TABLES = (
    "jobs", "job_events", "job_counts", "job_durations", "evaluations", "feedback_corrections",
    "prediction_scores",
)  # fmt: skip


def upgrade() -> None:
    """Create the tables."""
    _create_jobs()
    _create_job_events()
    _create_job_counts()
    _create_evaluations()
    _create_scores()


def downgrade() -> None:
    """Drop them, with all jobs."""
    op.drop_column("scored_versions", "kept_since")
    for table in reversed(TABLES):
        op.drop_table(table)


def _create_jobs() -> None:
    op.create_table(
        "jobs",
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
    )
    op.create_index("jobs_by_state", "jobs", ["repository", "state"])
    op.create_index("jobs_of_model", "jobs", ["repository", "model", "id"])
    op.create_index("jobs_in_order", "jobs", ["repository", "id"])
    op.create_index("jobs_untold", "jobs", ["repository", "is_told"])


def _create_job_events() -> None:
    op.create_table(
        "job_events",
        sa.Column("job", sa.String(32), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("body", sa.JSON, nullable=False),
    )


def _create_job_counts() -> None:
    op.create_table(
        "job_counts",
        *_names("repository", "model", "kind", "asked_through", "state"),
        sa.Column("jobs", sa.BigInteger, nullable=False),
        sa.Column("seconds", sa.Double, nullable=False),
        sa.Column("last_at", sa.Double, nullable=False),
    )
    op.create_table(
        "job_durations",
        *_names("repository", "model", "kind"),
        sa.Column("bucket", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("jobs", sa.BigInteger, nullable=False),
    )


def _create_evaluations() -> None:
    key = ("repository", "model", "version", "dataset", "data_sha256", "job")
    op.create_table(
        "evaluations",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True,
            autoincrement=True,
        ),
        sa.Column("repository", sa.Text, nullable=False),
        sa.Column("model", sa.String(128), nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("dataset", sa.String(64), nullable=False),
        sa.Column("data_sha256", sa.String(64), nullable=False),
        sa.Column("job", sa.String(64), nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("rows", sa.BigInteger, nullable=False),
        sa.Column("scores", sa.Text, nullable=False),
        sa.Column("metrics", sa.Text, nullable=False),
        sa.Column("confusion", sa.Text, nullable=False),
        sa.Column("correct", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint(*key, name="one_row_an_evaluation"),
    )  # fmt: skip


def _create_scores() -> None:
    """Corrections that were made before are counted as far as the rows still tell of them."""
    op.create_table(
        "feedback_corrections",
        _number("scored", sa.BigInteger()),
        sa.Column("rows", sa.BigInteger, nullable=False),
    )
    op.execute(
        "INSERT INTO feedback_corrections SELECT scored, sum(corrections) FROM feedback"
        " WHERE corrections > 0 GROUP BY scored"
    )
    op.create_table(
        "prediction_scores",
        _number("scored", sa.BigInteger()),
        *(_number(name, sa.Integer()) for name in ("hour", "bin")),
        *(
            sa.Column(name, sa.BigInteger, nullable=False)
            for name in ("predicted", "labelled", "correct", "steps")
        ),
        sqlite_with_rowid=False,
    )
    op.add_column(
        "scored_versions",
        sa.Column("kept_since", sa.BigInteger, nullable=False, server_default="0"),
    )


def _number(name: str, kind: "sa.types.TypeEngine[int]") -> "sa.Column[int]":
    return sa.Column(name, kind, primary_key=True, autoincrement=False)


def _names(*names: str) -> "list[sa.Column[str]]":
    kinds = {"repository": sa.Text(), "model": sa.String(128)}
    return [sa.Column(name, kinds.get(name, sa.String(16)), primary_key=True) for name in names]
