"""The tables of quality: receipts' keys, recorded predictions, feedback and what it comes to.

Times named `at` and `_at` are in milliseconds since 1970, those of keys in seconds; `hour` is the
number of the hour since 1970 in which a prediction was made, or `PAST` for all hours whose rows are
no longer kept.

A cell is a pair of a true and a predicted class, as `sums.cells_of` says. `first` counts rows as
they were labelled first and never falls: it is what Prometheus is told; `now` counts them as they
are labelled now.

A bin is one of scores, as `score_bins.py` says: how many rows were predicted with such a score, how
many of them have a label and are right, and the sum of the steps of those that have one. Labels of
predictions from before a version's `kept_since` are refused, as what went before is added up.
"""

import sqlalchemy as sa

metadata = sa.MetaData()

PAST = 0

Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def _key(name: str, kind: "sa.types.TypeEngine[int]") -> "sa.Column[int]":
    return sa.Column(name, kind, primary_key=True, autoincrement=False)


def _sums() -> "list[sa.Column[float]]":
    """What is added up of rows that aren't classes: numbers first, then sets of labels."""
    whole = ("rows", "percent_rows", "unusable", "set_rows", "exact_rows", "named_rows")
    parts = ("error", "absolute", "squared", "true_total", "true_squared", "percent", "jaccard")
    return [
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in whole),
        *(sa.Column(name, sa.Double, nullable=False) for name in parts),
    ]


installation = sa.Table(
    "installation",
    metadata,
    _key("id", sa.Integer()),
    sa.Column("store", sa.String(32), nullable=False),
)

receipt_keys = sa.Table(
    "receipt_keys",
    metadata,
    sa.Column("id", sa.String(8), primary_key=True),
    sa.Column("secret", sa.LargeBinary(32), nullable=False),
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Column("retired_at", sa.Double, nullable=True),
)

scored_versions = sa.Table(
    "scored_versions",
    metadata,
    sa.Column("id", Id, primary_key=True, autoincrement=True),
    sa.Column("repository", sa.Text, nullable=False),
    sa.Column("model", sa.String(128), nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("kind", sa.Integer, nullable=False),
    sa.Column("width", sa.Integer, nullable=False),
    sa.Column("kept_since", sa.BigInteger, nullable=False, server_default="0"),
    sa.UniqueConstraint("repository", "model", "version", name="one_row_a_version"),
)

feedback = sa.Table(
    "feedback",
    metadata,
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

feedback_counts = sa.Table(
    "feedback_counts",
    metadata,
    _key("scored", sa.BigInteger()),
    _key("true_class", sa.Integer()),
    _key("predicted_class", sa.Integer()),
    sa.Column("first", sa.BigInteger, nullable=False),
    sa.Column("now", sa.BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

feedback_hours = sa.Table(
    "feedback_hours",
    metadata,
    _key("scored", sa.BigInteger()),
    _key("hour", sa.Integer()),
    _key("true_class", sa.Integer()),
    _key("predicted_class", sa.Integer()),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

feedback_first_sums = sa.Table(
    "feedback_first_sums", metadata, _key("scored", sa.BigInteger()), *_sums()
)

feedback_sums = sa.Table(
    "feedback_sums",
    metadata,
    _key("scored", sa.BigInteger()),
    _key("hour", sa.Integer()),
    *_sums(),
)

feedback_delays = sa.Table(
    "feedback_delays",
    metadata,
    _key("scored", sa.BigInteger()),
    _key("bucket", sa.Integer()),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("seconds", sa.Double, nullable=False),
)

feedback_corrections = sa.Table(
    "feedback_corrections",
    metadata,
    _key("scored", sa.BigInteger()),
    sa.Column("rows", sa.BigInteger, nullable=False),
)

feedback_outcomes = sa.Table(
    "feedback_outcomes",
    metadata,
    sa.Column("repository", sa.Text, primary_key=True),
    sa.Column("model", sa.String(128), primary_key=True),
    sa.Column("outcome", sa.String(32), primary_key=True),
    sa.Column("rows", sa.BigInteger, nullable=False),
)

prediction_hours = sa.Table(
    "prediction_hours",
    metadata,
    _key("scored", sa.BigInteger()),
    _key("hour", sa.Integer()),
    sa.Column("predicted", sa.BigInteger, nullable=False),
    sa.Column("labelled", sa.BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

prediction_scores = sa.Table(
    "prediction_scores",
    metadata,
    _key("scored", sa.BigInteger()),
    _key("hour", sa.Integer()),
    _key("bin", sa.Integer()),
    sa.Column("predicted", sa.BigInteger, nullable=False),
    sa.Column("labelled", sa.BigInteger, nullable=False),
    sa.Column("correct", sa.BigInteger, nullable=False),
    sa.Column("steps", sa.BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

predictions = sa.Table(
    "predictions",
    metadata,
    sa.Column("id", sa.LargeBinary(16), primary_key=True),
    sa.Column("scored", sa.BigInteger, nullable=False),
    sa.Column("predicted_at", sa.BigInteger, nullable=False),
    sa.Column("kind", sa.Integer, nullable=False),
    sa.Column("width", sa.Integer, nullable=False),
    sa.Column("rows", sa.Integer, nullable=False),
    sa.Column("content", sa.LargeBinary, nullable=False),
    sa.Index("predictions_by_time", "scored", "predicted_at"),
)

evaluations = sa.Table(
    "evaluations",
    metadata,
    sa.Column("id", Id, primary_key=True, autoincrement=True),
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
    sa.UniqueConstraint(
        "repository",
        "model",
        "version",
        "dataset",
        "data_sha256",
        "job",
        name="one_row_an_evaluation",
    ),
)

forgotten = sa.Table(
    "forgotten",
    metadata,
    sa.Column("prediction", sa.LargeBinary(16), primary_key=True),
    sa.Column("repository", sa.Text, nullable=False),
    sa.Column("model", sa.String(128), nullable=False),
    sa.Column("forgotten_at", sa.BigInteger, nullable=False),
)
