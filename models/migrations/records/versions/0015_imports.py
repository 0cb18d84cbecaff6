"""Imports under way and done, and exports."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from models.migrations.records.row_security import protect

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)
_JSON = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "import_job",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("practice_id", sa.String(), nullable=False),
        sa.Column("once", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("file_name", sa.String(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("options", _JSON, nullable=False),
        sa.Column("plan", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("problem", sa.String(), nullable=False),
        sa.Column("counts", _JSON, nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("made_at", _INSTANT, nullable=False),
        sa.Column("started_by", sa.String()),
        sa.Column("started_amr", sa.String(), nullable=False),
        sa.Column("started_at", _INSTANT),
        sa.Column("placed_at", _INSTANT),
        sa.Column("finished_at", _INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_import_job"),
        sa.UniqueConstraint("once", name="uq_import_job_once"),
    )
    op.create_index("ix_import_job_practice_id", "import_job", ["practice_id"])
    op.create_table(
        "export_done",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("practice_id", sa.String(), nullable=False),
        sa.Column("done_by", sa.String(), nullable=False),
        sa.Column("done_at", _INSTANT, nullable=False),
        sa.Column("with_files", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_export_done"),
    )
    op.create_index("ix_export_done_practice_id", "export_done", ["practice_id"])
    protect("import_job", "export_done")


def downgrade() -> None:
    op.drop_table("export_done")
    op.drop_table("import_job")
