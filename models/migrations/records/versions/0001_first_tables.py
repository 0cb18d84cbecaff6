"""The records as first kept: people, credentials, practices, clients, their items, and the outbox."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_JSON = sa.JSON().with_variant(JSONB(), "postgresql")
_ITEMS = (
    "invoice",
    "payment",
    "appointment",
    "document",
    "form",
    "thread",
    "service_plan",
    "clinical_note",
    "treatment_plan",
)
ROLE = "kinguard_gateway"  # of the running gateway: it owns nothing, and logins are made members of it
_OF_A_PRACTICE = (*_ITEMS, "client", "outbox")


def upgrade() -> None:
    op.create_table(
        "person",
        sa.Column("subject_type", sa.String(), nullable=False),
        sa.Column("subject_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("email", sa.String(), nullable=True),
        sa.Column("phone", sa.String(), nullable=True),
        sa.Column("address", _JSON, nullable=False),
        sa.Column("practice_id", sa.String(), nullable=True),
        sa.Column("title", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("subject_type", "subject_id", name="pk_person"),
    )
    op.create_table(
        "credential",
        sa.Column("username", sa.String(), nullable=False),
        sa.Column("subject_type", sa.String(), nullable=False),
        sa.Column("subject_id", sa.String(), nullable=False),
        sa.Column("password_hash", sa.String(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("username", name="pk_credential"),
    )
    op.create_table(
        "practice",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("zone", sa.String(), nullable=False),
        sa.Column("letterhead", _JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_practice"),
    )
    op.create_table(
        "client",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("practice_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("preferred", sa.String(), nullable=False),
        sa.Column("born", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_client"),
    )
    op.create_index("ix_client_practice_id", "client", ["practice_id"])
    op.create_table(
        "client_home",
        sa.Column("client_id", sa.String(), nullable=False),
        sa.Column("practice_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("client_id", name="pk_client_home"),
    )
    _create_item_table(
        "invoice",
        sa.Column("addressee_id", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("balance_due_cents", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("issued", sa.Date(), nullable=False),
        sa.Column("due", sa.Date(), nullable=False),
        sa.Column("lines", _JSON, nullable=False),
        sa.Column("note", sa.String(), nullable=False),
    )
    op.create_index("ix_invoice_issued", "invoice", ["issued"])
    _create_item_table(
        "payment",
        sa.Column("payer_id", sa.String(), nullable=True),
        sa.Column("invoice_id", sa.String(), nullable=True),
        sa.Column("paid_on", sa.Date(), nullable=False),
        sa.Column("amount_cents", sa.Integer(), nullable=False),
        sa.Column("method", sa.String(), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
    )
    _create_item_table(
        "appointment",
        sa.Column("provider_id", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("place", sa.String(), nullable=False),
    )
    op.create_index("ix_appointment_starts_at", "appointment", ["starts_at"])
    _create_item_table(
        "document",
        sa.Column("category", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("signer_rule", sa.String(), nullable=False),
        sa.Column("signer_ids", _JSON, nullable=False),
        sa.Column("copy_of", sa.String(), nullable=True),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("dated", sa.Date(), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
    )
    op.create_index("ix_document_dated", "document", ["dated"])
    _create_item_table(
        "form",
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("filler_id", sa.String(), nullable=True),
        sa.Column("signer_rule", sa.String(), nullable=False),
        sa.Column("signer_ids", _JSON, nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("sent_on", sa.Date(), nullable=False),
        sa.Column("due", sa.Date(), nullable=True),
        sa.Column("completed_on", sa.Date(), nullable=True),
        sa.Column("questions", _JSON, nullable=False),
    )
    _create_item_table(
        "thread",
        sa.Column("provider_id", sa.String(), nullable=True),
        sa.Column("participant_ids", _JSON, nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("messages", _JSON, nullable=False),
    )
    _create_item_table(
        "service_plan",
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("released_on", sa.Date(), nullable=True),
        sa.Column("review_on", sa.Date(), nullable=True),
        sa.Column("summary", sa.String(), nullable=False),
        sa.Column("goals", _JSON, nullable=False),
        sa.Column("supports", _JSON, nullable=False),
    )
    _create_item_table(
        "clinical_note",
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("dated", sa.Date(), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
    )
    _create_item_table(
        "treatment_plan",
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("dated", sa.Date(), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
    )
    op.create_table(
        "outbox",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("practice_id", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("properties", _JSON, nullable=True),
        sa.PrimaryKeyConstraint("number", name="pk_outbox"),
    )
    op.create_table(
        "demo_seed",
        sa.Column("day", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("day", name="pk_demo_seed"),
    )
    if op.get_context().dialect.name == "postgresql":
        for table in _OF_A_PRACTICE:
            _hide_other_practices(table)
        _allow_role()


def downgrade() -> None:
    for table in (*_OF_A_PRACTICE, "client_home", "practice", "credential", "person", "demo_seed"):
        op.drop_table(table)


def _create_item_table(name: str, *columns: sa.Column[Any]) -> None:
    op.create_table(
        name,
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("practice_id", sa.String(), nullable=False),
        sa.Column("client_id", sa.String(), nullable=False),
        *columns,
        sa.PrimaryKeyConstraint("id", name=f"pk_{name}"),
    )
    op.create_index(f"ix_{name}_client_id", name, ["client_id"])


def _hide_other_practices(table: str) -> None:
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY own_practice ON {table} USING (practice_id = current_setting('kinguard.practice', true)) "
        "WITH CHECK (practice_id = current_setting('kinguard.practice', true))"
    )


def _allow_role() -> None:
    op.execute(f"""
        DO $$ BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{ROLE}') THEN
                CREATE ROLE {ROLE} NOLOGIN NOSUPERUSER NOBYPASSRLS;
            END IF;
            GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {ROLE};
            GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {ROLE};
            REVOKE INSERT, UPDATE, DELETE ON records_version FROM {ROLE};
        EXCEPTION WHEN insufficient_privilege THEN
            RAISE WARNING 'the role {ROLE} could not be made: create it, and grant it the tables';
        END $$
    """)  # noqa: S608 - ROLE is the constant above.
