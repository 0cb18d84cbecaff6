"""Every cell of a matrix says exactly where its question is allowed, and no more than is needed."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import pytest

from authz_service.engine.build import matches_diagram
from authz_service.workbench.matrix import MatrixError, tabulate
from authz_service.workbench.matrix_report import as_csv, as_html, as_text
from authz_service.workbench.terms import clause_diagram
from tests.workbench.brute import answers, fits, situations

if TYPE_CHECKING:
    from collections.abc import Iterable

    from authz_service.engine import Policy, Question
    from authz_service.engine.diagram import Diagram, Diagrams
    from authz_service.workbench.matrix import Cell, Matrix
    from authz_service.workbench.terms import Term

# bundle, subject type, heads (None: the default), group, the number of heads
TABLES = [
    ("ours", "account", None, "subject.toggle", 9),
    ("ours", "staff", "subject.role", None, 6),
    ("ours", "staff", None, None, 2),
    ("small", "account", None, "subject.toggle", 4),
    ("small", "account", "subject.client.age", None, 3),
    ("todo", "user", None, None, 4),
    ("gateway", "identity", None, None, 4),
    ("records", "user", None, None, 3),
]


def told(question: Question, diagrams: Diagrams, needs: Iterable[Term], cell: Cell) -> Diagram:
    """The diagram of what a cell says."""
    if cell.answer is not None:
        return cell.answer

    def clause(term: Term) -> Diagram:
        return clause_diagram(
            diagrams,
            {
                diagrams.levels[name]: [
                    i for value in values if (i := diagrams.index(diagrams.levels[name], value)) is not None
                ]
                for name, values in term.items()
            },
        )

    some = diagrams.any_of(matches_diagram(diagrams, term) for term in cell.some) if cell.some else True
    return diagrams.all_of([some, *(clause(term) for term in (*needs, *cell.every))])


def heads_of(policy: Policy, matrix: Matrix) -> list[Term]:
    facts = [fact for fact in policy.subject_slots(matrix.subject_type) if matrix.by in (fact.name, fact.base)]
    if len(facts) == 1:
        return [{facts[0].name: (value,)} for value in facts[0].values]
    return [{other.name: (other is fact,) for other in facts} for fact in facts]


@pytest.mark.parametrize("table", TABLES, ids=str)
def test_a_cell_and_its_needs_are_the_question_under_its_head(
    bundles: dict[str, Policy], table: tuple[str, str, str | None, str | None, int]
) -> None:
    """Exactly: the same diagram, cell by cell, and what is left out of the table is denied."""
    name, subject, by, group, heads = table
    policy = bundles[name]
    matrix = tabulate(policy, subject, by, group)
    assert len(matrix.heads) == heads
    seen = set(matrix.denied)
    for part in matrix.groups:
        for row in part.rows:
            seen.add((row.action, row.resource_type))
            question = policy.question(subject, row.action, row.resource_type)
            assert question is not None
            diagrams = question.diagrams.scratch()
            possible = diagrams.negate(question.impossible_diagram)
            for head, cell in zip(heads_of(policy, matrix), row.cells, strict=True):
                there = diagrams.both(possible, matches_diagram(diagrams, head))
                needs = (*matrix.needs, *part.needs, *row.needs)
                said = diagrams.both(told(question, diagrams, needs, cell), there)
                assert said is diagrams.both(question.diagram, there), (row.action, row.resource_type, head)
    for action, what in matrix.denied:
        question = policy.question(subject, action, what)
        assert question is not None
        assert question.diagrams.scratch().without(question.diagram, question.impossible_diagram) is False
    assert seen == {(action, what) for what, actions in policy.resource_types.items() for action in actions}


@pytest.mark.parametrize("name", ["small", "todo", "gateway", "records"])
def test_a_cell_is_what_asking_finds(bundles: dict[str, Policy], name: str) -> None:
    """The same, situation by situation, without diagrams."""
    policy = bundles[name]
    subject = policy.subject_types[0]
    matrix = tabulate(policy, subject)
    for part in matrix.groups:
        for row in part.rows:
            key = (subject, row.action, row.resource_type)
            ask = answers(policy, key)
            for situation in situations(key, policy):
                answer = ask(situation)
                for head, cell in zip(heads_of(policy, matrix), row.cells, strict=True):
                    if answer is None or not fits(head, situation):
                        continue
                    if cell.answer is not None:
                        assert answer is cell.answer
                        continue
                    clauses = (*matrix.needs, *part.needs, *row.needs, *cell.every)
                    met = all(any(fits({n: v}, situation) for n, v in clause.items()) for clause in clauses)
                    met = met and (not cell.some or any(fits(term, situation) for term in cell.some))
                    assert answer is met


@pytest.mark.parametrize("table", TABLES, ids=str)
def test_no_part_of_a_cell_can_be_left_out(
    bundles: dict[str, Policy], table: tuple[str, str, str | None, str | None, int]
) -> None:
    """Without any one of its clauses or terms, a cell would say something else."""
    name, subject, by, group, _ = table
    policy = bundles[name]
    matrix = tabulate(policy, subject, by, group)
    for part in matrix.groups:
        for row in part.rows:
            question = policy.question(subject, row.action, row.resource_type)
            assert question is not None
            diagrams = question.diagrams.scratch()
            possible = diagrams.negate(question.impossible_diagram)
            needs = (*matrix.needs, *part.needs, *row.needs)
            for head, cell in zip(heads_of(policy, matrix), row.cells, strict=True):
                there = diagrams.both(possible, matches_diagram(diagrams, head))
                whole = diagrams.both(told(question, diagrams, needs, cell), there)
                for field, parts in (("every", cell.every), ("some", cell.some)):
                    for i in range(len(parts) if len(parts) > (field == "some") else 0):
                        fewer = type(cell)(None, **{field: parts[:i] + parts[i + 1 :]})
                        assert diagrams.both(told(question, diagrams, needs, fewer), there) is not whole


def test_what_is_always_and_what_is_never_is_said_plainly(bundles: dict[str, Policy]) -> None:
    """The table of the Todo scenario, in full."""
    assert (
        as_text(tabulate(bundles["todo"], "user"))
        == """\
