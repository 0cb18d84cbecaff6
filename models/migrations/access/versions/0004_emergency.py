"""Emergency access: why, ended by whom, reviewed by whom; and the ways in which the trail is searched."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


_TOLD = sa.text("type <> 'decision'")


def upgrade() -> None:
    columns = (
        sa.Column("purpose", sa.String(), nullable=False, server_default=""),
        sa.Column("ended_by", sa.String(), nullable=True),
        sa.Column("reviewed_by", sa.String(), nullable=True),
        sa.Column("reviewed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("review", sa.String(), nullable=True),
    )
    for column in columns:
        op.add_column("emergency_accesses", column)
    op.create_index("ix_emergency_accesses_practice_id", "emergency_accesses", ["practice_id", "valid_to"])
    for name in ("practice_id", "subject"):
        op.create_index(f"ix_trail_records_{name}_at", "trail_records", [name, "at"])
    op.create_index(
        "ix_trail_records_told", "trail_records", ["practice_id", "at"], sqlite_where=_TOLD, postgresql_where=_TOLD
    )


def downgrade() -> None:
    for name in ("told", "subject_at", "practice_id_at"):
        op.drop_index(f"ix_trail_records_{name}", "trail_records")
    op.drop_index("ix_emergency_accesses_practice_id", "emergency_accesses")
    with op.batch_alter_table("emergency_accesses") as batch:
        for name in ("review", "reviewed_at", "reviewed_by", "ended_by", "purpose"):
            batch.drop_column(name)
