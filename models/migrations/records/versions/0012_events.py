"""Events that wait to be entered in the trail."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from models.migrations.records.row_security import protect_with_none

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "waiting_event",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("practice_id", sa.String(), nullable=True),
        sa.Column("event", sa.JSON().with_variant(JSONB(), "postgresql"), nullable=False),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_waiting_event"),
    )
    op.create_index("ix_waiting_event_practice_id", "waiting_event", ["practice_id"])
    protect_with_none("waiting_event")


def downgrade() -> None:
    op.drop_table("waiting_event")
