"""Hand-overs of a person's grants to a successor."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from models.migrations.access.row_security import allow, protect

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_JSON = sa.JSON().with_variant(JSONB(), "postgresql")
_OPEN = sa.text("valid_to IS NULL")


def upgrade() -> None:
    op.create_table(
        "hand_overs",
        sa.Column("key", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("changed_by", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("id", "practice_id", "from_account", "to_account")),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("ended", _JSON, nullable=False),
        sa.Column("begun", _JSON, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_hand_overs"),
    )
    op.create_index(
        "uq_hand_overs_current", "hand_overs", ["id"], unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN
    )
    op.create_index("ix_hand_overs_practice_id", "hand_overs", ["practice_id", "valid_to"])
    protect("hand_overs")
    allow("SELECT, INSERT, UPDATE (valid_to)", "hand_overs", sequences=("hand_overs_key_seq",))


def downgrade() -> None:
    op.drop_table("hand_overs")
