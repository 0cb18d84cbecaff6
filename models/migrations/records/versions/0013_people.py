"""What the practice's staff know of people."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from models.migrations.records.row_security import protect

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    with op.batch_alter_table("contact") as table:
        table.add_column(sa.Column("authority", sa.String(), nullable=False, server_default=""))
        table.add_column(sa.Column("declined_at", _INSTANT))
        table.add_column(sa.Column("merged_into", sa.String()))
    with op.batch_alter_table("client") as table:
        table.add_column(sa.Column("merged_into", sa.String()))
    op.create_table(
        "proof",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("practice_id", sa.String(), nullable=False),
        sa.Column("client_id", sa.String(), nullable=False),
        sa.Column("grant_id", sa.String(), nullable=False),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("file_id", sa.String()),
        sa.Column("starts", sa.Date()),
        sa.Column("until", sa.Date()),
        sa.Column("added_by", sa.String(), nullable=False),
        sa.Column("added_at", _INSTANT, nullable=False),
        sa.Column("removed_by", sa.String()),
        sa.Column("removed_at", _INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_proof"),
    )
    op.create_index("ix_proof_client_id", "proof", ["client_id"])
    op.create_index("ix_proof_grant_id", "proof", ["grant_id"])
    op.create_table(
        "portal_visit",
        sa.Column("client_id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("practice_id", sa.String(), nullable=False),
        sa.Column("last_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("client_id", "account_id", name="pk_portal_visit"),
    )
    protect("proof", "portal_visit")


def downgrade() -> None:
    op.drop_table("portal_visit")
    op.drop_table("proof")
    with op.batch_alter_table("client") as table:
        table.drop_column("merged_into")
    with op.batch_alter_table("contact") as table:
        table.drop_column("merged_into")
        table.drop_column("declined_at")
        table.drop_column("authority")
