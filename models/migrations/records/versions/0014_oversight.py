"""Whom the practice tells of emergency accesses, and of which one it was told."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from models.migrations.records.row_security import protect

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "privacy_contact",
        sa.Column("practice_id", sa.String(), nullable=False),
        sa.Column("staff_id", sa.String(), nullable=False),
        sa.Column("set_by", sa.String(), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("practice_id", name="pk_privacy_contact"),
    )
    op.create_table(
        "emergency_notice",
        sa.Column("access_id", sa.String(), nullable=False),
        sa.Column("practice_id", sa.String(), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("access_id", name="pk_emergency_notice"),
    )
    protect("privacy_contact", "emergency_notice")


def downgrade() -> None:
    for table in ("emergency_notice", "privacy_contact"):
        op.drop_table(table)
