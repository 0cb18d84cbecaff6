"""The trail: records, the links of its chains, and the heads of those written inside transactions.

The service may add to it and read it; it may neither change nor delete, except to move a head forward.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from models.migrations.access import row_security

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "trail_records",
        sa.Column("chain", sa.String(80), primary_key=True),
        sa.Column("number", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("position", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("item", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("type", sa.String(16), nullable=False),
        sa.Column("practice_id", sa.String(256)),
        sa.Column("request_id", sa.String(256)),
        sa.Column("caller", sa.String(64)),
        sa.Column("subject", sa.String(330)),
        sa.Column("account_id", sa.String(256)),
        sa.Column("client_id", sa.String(256)),
        sa.Column("action", sa.String(64)),
        sa.Column("resource_type", sa.String(64)),
        sa.Column("resource_id", sa.String(256)),
        sa.Column("decision", sa.Boolean()),
        sa.Column("what_if", sa.Boolean(), nullable=False),
        sa.Column("body", sa.String()),
    )
    op.create_index("ix_trail_records_at", "trail_records", ["at"])
    for column in ("account_id", "client_id", "resource_id"):
        op.create_index(f"ix_trail_records_{column}_at", "trail_records", [column, "at"])
    op.create_table(
        "trail_groups",
        sa.Column("chain", sa.String(80), primary_key=True),
        sa.Column("number", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
    )
    op.create_table(
        "trail_heads",
        sa.Column("chain", sa.String(80), primary_key=True),
        sa.Column("practice_id", sa.String(256)),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
    )
    for table in ("trail_records", "trail_heads"):
        row_security.protect(table)
    row_security.allow("SELECT, INSERT", "trail_records")
    row_security.allow("SELECT, INSERT", "trail_groups")
    row_security.allow("SELECT, INSERT, UPDATE", "trail_heads")


def downgrade() -> None:
    for table in ("trail_heads", "trail_groups", "trail_records"):
        op.drop_table(table)
