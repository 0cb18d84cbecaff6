"""A completed form on paper, with its texts, questions and answers (row Y20)."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from gateway.portal.intake.answers import in_words
from gateway.portal.intake.questions import QuestionKind, in_language, read_questions, shown
from gateway.web.formats import clock_time, day
from gateway.web.language import _, speaking
from gateway.web.pdf import Paper

if TYPE_CHECKING:
    from typing import Any

    from gateway.portal.intake.questions import Question
    from models.tables.records import Form, Practice


def write_paper(form: Form, practice: Practice, client_name: str, filler_name: str) -> bytes:
    """The completed form as a PDF, in the language in which it was filled in; its signature is the document's."""
    with speaking(form.language):
        title = in_language(form.titles or {"en": form.title}, form.language)
        paper = Paper(practice.name, practice.letterhead, title, language=form.language)
        about = [(_("Client"), client_name), (_("Filled in by"), filler_name)]
        if form.completed_on is not None:
            about.append((_("Completed on"), day(form.completed_on)))
        paper.facts(about)
        answered: list[tuple[str, str]] = []
        for question in shown(read_questions(form.questions), form.answers):
            if question.asks and question.kind is not QuestionKind.LONG_TEXT:
                answered.append(_answered(question, form))
                continue
            paper.facts(answered)
            answered = []
            if question.asks:  # A long text may run over several pages, which a row of a table may not.
                paper.paragraph("\n".join(_answered(question, form)))
                continue
            if heading := in_language(question.label, form.language):
                paper.heading(heading)
            for paragraph in paragraphs(question, form.language):
                paper.paragraph(paragraph)
        paper.facts(answered)
        return paper.bytes()


def paragraphs(question: Question, language: str) -> list[str]:
    """The paragraphs of a section or text, which empty lines separate."""
    text = in_language(question.help, language)
    return [part for part in (block.strip() for block in text.split("\n\n")) if part]


def signed_at(signature: dict[str, Any], zone: str) -> str:
    """When it was signed, on the practice's clock."""
    at = datetime.fromisoformat(signature["signed_at"]).astimezone(ZoneInfo(zone))
    return f"{day(at.date())}, {clock_time(at)}"


def _answered(question: Question, form: Form) -> tuple[str, str]:
    label = in_language(question.label, form.language)
    if question.kind is QuestionKind.ACKNOWLEDGEMENT:
        return in_words(question, form.answers.get(question.id), form.language) or _("Not confirmed"), label
    return label, in_words(question, form.answers.get(question.id), form.language) or _("No answer")
