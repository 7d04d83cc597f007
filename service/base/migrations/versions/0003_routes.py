"""Where requests go and who decided it: routes take the place of wishes; audit and usage."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Create the tables; what operators wished goes on; which version is served isn't stored."""
    _take_over(_create_routes())
    op.drop_table("wishes")
    op.create_table(
        "audit",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True,
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
    )  # fmt: skip
    op.create_index("audit_of_model", "audit", ["repository", "model", "id"])
    op.create_table(
        "usage",
        sa.Column("repository", sa.Text, primary_key=True),
        sa.Column("model", sa.String(128), primary_key=True),
        sa.Column("version", sa.BigInteger, primary_key=True),
        sa.Column("last_used", sa.Float, nullable=False),
    )
    with op.batch_alter_table("versions") as versions:
        versions.drop_column("served")


def downgrade() -> None:
    """Drop them; of what operators decided, the wishes stay."""
    with op.batch_alter_table("versions") as versions:
        versions.add_column(
            sa.Column("served", sa.Boolean, nullable=False, server_default=sa.false())
        )
    op.drop_table("usage")
    op.drop_table("audit")
    op.create_table(
        "wishes",
        sa.Column("repository", sa.Text, primary_key=True),
        sa.Column("model", sa.String(128), primary_key=True),
        sa.Column("is_unloaded", sa.Boolean, nullable=False),
        sa.Column("ticket", sa.BigInteger, nullable=False),
        sa.Column("looked", sa.BigInteger, nullable=False),
    )
    op.execute(
        "INSERT INTO wishes (repository, model, is_unloaded, ticket, looked)"
        " SELECT repository, model, is_unloaded, revision, looked FROM routes"
    )
    op.drop_table("routes")


def _create_routes() -> sa.Table:
    return op.create_table(
        "routes",
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


def _take_over(routes: sa.Table) -> None:
    wishes = op.get_bind().execute(sa.text("SELECT * FROM wishes")).mappings().all()
    undecided = {
        "generation": 0,
        "is_pinned": False,
        "previous": [],
        "labels": {},
        "canary": None,
        "shadow": "",
        "preparing": [],
        "retired": [],
    }
    op.bulk_insert(
        routes,
        [
            {
                **undecided,
                "repository": wish["repository"],
                "model": wish["model"],
                "revision": wish["ticket"],
                "looked": wish["looked"],
                "is_unloaded": bool(wish["is_unloaded"]),
            }
            for wish in wishes
        ],
    )
