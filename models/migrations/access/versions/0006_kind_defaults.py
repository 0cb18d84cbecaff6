"""What a kind of representative begins with, and which findings of the set-up check a practice called right."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from models.migrations.access.row_security import allow, protect

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_JSON = sa.JSON().with_variant(JSONB(), "postgresql")
_OPEN = sa.text("valid_to IS NULL")


def upgrade() -> None:
    kind, toggles = sa.Column("kind", sa.String(), nullable=False), sa.Column("toggles", _JSON, nullable=False)
    _history("kind_defaults", kind, toggles, current=("practice_id", "kind"))
    finding = sa.Column("finding", sa.String(), nullable=False)
    _history("dismissals", finding, current=("practice_id", "finding"))
    op.create_index("ix_grants_practice_id", "grants", ["practice_id", "valid_to"])


def downgrade() -> None:
    op.drop_index("ix_grants_practice_id", "grants")
    op.drop_table("dismissals")
    op.drop_table("kind_defaults")


def _history(name: str, *columns: sa.Column[Any], current: tuple[str, ...]) -> None:
    op.create_table(
        name,
        sa.Column("key", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("changed_by", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("practice_id", sa.String(), nullable=False),
        *columns,
        sa.PrimaryKeyConstraint("key", name=f"pk_{name}"),
    )
    op.create_index(f"uq_{name}_current", name, list(current), unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN)
    protect(name)
    allow("SELECT, INSERT, UPDATE (valid_to)", name, sequences=(f"{name}_key_seq",))
