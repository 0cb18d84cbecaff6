"""The access data as first kept: each table a history, one current row for each thing."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from models.migrations.access.row_security import allow, create_role, protect

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_JSON = sa.JSON().with_variant(JSONB(), "postgresql")
_OPEN = sa.text("valid_to IS NULL")
_TABLES = (
    "accounts",
    "practices",
    "practice_switches",
    "clients",
    "client_switches",
    "staff",
    "assignments",
    "grants",
    "withholds",
    "blocks",
    "emergency_accesses",
    "resources",
)


def upgrade() -> None:
    create_role()
    _history("accounts", _text("id"), _text("state"), current=("id",))
    _history(
        "practices",
        _text("practice_id"),
        _text("zone"),
        _number("teen_from"),
        _number("adult_from"),
        _text("plan_audience"),
        _flag("contacts_allowed"),
        _flag("card_processing"),
        _flag("second_factor"),
        _flag("staff_second_factor"),
        _number("notice_hours"),
        current=("practice_id",),
    )
    _history(
        "practice_switches",
        _text("practice_id"),
        _text("feature"),
        _flag("is_on"),
        current=("practice_id", "feature"),
    )
    _history(
        "clients",
        _text("id"),
        _text("practice_id"),
        sa.Column("born", sa.Date(), nullable=False),
        _text("self_managing"),
        _text("assent"),
        _flag("active"),
        current=("id",),
        search=("practice_id",),
    )
    _history(
        "client_switches",
        _text("practice_id"),
        _text("client_id"),
        _text("feature"),
        _flag("is_on"),
        current=("client_id", "feature"),
    )
    _history(
        "staff",
        _text("id"),
        _text("practice_id"),
        _text("state"),
        sa.Column("roles", _JSON, nullable=False),
        _flag("subscribed"),
        _flag("may_invite"),
        _flag("available"),
        current=("id",),
        search=("practice_id",),
    )
    _history(
        "assignments",
        _text("practice_id"),
        _text("staff_id"),
        _text("client_id"),
        current=("staff_id", "client_id"),
        search=("practice_id", "client_id"),
    )
    _history(
        "grants",
        _text("id"),
        _text("practice_id"),
        _text("account_id"),
        _text("client_id"),
        _text("kind"),
        _text("status"),
        sa.Column("starts", sa.Date(), nullable=True),
        sa.Column("until", sa.Date(), nullable=True),
        _text("proof"),
        sa.Column("toggles", _JSON, nullable=False),
        current=("id",),
        search=("account_id", "client_id"),
    )
    _history(
        "withholds",
        _text("practice_id"),
        _text("account_id"),
        _text("client_id"),
        _text("resource_type"),
        _text("resource_id"),
        current=("account_id", "client_id", "resource_type", "resource_id"),
    )
    _history(
        "blocks",
        _text("practice_id"),
        _text("account_id"),
        _text("client_id"),
        current=("account_id", "client_id"),
        search=("client_id",),
    )
    _history(
        "emergency_accesses",
        _text("id"),
        _text("practice_id"),
        _text("staff_id"),
        _text("client_id"),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until_at", sa.DateTime(timezone=True), nullable=False),
        current=("id",),
        search=("client_id",),
    )
    _history(
        "resources",
        _text("practice_id"),
        _text("resource_type"),
        _text("resource_id"),
        _text("client_id", nullable=True),
        sa.Column("properties", _JSON, nullable=False),
        current=("resource_type", "resource_id"),
        search=("client_id",),
    )
    op.create_table(
        "seeds",
        _text("world"),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("seeded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("world", name="pk_seeds"),
    )
    allow("SELECT, INSERT", "seeds")


def downgrade() -> None:
    for table in ("seeds", *_TABLES):
        op.drop_table(table)


def _history(name: str, *columns: sa.Column[Any], current: tuple[str, ...], search: tuple[str, ...] = ()) -> None:
    op.create_table(
        name,
        sa.Column("key", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_to", sa.DateTime(timezone=True), nullable=True),
        _number("version"),
        _text("changed_by"),
        _text("reason", nullable=True),
        *columns,
        sa.PrimaryKeyConstraint("key", name=f"pk_{name}"),
    )
    op.create_index(f"uq_{name}_current", name, list(current), unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN)
    for column in search:
        op.create_index(f"ix_{name}_{column}", name, [column, "valid_to"])
    if any(column.name == "practice_id" for column in columns):
        protect(name)
    # Only the end of a row is ever set: the database holds the service to that.
    allow("SELECT, INSERT, UPDATE (valid_to)", name, sequences=(f"{name}_key_seq",))


def _text(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.String(), nullable=nullable)


def _number(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Integer(), nullable=False)


def _flag(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Boolean(), nullable=False)
