"""The three standard forms of every practice, in our own words, in English and Spanish (row Y17)."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from gateway.portal.intake.questions import SignerRule, Visibility, faults, read_questions
from models.tables.intake import FormTemplate

if TYPE_CHECKING:
    from datetime import date, datetime

    from sqlmodel import Session

STANDARD = ("intake", "consent", "privacy")
_FOLDER = Path(__file__).resolve().parent


def add_standard_forms(session: Session, practice_id: str, *, effective_on: date, now: datetime) -> list[FormTemplate]:
    """Add those of the standard forms that the practice does not have, and return the new ones."""
    forms = standard_forms(practice_id, effective_on=effective_on, now=now).values()
    missing = [form for form in forms if session.get(FormTemplate, form.id) is None]
    session.add_all(missing)
    return missing


def standard_forms(practice_id: str, *, effective_on: date, now: datetime) -> dict[str, FormTemplate]:
    """A practice's own copies of the standard forms, published, by their short names; not kept yet."""
    return {name: _form(practice_id, name, effective_on, now) for name in STANDARD}


def _form(practice_id: str, name: str, effective_on: date, now: datetime) -> FormTemplate:
    content = _content(name)
    return FormTemplate(
        id=f"{practice_id}-{name}",
        practice_id=practice_id,
        version=1,
        title=dict(content["title"]),
        questions=[dict(question) for question in content["questions"]],
        signer_rule=SignerRule(content["signer_rule"]).value,
        visibility=Visibility(content["visibility"]).value,
        effective_on=effective_on,
        changed_at=now,
    )


@cache
def _content(name: str) -> dict[str, Any]:
    with (_FOLDER / f"{name}.yaml").open(encoding="utf-8") as stream:
        content: dict[str, Any] = yaml.safe_load(stream)
    wrong = faults(read_questions(content["questions"]))
    if wrong:
        raise ValueError(f"{name}.yaml: {wrong[0].about}: {wrong[0].sentence}")
    return content
