"""Quality: keys of receipts, recorded predictions, feedback and what it comes to."""

from uuid import uuid4

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

TABLES = (
    "installation", "receipt_keys", "scored_versions", "feedback", "feedback_counts",
    "feedback_hours", "feedback_first_sums", "feedback_sums", "feedback_delays",
    "feedback_outcomes", "prediction_hours", "predictions", "forgotten",
)  # fmt: skip


def upgrade() -> None:
    """Create the tables, and give the database its name."""
    installation = op.create_table(
        "installation", _key("id", sa.Integer()), sa.Column("store", sa.String(32), nullable=False)
    )
    op.bulk_insert(installation, [{"id": 1, "store": uuid4().hex}])
    op.create_table(
        "receipt_keys",
        sa.Column("id", sa.String(8), primary_key=True),
        sa.Column("secret", sa.LargeBinary(32), nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("retired_at", sa.Double, nullable=True),
    )
    op.create_table(
        "scored_versions",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True,
            autoincrement=True,
        ),
        sa.Column("repository", sa.Text, nullable=False),
        sa.Column("model", sa.String(128), nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.Integer, nullable=False),
        sa.Column("width", sa.Integer, nullable=False),
        sa.UniqueConstraint("repository", "model", "version", name="one_row_a_version"),
    )  # fmt: skip
    _create_feedback()
    _create_sums()
    _create_predictions()


def downgrade() -> None:
    """Drop them, with all feedback."""
    for table in reversed(TABLES):
        op.drop_table(table)


def _create_feedback() -> None:
    op.create_table(
        "feedback",
        _key("scored", sa.BigInteger()),
        _key("predicted_at", sa.BigInteger()),
        sa.Column("prediction", sa.LargeBinary(16), primary_key=True),
        _key("row", sa.Integer()),
        sa.Column("labelled_at", sa.BigInteger, nullable=False),
        sa.Column("corrections", sa.Integer, nullable=False),
        sa.Column("score", sa.Integer, nullable=True),
        sa.Column("predicted_class", sa.Integer, nullable=True),
        sa.Column("true_class", sa.Integer, nullable=True),
        sa.Column("replaced_class", sa.Integer, nullable=True),
        sa.Column("predicted_content", sa.LargeBinary, nullable=True),
        sa.Column("true_content", sa.LargeBinary, nullable=True),
        sa.Column("replaced_content", sa.LargeBinary, nullable=True),
        sqlite_with_rowid=False,
    )


def _create_sums() -> None:
    cell = ("true_class", "predicted_class")
    op.create_table(
        "feedback_counts",
        _key("scored", sa.BigInteger()),
        *(_key(name, sa.Integer()) for name in cell),
        sa.Column("first", sa.BigInteger, nullable=False),
        sa.Column("now", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "feedback_hours",
        _key("scored", sa.BigInteger()),
        *(_key(name, sa.Integer()) for name in ("hour", *cell)),
        sa.Column("rows", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table("feedback_first_sums", _key("scored", sa.BigInteger()), *_sums())
    op.create_table(
        "feedback_sums", _key("scored", sa.BigInteger()), _key("hour", sa.Integer()), *_sums()
    )
    op.create_table(
        "feedback_delays",
        _key("scored", sa.BigInteger()),
        _key("bucket", sa.Integer()),
        sa.Column("rows", sa.BigInteger, nullable=False),
        sa.Column("seconds", sa.Double, nullable=False),
    )
    op.create_table(
        "feedback_outcomes",
        sa.Column("repository", sa.Text, primary_key=True),
        sa.Column("model", sa.String(128), primary_key=True),
        sa.Column("outcome", sa.String(32), primary_key=True),
        sa.Column("rows", sa.BigInteger, nullable=False),
    )


def _create_predictions() -> None:
    op.create_table(
        "prediction_hours",
        _key("scored", sa.BigInteger()),
        _key("hour", sa.Integer()),
        sa.Column("predicted", sa.BigInteger, nullable=False),
        sa.Column("labelled", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "predictions",
        sa.Column("id", sa.LargeBinary(16), primary_key=True),
        sa.Column("scored", sa.BigInteger, nullable=False),
        sa.Column("predicted_at", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.Integer, nullable=False),
        sa.Column("width", sa.Integer, nullable=False),
        sa.Column("rows", sa.Integer, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
    )
    op.create_index("predictions_by_time", "predictions", ["scored", "predicted_at"])
    op.create_table(
        "forgotten",
        sa.Column("prediction", sa.LargeBinary(16), primary_key=True),
        sa.Column("repository", sa.Text, nullable=False),
        sa.Column("model", sa.String(128), nullable=False),
        sa.Column("forgotten_at", sa.BigInteger, nullable=False),
    )


def _key(name: str, kind: "sa.types.TypeEngine[int]") -> "sa.Column[int]":
    return sa.Column(name, kind, primary_key=True, autoincrement=False)


def _sums() -> "list[sa.Column[float]]":
    whole = ("rows", "percent_rows", "unusable", "set_rows", "exact_rows", "named_rows")
    parts = ("error", "absolute", "squared", "true_total", "true_squared", "percent", "jaccard")
    return [
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in whole),
        *(sa.Column(name, sa.Double, nullable=False) for name in parts),
    ]
