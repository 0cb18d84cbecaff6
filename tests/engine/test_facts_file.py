"""`facts.yaml` is read strictly: what does not fit is refused at its line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from authz_service.engine.facts import Level, Side
from authz_service.engine.facts_file import read_facts
from tests.engine.bundles import FILES, edited, line_with, refusals

if TYPE_CHECKING:
    from pathlib import Path

FACTS = "facts.yaml"

# old text, new text, a piece of the line that must be named, a piece of the sentence
MISTAKES = {
    "no YAML": ("  staff: {class: Staff}", "  staff: {class: Staff", "resources:", "not valid YAML"),
    "version": ("version: 1", "version: 2", "version: 2", "version must be 1"),
    "unknown key at the top": ("impossible:", "imposible:", "imposible:", "did you mean impossible"),
    "unknown key of a fact": ("    legal: 45", "    leagl: 45", "leagl", "did you mean legal"),
    "unknown key of a type": ("{class: Staff}", "{clas: Staff}", "{clas:", "did you mean class"),
    "key that is missing": ("    values: [biller, therapist]\n", "", "    of: [staff]", "lacks the key values"),
    "fact declared twice": ("  subject.role:", "  subject.kind:", "  subject.kind:\n    of: [staff]", "stands twice"),
    "unknown controlled_by": ("controlled_by: person", "controlled_by: persn", "persn", "did you mean person"),
    "unknown type in of": (
        "    of: [staff]",
        "    of: [staf]",
        "    of: [staf]",
        "staf is no declared subject type (did you mean staff?)",
    ),
    "type of the other side": ("    of: [staff]", "    of: [invoice]", "of: [invoice]", "no declared subject type"),
    "class used twice": ("{class: Staff}", "{class: Representative}", "staff: {class", "belongs to the type account"),
    "class of Polar": ("{class: Staff}", "{class: String}", "String", "cannot be a class"),
    "class that is no name": ("{class: Staff}", "{class: the-staff}", "the-staff", "cannot be a class"),
    "action twice": ("[view, print, pay]", "[view, print, view]", "[view, print, view]", "view stands twice"),
    "no action": ("actions: [view, print]}", "actions: []}", "actions: []", "must not be empty"),
    "value twice": ("[me, client, other]", "[me, client, me]", "[me, client, me]", "me stands twice"),
    "no value": ("values: [biller, therapist]", "values: []", "values: []", "must not be empty"),
    "number as a value": ("[biller, therapist]", "[biller, 7]", "[biller, 7]", "write it in quotes"),
    "yes as a value": ("[biller, therapist]", "[biller, yes]", "[biller, yes]", "write it in quotes"),
    "nothing as a value": ("[biller, therapist]", "[biller, null]", "[biller, null]", "must be a text"),
    "flag among texts": ("[biller, therapist]", "[biller, true]", "[biller, true]", "not both"),
    "values that are no list": ("[biller, therapist]", "biller", "values: biller", "must be a list"),
    "name of a fact": ("  subject.role:", "  subject.my-role:", "my-role", "no name of a fact"),
    "side of a fact": ("  subject.role:", "  context.role:", "context.role", "no name of a fact"),
    "word of Polar as a name": ("  subject.role:", "  subject.cut:", "subject.cut", "word of the Polar language"),
    "hidden name": ("  subject.role:", "  subject._role:", "subject._role", "no name of a fact"),
    "fact inside a fact": ("  subject.role:", "  subject.kind.role:", "  subject.kind:", "cannot contain"),
    "instance declared twice": (
        "  subject.role:",
        "  subject.toggle.invoices:",
        "  subject.toggle(feature)",
        "cannot contain",
    ),
    "parameter without a list": (
        "    parameter: [invoices, service_plan]\n",
        "",
        "    of: [account]\n    values: [true",
        "lacks the key parameter",
    ),
    "impossible fact": ("subject.kind: self,", "subject.knd: self,", "knd: self", "did you mean subject.kind"),
    "impossible value": ("{subject.kind: self,", "{subject.kind: slef,", "slef", "did you mean self"),
    "impossible that never comes up": (
        "{subject.kind: self, resource.addressee: client}",
        "{subject.kind: self, subject.role: biller}",
        "subject.role: biller",
        "no subject has all of these facts",
    ),
    "source of no kind": ("{store: grant.kind}", "{sotre: grant.kind}", "sotre", "did you mean store"),
    "key of a source": ("{property: state,", "{property: state, abov: 0,", "abov", "did you mean above"),
    "value in a source": ("{open: [open, sent],", "{opn: [open, sent],", "{opn:", "did you mean open"),
    "null in a source": ("map_null: draft", "map_null: drft", "drft", "did you mean draft"),
    "value in a match": ("{match: addressee_id, me:", "{match: addressee_id, mee:", "mee:", "did you mean me"),
    "bound in a match": ("me: subject.id", "me: subject.di", "subject.di", "write subject.id"),
}


@pytest.mark.parametrize("label", MISTAKES)
def test_a_mistake_in_facts_yaml_is_refused_at_its_line(tmp_path: Path, label: str) -> None:
    old, new, place, sentence = MISTAKES[label]
    files = edited(FACTS, old, new)
    found = refusals(tmp_path, files)
    line = line_with(files[FACTS], place)
    assert [problem for problem in found if problem.startswith(f"{FACTS}:{line}: ") and sentence in problem], found


def test_facts_keep_the_order_of_the_file_and_parameters_become_facts_of_their_own() -> None:
    facts = read_facts(FILES[FACTS])
    assert facts.problems == []
    assert list(facts.facts) == [
        "subject.kind",
        "subject.pending",
        "subject.client.age",
        "subject.toggle.invoices",
        "subject.toggle.service_plan",
        "subject.role",
        "resource.addressee",
        "resource.state",
    ]
    toggle = facts.facts["subject.toggle.service_plan"]
    assert (toggle.base, toggle.parameter, toggle.key) == ("subject.toggle", "service_plan", "toggle.service_plan")
    assert (toggle.values, toggle.is_flag, toggle.of) == ((True, False), True, ("account",))
    age = facts.facts["subject.client.age"]
    assert (age.controlled_by, age.legal, age.side) == (Level.CLIENT, "45 CFR 164.502(g)(3)", Side.SUBJECT)
    assert facts.facts["resource.addressee"].source == {
        "match": "addressee_id",
        "me": "subject.id",
        "client": "store.self_account",
    }
    assert [fact.key for fact in facts.slots(Side.RESOURCE, "service_plan")] == ["state"]


def test_what_a_fact_does_not_state_has_a_plain_meaning() -> None:
    text = """
version: 1
subjects: {user: {class: User}, robot: {class: Robot}}
resources: {page: {class: Page, actions: [read]}}
facts:
  subject.role: {values: [editor, reader]}
"""
    facts = read_facts(text)
    assert facts.problems == []
    fact = facts.facts["subject.role"]
    assert (fact.of, fact.says, fact.controlled_by, fact.source) == (
        ("user", "robot"),
        "subject.role",
        Level.PLATFORM,
        None,
    )


@pytest.mark.parametrize("text", ["", "[]", "3", "version: 1", "{{", "a: &a [*a]", "facts: {1: 2}", "\t", "- - -"])
def test_text_that_is_no_facts_file_is_refused_and_never_raises(text: str) -> None:
    assert read_facts(text).problems
