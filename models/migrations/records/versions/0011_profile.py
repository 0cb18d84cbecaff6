"""What families say about a client on the profile page."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("client") as table:
        table.add_column(sa.Column("spoken", sa.String(), nullable=False, server_default=""))
        table.add_column(sa.Column("needs", sa.String(), nullable=False, server_default=""))


def downgrade() -> None:
    with op.batch_alter_table("client") as table:
        table.drop_column("needs")
        table.drop_column("spoken")
