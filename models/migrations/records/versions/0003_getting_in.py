"""What invitations, recovery and sign-up keep."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from models.migrations.records.row_security import allow, protect

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("credential") as table:
        table.add_column(sa.Column("address", sa.String(), nullable=True))
        table.add_column(sa.Column("must_change", sa.Boolean(), nullable=False, server_default=sa.false()))
        table.add_column(sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True))
        table.create_unique_constraint("uq_credential_address", ["address"])
        table.create_index("ix_credential_subject_id", ["subject_id"])
    op.create_table(
        "contact",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("practice_id", sa.String(), nullable=False),
        sa.Column("client_id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=True),
        sa.Column("grant_id", sa.String(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("email", sa.String(), nullable=True),
        sa.Column("phone", sa.String(), nullable=True),
        sa.Column("added_by", sa.String(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_contact"),
    )
    for column in ("practice_id", "client_id", "account_id", "grant_id"):
        op.create_index(f"ix_contact_{column}", "contact", [column])
    op.create_table(
        "mailed_link",
        sa.Column("secret_hash", sa.String(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("subject_type", sa.String(), nullable=False),
        sa.Column("subject_id", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("practice_id", sa.String(), nullable=True),
        sa.Column("made_by", sa.String(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("secret_hash", name="pk_mailed_link"),
    )
    op.create_index("ix_mailed_link_subject_id", "mailed_link", ["subject_id"])
    op.create_table(
        "way_in",
        sa.Column("practice_id", sa.String(), nullable=False),
        sa.Column("invite_by", sa.String(), nullable=False),
        sa.Column("asks_question", sa.Boolean(), nullable=False),
        sa.Column("takes_sign_ups", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("practice_id", name="pk_way_in"),
    )
    op.create_table(
        "security_answer",
        sa.Column("subject_type", sa.String(), nullable=False),
        sa.Column("subject_id", sa.String(), nullable=False),
        sa.Column("question", sa.String(), nullable=False),
        sa.Column("answer_hash", sa.String(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("subject_type", "subject_id", name="pk_security_answer"),
    )
    op.create_table(
        "sign_up",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("practice_id", sa.String(), nullable=False),
        sa.Column("once", sa.String(), nullable=False),
        sa.Column("first_name", sa.String(), nullable=False),
        sa.Column("last_name", sa.String(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("phone", sa.String(), nullable=False),
        sa.Column("born", sa.Date(), nullable=True),
        sa.Column("about", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.String(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("client_id", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_sign_up"),
        sa.UniqueConstraint("once", name="uq_sign_up_once"),
    )
    op.create_index("ix_sign_up_practice_id", "sign_up", ["practice_id"])
    protect("contact", "way_in", "sign_up")
    allow("mailed_link", "security_answer")


def downgrade() -> None:
    for table in ("sign_up", "security_answer", "way_in", "mailed_link", "contact"):
        op.drop_table(table)
    with op.batch_alter_table("credential") as credential:
        credential.drop_index("ix_credential_subject_id")
        credential.drop_constraint("uq_credential_address")
        for column in ("expires_at", "must_change", "address"):
            credential.drop_column(column)
