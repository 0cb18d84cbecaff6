"""What payments keep."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from models.migrations.records.row_security import allow, protect

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_LIVE = sa.text("state IN ('started', 'needs_action', 'unknown')")


def upgrade() -> None:
    op.create_table(
        "payment_attempt",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("practice_id", sa.String(), nullable=False),
        sa.Column("client_id", sa.String(), nullable=False),
        sa.Column("invoice_id", sa.String(), nullable=False),
        sa.Column("payer_id", sa.String(), nullable=False),
        sa.Column("form_key", sa.String(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("amount_cents", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reference", sa.String(), nullable=True),
        sa.Column("url", sa.String(), nullable=True),
        sa.Column("charge", sa.String(), nullable=True),
        sa.Column("method", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("announced_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_payment_attempt"),
        sa.UniqueConstraint("invoice_id", "payer_id", "form_key", name="uq_payment_attempt_form"),
    )
    op.create_index(
        "uq_payment_attempt_live",
        "payment_attempt",
        ["invoice_id"],
        unique=True,
        sqlite_where=_LIVE,
        postgresql_where=_LIVE,
    )
    op.create_index("ix_payment_attempt_state", "payment_attempt", ["practice_id", "state"])
    op.create_table(
        "local_checkout",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("order_id", sa.String(), nullable=False),
        sa.Column("amount_cents", sa.Integer(), nullable=False),
        sa.Column("description", sa.String(), nullable=False),
        sa.Column("return_path", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("silent_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("charges", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_local_checkout"),
        sa.UniqueConstraint("order_id", name="uq_local_checkout_order_id"),
    )
    protect("payment_attempt")
    allow("local_checkout")


def downgrade() -> None:
    op.drop_table("local_checkout")
    op.drop_table("payment_attempt")
