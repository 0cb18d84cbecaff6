"""What mail and notices keep."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from models.migrations.records.row_security import allow, protect, protect_with_none

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_JSON = sa.JSON().with_variant(JSONB(), "postgresql")


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(), nullable=nullable)


def _instant(name: str, *, nullable: bool = True) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    op.add_column("person", sa.Column("language", sa.String(), nullable=False, server_default="en"))
    op.create_table(
        "mail",
        _text("id"),
        _text("practice_id", nullable=True),
        _text("recipient"),
        sa.Column("content", _JSON, nullable=True),
        _text("state"),
        sa.Column("tries", sa.Integer(), nullable=False),
        _instant("first_tried_at"),
        _instant("next_try_at"),
        _instant("ended_at"),
        _text("last_error"),
        sa.PrimaryKeyConstraint("id", name="pk_mail"),
    )
    op.create_index("ix_mail_state", "mail", ["state", "next_try_at"])
    op.create_table(
        "notice",
        _text("id"),
        _text("practice_id"),
        _text("event"),
        _text("client_id", nullable=True),
        _text("item_type", nullable=True),
        _text("item_id", nullable=True),
        _text("path"),
        _text("subject_type"),
        _text("subject_id", nullable=True),
        _text("but", nullable=True),
        _instant("due_at"),
        sa.PrimaryKeyConstraint("id", name="pk_notice"),
    )
    op.create_index("ix_notice_practice_id", "notice", ["practice_id"])
    op.create_table(
        "notice_choice",
        _text("subject_type"),
        _text("subject_id"),
        _text("client_id"),
        _text("event"),
        _text("choice"),
        sa.PrimaryKeyConstraint("subject_type", "subject_id", "client_id", "event", name="pk_notice_choice"),
    )
    op.create_table(
        "client_label",
        _text("account_id"),
        _text("client_id"),
        _text("label"),
        sa.PrimaryKeyConstraint("account_id", "client_id", name="pk_client_label"),
    )
    op.create_table(
        "notice_stop",
        _text("token_hash"),
        _text("subject_type"),
        _text("subject_id"),
        _instant("made_at", nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name="pk_notice_stop"),
    )
    op.create_table(
        "appointment_reminder",
        _text("appointment_id"),
        _instant("starts_at", nullable=False),
        _text("practice_id"),
        sa.PrimaryKeyConstraint("appointment_id", "starts_at", name="pk_appointment_reminder"),
    )
    protect("notice", "appointment_reminder")
    protect_with_none("mail")
    allow("notice_choice", "client_label", "notice_stop")


def downgrade() -> None:
    for table in ("appointment_reminder", "notice_stop", "client_label", "notice_choice", "notice", "mail"):
        op.drop_table(table)
    with op.batch_alter_table("person") as person:
        person.drop_column("language")
