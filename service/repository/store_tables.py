"""The tables of what the processes of a repository tell each other, as the program reads them."""

import sqlalchemy as sa

metadata = sa.MetaData()

versions = sa.Table(
    "versions",
    metadata,
    sa.Column("repository", sa.Text, primary_key=True),
    sa.Column("model", sa.String(128), primary_key=True),
    sa.Column("version", sa.BigInteger, primary_key=True),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("artefact", sa.String(64), nullable=False),
    sa.Column("config", sa.JSON, nullable=False),
    sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("files_state", sa.String(16), nullable=True),
)

scans = sa.Table(
    "scans",
    metadata,
    sa.Column("repository", sa.Text, primary_key=True),
    sa.Column("scanned_at", sa.DateTime(timezone=True), nullable=False),
)

workers = sa.Table(
    "workers",
    metadata,
    sa.Column("repository", sa.Text, primary_key=True),
    sa.Column("worker", sa.Text, primary_key=True),
    sa.Column("beat", sa.Float, nullable=False),
    sa.Column("held", sa.JSON, nullable=False),
    sa.Column("seen", sa.JSON, nullable=False),
)

routes = sa.Table(
    "routes",
    metadata,
    sa.Column("repository", sa.Text, primary_key=True),
    sa.Column("model", sa.String(128), primary_key=True),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Column("looked", sa.BigInteger, nullable=False),
    sa.Column("is_unloaded", sa.Boolean, nullable=False),
    sa.Column("generation", sa.BigInteger, nullable=False),
    sa.Column("current", sa.BigInteger, nullable=True),
    sa.Column("is_pinned", sa.Boolean, nullable=False),
    sa.Column("previous", sa.JSON, nullable=False),
    sa.Column("labels", sa.JSON, nullable=False),
    sa.Column("canary", sa.JSON, nullable=False),
    sa.Column("shadow", sa.Text, nullable=False),
    sa.Column("preparing", sa.JSON, nullable=False),
    sa.Column("retired", sa.JSON, nullable=False),
)

audit = sa.Table(
    "audit",
    metadata,
    sa.Column(
        "id",
        sa.BigInteger().with_variant(sa.Integer, "sqlite"),
        primary_key=True,
        autoincrement=True,
    ),
    sa.Column("repository", sa.Text, nullable=False),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("model", sa.String(128), nullable=False),
    sa.Column("action", sa.String(32), nullable=False),
    sa.Column("who", sa.Text, nullable=False),
    sa.Column("why", sa.Text, nullable=False),
    sa.Column("request_id", sa.Text, nullable=False),
    sa.Column("before", sa.JSON, nullable=False),
    sa.Column("after", sa.JSON, nullable=False),
    sa.Index("audit_of_model", "repository", "model", "id"),
)

usage = sa.Table(
    "usage",
    metadata,
    sa.Column("repository", sa.Text, primary_key=True),
    sa.Column("model", sa.String(128), primary_key=True),
    sa.Column("version", sa.BigInteger, primary_key=True),
    sa.Column("last_used", sa.Float, nullable=False),
)

heartbeats = sa.Table(
    "heartbeats",
    metadata,
    sa.Column("repository", sa.Text, primary_key=True),
    sa.Column("process", sa.String(16), primary_key=True),
    sa.Column("started_at", sa.Double, nullable=False),
    sa.Column("stepped_at", sa.Double, nullable=False),
    sa.Column("mirror", sa.JSON, nullable=False),
)
