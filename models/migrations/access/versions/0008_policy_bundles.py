"""The policy's bundles: kept, deployed, acknowledged by each process, and shadowed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from models.migrations.access import row_security

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_JSON = sa.JSON().with_variant(JSONB(), "postgresql")
_TABLES = ("policy_versions", "policy_deployments", "policy_processes", "policy_shadow_counts")


def upgrade() -> None:
    op.create_table(
        "policy_versions",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("texts", _JSON, nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("staged_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("staged_by", sa.String(), nullable=False),
        sa.Column("rules", sa.Integer(), nullable=False),
        sa.Column("questions", sa.Integer(), nullable=False),
        sa.Column("invariants", sa.Integer(), nullable=False),
        sa.Column("withdrawn", sa.Boolean(), nullable=False),
        sa.Column("shadow", sa.Boolean(), nullable=False),
        sa.Column("shadow_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
    )
    op.create_table(
        "policy_deployments",
        sa.Column("number", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("before", sa.String(64), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
    )
    op.create_table(
        "policy_processes",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "policy_shadow_counts",
        *(sa.Column(name, sa.String(64), primary_key=True) for name in ("digest", "subject_type", "action")),
        sa.Column("resource_type", sa.String(64), primary_key=True),
        sa.Column("was", sa.Boolean(), primary_key=True),
        sa.Column("would", sa.String(16), primary_key=True),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("examples", _JSON, nullable=False),
    )
    # Texts and deployments are never rewritten: the database holds the service to that.
    row_security.allow("SELECT, INSERT, UPDATE (withdrawn, shadow, shadow_since, version)", "policy_versions")
    row_security.allow("SELECT, INSERT", "policy_deployments")
    row_security.allow("SELECT, INSERT, UPDATE, DELETE", "policy_processes")
    row_security.allow("SELECT, INSERT, UPDATE, DELETE", "policy_shadow_counts")


def downgrade() -> None:
    for table in reversed(_TABLES):
        op.drop_table(table)
