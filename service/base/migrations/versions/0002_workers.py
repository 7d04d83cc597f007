"""What each worker has loaded, what operators wish, and what becomes of a version's new files."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create the tables of workers and wishes; a version tells the state of its files."""
    op.create_table(
        "workers",
        sa.Column("repository", sa.Text, primary_key=True),
        sa.Column("worker", sa.Text, primary_key=True),
        sa.Column("beat", sa.Float, nullable=False),
        sa.Column("held", sa.JSON, nullable=False),
        sa.Column("seen", sa.JSON, nullable=False),
    )
    op.create_table(
        "wishes",
        sa.Column("repository", sa.Text, primary_key=True),
        sa.Column("model", sa.String(128), primary_key=True),
        sa.Column("is_unloaded", sa.Boolean, nullable=False),
        sa.Column("ticket", sa.BigInteger, nullable=False),
        sa.Column("looked", sa.BigInteger, nullable=False),
    )
    op.add_column("versions", sa.Column("files_state", sa.String(16), nullable=True))


def downgrade() -> None:
    """Drop them."""
    op.drop_column("versions", "files_state")
    op.drop_table("wishes")
    op.drop_table("workers")
