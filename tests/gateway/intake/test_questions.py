"""What a form asks, what it takes for an answer, and what an editor may do to it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import FormData

from gateway.admin import form_drafts
from gateway.admin.form_drafts import Draft
from gateway.portal.intake.answers import field_name, read_answer, troubles
from gateway.portal.intake.questions import (
    Option,
    Question,
    QuestionKind,
    ShowIf,
    SignerRule,
    TemplateError,
    Visibility,
    faults,
    read_questions,
    shown,
    steps_of,
    write_questions,
)
from gateway.portal.intake.standard import STANDARD, standard_forms

FORMS = standard_forms("northgate", effective_on=date(2026, 1, 1), now=datetime(2026, 1, 1, tzinfo=UTC))
YES = ShowIf("first", ("yes",))


def question(key: str, kind: QuestionKind = QuestionKind.YES_NO, **values: Any) -> Question:
    return Question(key, kind, {"en": key}, **values)


@pytest.mark.parametrize("name", STANDARD)
def test_the_standard_forms_are_whole_in_both_languages(name: str) -> None:
    questions = read_questions(FORMS[name].questions)
    assert faults(questions) == []
    assert write_questions(questions) == FORMS[name].questions
    for one in questions:
        texts = (one.label, one.help, *(option.label for option in one.options))
        assert all(set(text) == {"en", "es"} for text in texts if text), one.id


@pytest.mark.parametrize(
    "words",
    [
        "THIS NOTICE DESCRIBES HOW MEDICAL INFORMATION ABOUT YOU MAY BE USED",
        "Treatment.",
        "Payment.",
        "psychotherapy notes",
        "marketing",
        "sale of your information",
        "tell you if a breach",
        "look at your record",
        "amend",
        "paid for a service yourself in full",
        "list of those to whom we disclosed",
        "paper copy of this notice",
        "Secretary of the U.S. Department of Health and Human Services",
        "Nobody will treat you worse",
        "In effect from {effective}",
        "42 CFR part 2",
    ],
)
def test_the_notice_of_privacy_practices_says_what_the_law_asks_for(words: str) -> None:
    assert words in str(FORMS["privacy"].questions)


ANSWERS = [
    ("short_text", "x" * 200, True),
    ("short_text", "x" * 201, False),
    ("long_text", "x" * 4001, False),
    ("date", "2026-02-28", True),
    ("date", "2026-02-30", False),
    ("date", "yesterday", False),
    ("number", "3", True),
    ("number", "-2,5", True),
    ("number", "three", False),
    ("phone", "(555) 0120-101", True),
    ("phone", "0120", False),
    ("phone", "call me maybe", False),
    ("email", "rosa@mail.example", True),
    ("email", "rosa@mail", False),
    ("email", "rosa mail.example", False),
    ("yes_no", None, False),
    ("acknowledgement", None, False),
    ("acknowledgement", True, True),
    ("address", {"line1": "22 Alder Street", "city": "Mill Harbor", "state": "CA", "zip": "94999"}, True),
    ("address", {"line1": "22 Alder Street", "city": "Mill Harbor", "state": "CA", "zip": "949"}, False),
    ("address", {"line1": "22 Alder Street"}, False),
]


@pytest.mark.parametrize(("kind", "answer", "fits"), ANSWERS)
def test_an_answer_is_taken_or_named(kind: str, answer: Any, fits: bool) -> None:
    asked = [question("q", QuestionKind(kind), required=True)]
    found = troubles(asked, {"q": answer} if answer is not None else {}, asked)
    assert (found == []) is fits
    assert all(trouble.field.startswith("q.q") and trouble.sentence for trouble in found)


def test_what_is_not_asked_is_not_missing() -> None:
    asked = [question("first"), question("second", show_if=YES, required=True)]
    assert troubles(asked, {"first": "no"}, asked) == []
    assert [trouble.question.id for trouble in troubles(asked, {"first": "yes"}, asked)] == ["second"]


def test_what_depends_on_a_question_that_is_not_asked_is_not_asked_either() -> None:
    asked = [
        question("first"),
        question("second", show_if=YES),
        question("third", show_if=ShowIf("second", ("yes",))),
        question("part", QuestionKind.SECTION, show_if=YES),
        question("fourth"),
        question("rest", QuestionKind.SECTION),
        question("fifth"),
    ]
    answers = {"first": "no", "second": "yes", "third": "yes"}
    assert [one.id for one in shown(asked, answers)] == ["first", "rest", "fifth"]
    assert len(shown(asked, answers | {"first": "yes"})) == len(asked)


def test_a_choice_that_is_not_offered_is_no_answer() -> None:
    asked = question("q", QuestionKind.SEVERAL_OF, options=(Option("a", {"en": "A"}), Option("b", {"en": "B"})))
    form = FormData([(field_name("q"), "b"), (field_name("q"), "evil"), (field_name("q"), "a")])
    assert read_answer(asked, form) == ["a", "b"]


@pytest.mark.parametrize(
    ("questions", "sentence"),
    [
        ([question("a", QuestionKind.SECTION)], "no question yet"),
        ([question("a"), question("a")], "same name"),
        ([Question("a", QuestionKind.YES_NO, {"es": "solo"})], "in English"),
        ([question("a", QuestionKind.ONE_OF)], "at least two answers"),
        ([question("a", show_if=ShowIf("b", ("yes",))), question("b")], "does not stand before it"),
        ([question("a"), question("b", show_if=ShowIf("a", ("maybe",)))], "Choose the answers"),
    ],
)
def test_what_cannot_be_asked_is_not_published(questions: list[Question], sentence: str) -> None:
    assert any(sentence in fault.sentence for fault in faults(questions))


@pytest.mark.parametrize(
    "kept", [{}, {"id": "A b", "kind": "date"}, {"id": "a", "kind": "song"}, {"id": "a", "kind": "date", "label": "x"}]
)
def test_questions_that_cannot_be_read_are_an_error(kept: dict[str, Any]) -> None:
    with pytest.raises(TemplateError):
        read_questions([kept])


def draft() -> Draft:
    questions = read_questions(FORMS["consent"].questions)
    return Draft({"en": "Consent"}, questions, SignerRule.FILLER, Visibility.FILLER, date(2026, 1, 1))


@given(st.lists(st.tuples(st.sampled_from(["up", "down", "section_up", "section_down"]), st.integers(0, 30))))
def test_moving_loses_no_question(acts: list[tuple[str, int]]) -> None:
    moved = draft()
    for act, place in acts:
        steps = steps_of(moved.questions)
        number = place % len(steps) + 1
        by = -1 if act.endswith("up") else 1
        inside = steps[number - 1].questions
        if act.startswith("section"):
            moved = form_drafts.move_section(moved, number, by)
        elif inside:
            moved = form_drafts.move_question(moved, number, inside[place % len(inside)].id, by)
    assert sorted(one.id for one in moved.questions) == sorted(one.id for one in draft().questions)


def test_a_page_of_the_editor_sent_back_unchanged_changes_nothing() -> None:
    before = draft()
    for step in steps_of(before.questions):
        fields: list[tuple[str, str]] = []
        for one in (*([step.section] if step.section else []), *step.questions):
            fields += [("id", one.id), (f"{one.id}.kind", one.kind.value)]
            fields += [(f"{one.id}.label_{code}", text) for code, text in one.label.items()]
            fields += [(f"{one.id}.help_{code}", text) for code, text in one.help.items()]
            for code in ("en", "es"):
                lines = "\r\n".join(option.label[code] for option in one.options)
                fields.append((f"{one.id}.options_{code}", lines))
            if one.required:
                fields.append((f"{one.id}.required", "yes"))
            if one.show_if:
                fields += [(f"{one.id}.show_if", f"{one.show_if.question}={value}") for value in one.show_if.values]
        after = form_drafts.read_step(before, step.number, FormData(fields))
        assert [_stripped(one) for one in write_questions(after.questions)] == [
            _stripped(one) for one in write_questions(before.questions)
        ]


def _stripped(kept: dict[str, Any]) -> dict[str, Any]:
    texts = {name: kept.get(name, {}) for name in ("label", "help")}
    return kept | {name: {code: words.strip() for code, words in text.items()} for name, text in texts.items()}
