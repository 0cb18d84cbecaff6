"""What availability and self-scheduling keep."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from models.migrations.records.row_security import allow, protect

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_JSON = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "availability",
        sa.Column("staff_id", sa.String(), nullable=False),
        sa.Column("practice_id", sa.String(), nullable=False),
        sa.Column("slot_minutes", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("hours", _JSON, nullable=False),
        sa.Column("exceptions", _JSON, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("staff_id", name="pk_availability"),
    )
    op.create_table(
        "scheduling_rule",
        sa.Column("practice_id", sa.String(), nullable=False),
        sa.Column("confirms", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("practice_id", name="pk_scheduling_rule"),
    )
    op.create_table(
        "calendar_feed",
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("client_id", sa.String(), nullable=False),
        sa.Column("secret_hash", sa.String(), nullable=False),
        sa.Column("amr", _JSON, nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "client_id", name="pk_calendar_feed"),
        sa.UniqueConstraint("secret_hash", name="uq_calendar_feed_secret_hash"),
    )
    with op.batch_alter_table("appointment") as table:
        table.add_column(sa.Column("sequence", sa.Integer(), nullable=False, server_default="0"))
        table.add_column(
            sa.Column(
                "changed_at",
                sa.DateTime(timezone=True),
                nullable=False,
                server_default=sa.text("'2026-01-01 00:00:00'"),
            )
        )
        table.add_column(sa.Column("requested_by", sa.String(), nullable=True))
        table.add_column(sa.Column("request_key", sa.String(), nullable=True))
        table.create_unique_constraint("uq_appointment_request_key", ["request_key"])
    op.create_index("ix_appointment_provider_id", "appointment", ["provider_id"])
    protect("availability", "scheduling_rule")
    allow("calendar_feed")


def downgrade() -> None:
    op.drop_index("ix_appointment_provider_id", "appointment")
    with op.batch_alter_table("appointment") as table:
        table.drop_constraint("uq_appointment_request_key", type_="unique")
        for column in ("request_key", "requested_by", "changed_at", "sequence"):
            table.drop_column(column)
    for name in ("calendar_feed", "scheduling_rule", "availability"):
        op.drop_table(name)
