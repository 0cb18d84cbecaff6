"""Messages in a table of their own, what has been read of them, and mail to the owner of a practice."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from models.migrations.records.row_security import protect

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_JSON = sa.JSON().with_variant(JSONB(), "postgresql")
_INSTANT = sa.DateTime(timezone=True)
_MESSAGE = sa.table(
    "message",
    *(
        sa.column(name)
        for name in ("id", "practice_id", "client_id", "thread_id", "number", "from_type", "from_id", "text", "key")
    ),
    sa.column("sent_at", _INSTANT),
)
_READ = sa.table(
    "message_read",
    *(sa.column(name) for name in ("thread_id", "reader_type", "reader_id", "practice_id", "up_to", "noticed")),
)
_THREAD = sa.table(
    "thread",
    *(sa.column(name) for name in ("id", "practice_id", "client_id", "provider_id", "last_number")),
    *(sa.column(name, _JSON) for name in ("participant_ids", "messages")),
    sa.column("last_at", _INSTANT),
)


def upgrade() -> None:
    op.create_table(
        "message",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("practice_id", sa.String(), nullable=False),
        sa.Column("client_id", sa.String(), nullable=False),
        sa.Column("thread_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("from_type", sa.String(), nullable=False),
        sa.Column("from_id", sa.String(), nullable=False),
        sa.Column("sent_at", _INSTANT, nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("file_id", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_message"),
        sa.UniqueConstraint("thread_id", "number", name="uq_message_thread_id_number"),
        sa.UniqueConstraint("from_type", "from_id", "key", name="uq_message_from_type_from_id_key"),
    )
    op.create_table(
        "message_read",
        sa.Column("thread_id", sa.String(), nullable=False),
        sa.Column("reader_type", sa.String(), nullable=False),
        sa.Column("reader_id", sa.String(), nullable=False),
        sa.Column("practice_id", sa.String(), nullable=False),
        sa.Column("up_to", sa.Integer(), nullable=False),
        sa.Column("noticed", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("thread_id", "reader_type", "reader_id", name="pk_message_read"),
    )
    op.create_table(
        "owner_email",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("practice_id", sa.String(), nullable=False),
        sa.Column("client_id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("sent_at", _INSTANT, nullable=False),
        sa.Column("owner_ids", _JSON, nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_owner_email"),
        sa.UniqueConstraint("account_id", "key", name="uq_owner_email_account_id_key"),
    )
    op.create_index("ix_owner_email_client_id", "owner_email", ["client_id"])
    protect("message", "message_read", "owner_email")
    op.add_column("thread", sa.Column("last_number", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("thread", sa.Column("last_at", _INSTANT, nullable=True))
    _each_practice(_take_out)
    with op.batch_alter_table("thread") as batch:
        batch.alter_column("last_number", server_default=None, existing_type=sa.Integer(), existing_nullable=False)
        batch.alter_column("last_at", nullable=False, existing_type=_INSTANT)
        batch.drop_column("messages")


def downgrade() -> None:
    op.add_column("thread", sa.Column("messages", _JSON, nullable=False, server_default="[]"))
    _each_practice(_put_back)
    with op.batch_alter_table("thread") as batch:
        batch.alter_column("messages", server_default=None, existing_type=_JSON, existing_nullable=False)
        batch.drop_column("last_number")
        batch.drop_column("last_at")
    for table in ("owner_email", "message_read", "message"):
        op.drop_table(table)


def _each_practice(move: Any) -> None:
    """Row security binds the owner of the tables too: rows are moved one practice at a time."""
    connection = op.get_bind()
    for (practice_id,) in connection.execute(sa.text("SELECT id FROM practice")).all():
        if connection.dialect.name == "postgresql":
            connection.execute(sa.text("SELECT set_config('kinguard.practice', :id, true)"), {"id": practice_id})
        for thread in connection.execute(sa.select(_THREAD).where(_THREAD.c.practice_id == practice_id)).mappings():
            move(connection, thread)


def _take_out(connection: sa.Connection, thread: sa.RowMapping) -> None:
    written = thread["messages"] or []
    rows = [
        {
            "id": f"{thread['id']}_{number}",
            "practice_id": thread["practice_id"],
            "client_id": thread["client_id"],
            "thread_id": thread["id"],
            "number": number,
            "from_type": _type(thread, message["from"]),
            "from_id": message["from"],
            "sent_at": datetime.fromisoformat(message["at"]),
            "text": message["text"],
            "key": f"{thread['id']}_{number}",
        }
        for number, message in enumerate(written, 1)
    ]
    if rows:
        connection.execute(sa.insert(_MESSAGE), rows)
    readers = [
        {
            "thread_id": thread["id"],
            "reader_type": _type(thread, each),
            "reader_id": each,
            "practice_id": thread["practice_id"],
            "up_to": len(rows),
            "noticed": len(rows),
        }
        for each in thread["participant_ids"]
    ]
    if readers:
        connection.execute(sa.insert(_READ), readers)
    last_at = rows[-1]["sent_at"] if rows else datetime.fromtimestamp(0, UTC)
    connection.execute(
        sa.update(_THREAD).where(_THREAD.c.id == thread["id"]).values(last_number=len(rows), last_at=last_at)
    )


def _put_back(connection: sa.Connection, thread: sa.RowMapping) -> None:
    chosen = sa.select(_MESSAGE).where(_MESSAGE.c.thread_id == thread["id"]).order_by(_MESSAGE.c.number)
    written = [
        {"from": row["from_id"], "at": row["sent_at"].strftime("%Y-%m-%dT%H:%M:%SZ"), "text": row["text"]}
        for row in connection.execute(chosen).mappings()
    ]
    connection.execute(sa.update(_THREAD).where(_THREAD.c.id == thread["id"]).values(messages=written))


def _type(thread: sa.RowMapping, participant: str) -> str:
    return "staff" if participant == thread["provider_id"] else "account"
