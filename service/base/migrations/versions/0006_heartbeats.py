"""When the controller has last worked, and how it mirrors a remote repository."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "heartbeats",
        sa.Column("repository", sa.Text, primary_key=True),
        sa.Column("process", sa.String(16), primary_key=True),
        sa.Column("started_at", sa.Double, nullable=False),
        sa.Column("stepped_at", sa.Double, nullable=False),
        sa.Column("mirror", sa.JSON, nullable=False),
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_table("heartbeats")
