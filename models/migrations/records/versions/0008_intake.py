"""What intake forms keep: templates, answers, and what a form says about its filling in."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from models.migrations.records.row_security import protect

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
_INSTANT = sa.DateTime(timezone=True)
_FORM = sa.table(
    "form", sa.column("id"), sa.column("practice_id"), sa.column("questions", _JSON), sa.column("answers", _JSON)
)


def upgrade() -> None:
    op.create_table(
        "form_template",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("practice_id", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("edits", sa.Integer(), nullable=False),
        sa.Column("title", _JSON, nullable=False),
        sa.Column("questions", _JSON, nullable=False),
        sa.Column("signer_rule", sa.String(), nullable=False),
        sa.Column("visibility", sa.String(), nullable=False),
        sa.Column("effective_on", sa.Date(), nullable=False),
        sa.Column("draft", _JSON, nullable=True),
        sa.Column("retired_at", _INSTANT, nullable=True),
        sa.Column("changed_by", sa.String(), nullable=True),
        sa.Column("changed_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_form_template"),
    )
    op.create_index("ix_form_template_practice_id", "form_template", ["practice_id"])
    op.create_table(
        "form_answer",
        sa.Column("form_id", sa.String(), nullable=False),
        sa.Column("question_id", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("practice_id", sa.String(), nullable=False),
        sa.Column("value", _JSON, nullable=True),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("answered_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("form_id", "question_id", "version", name="pk_form_answer"),
    )
    protect("form_template", "form_answer")
    for column in (
        sa.Column("titles", _JSON, nullable=False, server_default="{}"),
        sa.Column("template_id", sa.String(), nullable=True),
        sa.Column("template_version", sa.Integer(), nullable=True),
        sa.Column("visibility", sa.String(), nullable=False, server_default="filler"),
        sa.Column("language", sa.String(), nullable=False, server_default="en"),
        sa.Column("version", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("answers", _JSON, nullable=False, server_default="{}"),
        sa.Column("ready_at", _INSTANT, nullable=True),
        sa.Column("completed_by", sa.String(), nullable=True),
        sa.Column("signature", _JSON, nullable=True),
        sa.Column("document_id", sa.String(), nullable=True),
        sa.Column("sent_by", sa.String(), nullable=True),
    ):
        op.add_column("form", column)
    _give_the_first_forms_questions()


def _give_the_first_forms_questions() -> None:
    """Forms kept `{"label", "answer"}` before; each becomes a question and, where there is one, its answer."""
    connection = op.get_bind()
    for practice_id in connection.scalars(sa.text("SELECT id FROM practice")).all():
        if connection.dialect.name == "postgresql":  # Row security binds the owner of the tables, too.
            connection.execute(sa.text("SELECT set_config('kinguard.practice', :id, true)"), {"id": practice_id})
        chosen = sa.select(_FORM.c.id, _FORM.c.questions).where(_FORM.c.practice_id == practice_id)
        for form_id, kept in connection.execute(chosen).all():
            labelled = [(f"q{place}", old) for place, old in enumerate(kept, start=1)]
            questions = [{"id": key, "kind": "long_text", "label": {"en": old["label"]}} for key, old in labelled]
            answers = {key: old["answer"] for key, old in labelled if old["answer"]}
            changed = sa.update(_FORM).where(_FORM.c.id == form_id).values(questions=questions, answers=answers)
            connection.execute(changed)


def downgrade() -> None:
    for column in (
        "titles",
        "template_id",
        "template_version",
        "visibility",
        "language",
        "version",
        "answers",
        "ready_at",
        "completed_by",
        "signature",
        "document_id",
        "sent_by",
    ):
        op.drop_column("form", column)
    op.drop_table("form_answer")
    op.drop_table("form_template")
