"""What a partial situation leaves open: always, sometimes and never are what asking every situation finds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from authz_service.workbench.lookup import FixingError, read_fixed, what, who
from authz_service.workbench.lookup_report import as_json, what_text, who_text
from authz_service.workbench.questions import keys_of
from tests.workbench.brute import answers, fits, situations

if TYPE_CHECKING:
    from collections.abc import Mapping

    from authz_service.engine import Policy
    from authz_service.engine.build import QuestionKey
    from authz_service.workbench.lookup import Possibility
    from authz_service.workbench.terms import Term

SMALL = ["small", "todo", "gateway", "records"]
# bundle, what is fixed
FIXED = [
    *((name, []) for name in SMALL),
    ("small", ["subject.kind=payer"]),
    ("small", ["subject.kind=self,guardian", "resource.state=open"]),
    ("small", ["subject.role=biller"]),
    ("small", ["subject.kind=self", "resource.addressee=client,me"]),
    ("todo", ["subject.role.admin=true"]),
    ("gateway", ["resource.template=/todos"]),
    ("records", ["resource.owner=me"]),
]


def assert_told(policy: Policy, found: Possibility, needs: tuple[Term, ...], given: Term) -> None:
    ask = answers(policy, found.question)
    allowed = space = 0
    for situation in situations(found.question, policy):
        answer = ask(situation)
        if answer is None or not fits(given, situation):
            continue
        space += 1
        allowed += answer
        if found.cell.answer is None:
            met = all(any(fits({n: v}, situation) for n, v in clause.items()) for clause in (*needs, *found.cell.every))
            met = met and (not found.cell.some or any(fits(term, situation) for term in found.cell.some))
            assert met is answer, (found, situation)
        else:
            assert answer is found.cell.answer
    assert (found.situations, found.space) == (allowed, space)


@pytest.mark.parametrize(("name", "given"), FIXED, ids=str)
def test_what_may_be_done_is_what_asking_finds(bundles: dict[str, Policy], name: str, given: list[str]) -> None:
    """Every question with all the fixed facts is listed once, with exact counts and conditions."""
    policy = bundles[name]
    fixed = read_fixed(policy, given)
    found = {one.question: (one, lookup) for lookup in what(policy, fixed) for one in lookup.possibilities}
    assert set(found) == {key for key in keys_of(policy) if facts_of(policy, key).issuperset(fixed)}
    for one, lookup in found.values():
        assert_told(policy, one, lookup.needs, fixed)


@pytest.mark.parametrize(
    ("name", "asked", "given"),
    [
        ("small", ("view", "invoice"), ["resource.addressee=client"]),
        ("small", ("view", "service_plan"), ["subject.pending=false"]),
        ("todo", ("can_delete_todo", "todo"), ["resource.owner=me"]),
        ("gateway", ("PUT", "route"), []),
        ("records", ("edit", "record"), ["resource.department=own"]),
    ],
    ids=str,
)
def test_who_may_do_something_is_what_asking_finds(
    bundles: dict[str, Policy], name: str, asked: tuple[str, str], given: list[str]
) -> None:
    """Each value of the telling fact that can occur is listed once."""
    policy = bundles[name]
    fixed = read_fixed(policy, given)
    for lookup in who(policy, asked, fixed):
        facts = [fact for fact in policy.subject_slots(lookup.subject_type) if lookup.by in (fact.name, fact.base)]
        for one in lookup.possibilities:
            alone: Mapping[str, tuple[bool | str, ...]] = {fact.name: (fact.parameter == one.head,) for fact in facts}
            head = dict(alone) if len(facts) > 1 else {facts[0].name: (one.head,)}
            assert_told(policy, one, lookup.needs, {**fixed, **head})


def facts_of(policy: Policy, key: QuestionKey) -> set[str]:
    question = policy.question(*key)
    assert question is not None
    return {fact.name for fact in (*question.subject_slots, *question.resource_slots)}


def test_of_our_own_bundle_the_promises_are_told(ours: Policy) -> None:
    """A co-parent never reaches the service plan; only the emergency contact reaches the client's invoices."""
    told = what_text(what(ours, read_fixed(ours, ["subject.kind=co_parent"])))
    assert "view service_plan" in told.partition("  never: ")[2]
    [account, _] = who(ours, ("view", "invoice"), read_fixed(ours, ["resource.addressee=client"]))
    assert [one.head for one in account.possibilities if one.cell.answer is None] == ["emergency_contact"]
    assert "self" not in {one.head for one in account.possibilities}
    assert "never: guardian, co_parent, payer" in who_text([account])
    assert '"allowed": "never"' in as_json([account])


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (["subject.knd=self"], r"subject.knd is no declared fact \(did you mean subject.kind\?\)"),
        (["subject.kind=slf"], r"slf is no value of subject.kind \(did you mean self\?\)"),
        (["subject.kind="], "nothing is no value of subject.kind"),
        (["subject.kind"], "fixes nothing; write fact=value"),
        (["subject.kind=self", "subject.kind=payer"], "subject.kind is fixed twice"),
        (["subject.kind=self", "resource.addressee=client"], "no situation that can occur"),
        (["subject.kind=self", "subject.role=biller"], "no subject type has all of subject.kind, subject.role"),
    ],
)
def test_a_partial_situation_that_is_none_is_refused(
    bundles: dict[str, Policy], given: list[str], sentence: str
) -> None:
    with pytest.raises(FixingError, match=sentence):
        what(bundles["small"], read_fixed(bundles["small"], given))


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [(("veiw", "invoice"), "did you mean view"), (("view", "invoce"), "did you mean invoice")],
)
def test_a_question_that_does_not_exist_is_refused(
    bundles: dict[str, Policy], asked: tuple[str, str], sentence: str
) -> None:
    with pytest.raises(FixingError, match=sentence):
        who(bundles["small"], asked, {})
