"""The one-time ids of events that calling systems added."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from models.migrations.access import row_security

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "trail_events",
        sa.Column("caller", sa.String(64), primary_key=True),
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
    )
    row_security.allow("SELECT, INSERT", "trail_events")


def downgrade() -> None:
    op.drop_table("trail_events")