user by subject.role

if, and every number: provided that
  resource.owner = me

                        admin  editor  viewer  evil_genius
can_read_user user        yes     yes     yes          yes
can_read_todos todo       yes     yes     yes          yes
can_create_todo todo      yes     yes      no           no
can_update_todo todo       no      if      no          yes
can_delete_todo todo      yes      if      no           no
"""
    )


@pytest.mark.parametrize("name", ["ours", "small", "records"])
def test_csv_has_a_line_for_every_question_and_html_a_row(bundles: dict[str, Policy], name: str) -> None:
    """Every question once, every cell filled; a whole condition needs no other place to be read."""
    policy = bundles[name]
    matrix = tabulate(policy, policy.subject_types[0])
    head, *lines = list(csv.reader(io.StringIO(as_csv(matrix))))
    assert head == ["group", "action", "resource", *matrix.heads]
    asked = {(action, what) for what, actions in policy.resource_types.items() for action in actions}
    assert {(action, what) for _, action, what, *_ in lines} == asked
    assert len(lines) == len(asked)
    assert all(cell for line in lines for cell in line[3:])
    page = as_html(matrix)
    assert page.count('<th scope="row">') == sum(len(group.rows) for group in matrix.groups)
    assert "<script" not in page


@pytest.mark.parametrize(
    ("subject", "by", "group", "piece"),
    [
        ("acount", None, None, "did you mean account"),
        ("account", "subject.knd", None, "did you mean subject.kind"),
        ("account", "resource.state", None, "resource.state is no fact of this subject type"),
        ("account", None, "subject.kind", "subject.kind is no fact with a parameter"),
    ],
)
def test_a_table_that_cannot_be_drawn_is_refused(
    bundles: dict[str, Policy], subject: str, by: str | None, group: str | None, piece: str
) -> None:
    with pytest.raises(MatrixError, match=piece):
        tabulate(bundles["small"], subject, by, group)
