"""What files, signatures and releases keep."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from models.migrations.records.row_security import protect

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_JSON = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "stored_file",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("practice_id", sa.String(), nullable=False),
        sa.Column("client_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("media_type", sa.String(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("kept_by", sa.String(), nullable=False),
        sa.Column("kept_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_stored_file"),
    )
    op.create_index("ix_stored_file_client_id", "stored_file", ["client_id"])
    op.create_table(
        "signature",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("practice_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("client_id", sa.String(), nullable=False),
        sa.Column("document_id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("typed_name", sa.String(), nullable=False),
        sa.Column("drawn", sa.LargeBinary(), nullable=True),
        sa.Column("kinds", _JSON, nullable=False),
        sa.Column("amr", _JSON, nullable=False),
        sa.Column("consent", sa.String(), nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("content_sha256", sa.String(), nullable=False),
        sa.Column("previous", sa.String(), nullable=False),
        sa.Column("seal", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_signature"),
        sa.UniqueConstraint("document_id", "account_id", name="uq_signature_document_id_account_id"),
        sa.UniqueConstraint("practice_id", "number", name="uq_signature_practice_id_number"),
    )
    op.create_table(
        "document_release",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("practice_id", sa.String(), nullable=False),
        sa.Column("client_id", sa.String(), nullable=False),
        sa.Column("document_id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("token_sha256", sa.String(), nullable=False),
        sa.Column("passcode_hash", sa.String(), nullable=True),
        sa.Column("tries_left", sa.Integer(), nullable=False),
        sa.Column("released_by", sa.String(), nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_document_release"),
        sa.UniqueConstraint("token_sha256", name="uq_document_release_token_sha256"),
    )
    op.create_index("ix_document_release_document_id", "document_release", ["document_id"])
    with op.batch_alter_table("document") as document:
        for name in ("file_id", "uploaded_by", "original_id"):
            document.add_column(sa.Column(name, sa.String(), nullable=True))
        document.create_unique_constraint("uq_document_original_id_copy_of", ["original_id", "copy_of"])
    protect("stored_file", "signature", "document_release")


def downgrade() -> None:
    with op.batch_alter_table("document") as document:
        document.drop_constraint("uq_document_original_id_copy_of", type_="unique")
        for name in ("file_id", "uploaded_by", "original_id"):
            document.drop_column(name)
    op.drop_table("document_release")
    op.drop_table("signature")
    op.drop_table("stored_file")
