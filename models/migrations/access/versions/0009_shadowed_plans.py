"""What a shadow makes of searches and plans is counted apart from single questions."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from models.migrations.access import row_security

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_JSON = sa.JSON().with_variant(JSONB(), "postgresql")
_TABLE = "policy_shadow_counts"


def upgrade() -> None:
    # What was counted so far were single questions.
    counted = [{**row, "asked": "evaluation"} for row in _take_out()]
    op.bulk_insert(_make(sa.Column("asked", sa.String(16), primary_key=True)), counted)


def downgrade() -> None:
    counted = [row for row in _take_out() if row.pop("asked") == "evaluation"]
    op.bulk_insert(_make(), counted)


def _take_out() -> list[dict[str, Any]]:
    """The few rows there are; SQLite cannot change the key of a table in its place."""
    found = sa.Table(_TABLE, sa.MetaData(), autoload_with=op.get_bind())
    rows = [dict(row) for row in op.get_bind().execute(sa.select(found)).mappings()]
    op.drop_table(_TABLE)
    return rows


def _make(*more: sa.Column[Any]) -> sa.Table:
    made = op.create_table(
        _TABLE,
        sa.Column("digest", sa.String(64), primary_key=True),
        *more,
        *(sa.Column(name, sa.String(64), primary_key=True) for name in ("subject_type", "action", "resource_type")),
        sa.Column("was", sa.Boolean(), primary_key=True),
        sa.Column("would", sa.String(16), primary_key=True),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("examples", _JSON, nullable=False),
    )
    row_security.allow("SELECT, INSERT, UPDATE, DELETE", _TABLE)
    return made
