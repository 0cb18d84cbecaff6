"""A bundle is read word by word without a letter lost, and what is said of a rule is what taking it out shows."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authz_service.engine import BundleError, load_policy
from authz_service.engine.facts_file import read_facts
from authz_service.workbench.exercise import exercises
from authz_service.workbench.marking import mark_polar, mark_yaml
from authz_service.workbench.reading import Reading, Sort
from authz_service.workbench.study import readers, study
from authz_service.workbench.suites import read_cases, run
from tests.engine.bundles import FILES, write_files
from tests.workbench.conftest import AUTHZEN, POLICIES

if TYPE_CHECKING:
    from authz_service.engine import Policy
    from authz_service.workbench.marking import Lines

NAMES = ("ours", "small", "todo", "gateway", "records")
FACTS = read_facts(FILES["facts.yaml"])
# Whatever a file may hold, with the signs that mean something more often than chance has it.
TEXTS = st.lists(
    st.sampled_from(
        ["permit", "(", ")", '"', "'", "#", "\n", ".", "rep.kind", " ", ";", "if", "\\", "- ", ": ", "{", "]"]
    )
    | st.text(max_size=4),
    max_size=40,
).map("".join)
BROKEN = re.compile(r"the invariant (\S+) does not hold")


def joined(lines: Lines) -> str:
    return "\n".join("".join(piece.text for piece in line) for line in lines)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    small = write_files(tmp_path_factory.mktemp("small"), FILES)
    return {"ours": POLICIES, "small": small, **{name: AUTHZEN / name for name in NAMES[2:]}}


@pytest.fixture
def reading(request: pytest.FixtureRequest, bundles: dict[str, Policy], folders: dict[str, Path]) -> Reading:
    return Reading(bundles[request.param], folders[request.param])


each_bundle = pytest.mark.parametrize("reading", NAMES, indirect=True)


@each_bundle
def test_no_letter_is_lost_and_every_rule_is_linked_where_it_stands(
    reading: Reading, folders: dict[str, Path], request: pytest.FixtureRequest
) -> None:
    folder = folders[request.node.callspec.params["reading"]]
    for name, file in reading.files.items():
        assert joined(file.lines) == (folder / name).read_text().removesuffix("\n"), name
    for rule in reading.policy.rules.values():
        passages = reading.passages(rule.id)
        assert (passages[0].file, passages[0].first <= rule.line <= passages[0].last) == (rule.file, True)
        head = [piece for line in reading.files[rule.file].lines[rule.line - 1 :] for piece in line]
        assert next(piece.rule for piece in head if piece.kind == "rule") == rule.id


@each_bundle
def test_every_fact_that_a_rule_depends_on_is_named_in_its_text_or_in_a_helper(reading: Reading) -> None:
    """What the links show is no less than what the diagrams read."""
    found = readers(reading.policy)
    for rule in reading.policy.rules.values():
        texts = [(each.file, each.first, each.last) for each in reading.passages(rule.id)]
        called = {helper.predicate for helper in reading.helpers_of(rule.id)}
        texts += [
            (clause.file, clause.line, max(token.line for token in (*clause.head, *clause.body)))
            for clause in reading.clauses
            if clause.predicate in called
        ]
        named = {
            piece.fact
            for file, first, last in texts
            for line in reading.files[file].lines[first - 1 : last]
            for piece in line
        }
        assert {base for base, rules in found.items() if rule.id in rules} <= named, rule.id


@given(text=TEXTS)
@settings(max_examples=300, deadline=None)
def test_a_text_that_is_no_policy_is_marked_letter_for_letter_too(text: str) -> None:
    assert joined(mark_polar(text, "x.polar", FACTS, {})) == text.removesuffix("\n")
    assert joined(mark_yaml(text, {"subject.kind"})) == text.removesuffix("\n")


def test_what_each_word_is() -> None:
    (line,) = mark_polar(
        'forbid(rep: Representative, "view", i: Invoice, "a.b") if rep.kind != "x"; # no', "a", FACTS, {}
    )
    looks = {piece.text: piece.kind for piece in line if piece.kind}
    assert looks == {
        "forbid": "effect",
        "Representative": "class",
        '"view"': "text",
        "Invoice": "class",
        '"a.b"': "rule",
        "if": "keyword",
        "kind": "fact",
        '"x"': "text",
        "# no": "comment",
    }
    (line,) = mark_yaml("    when: {subject.kind: [self, 'x'], resource.none: true} # why", {"subject.kind"})
    assert [(piece.text, piece.fact) for piece in line if piece.fact] == [("subject.kind", "subject.kind")]
    assert line[-1].kind == "comment"
    (line,) = mark_yaml("  says: who, and: why # this", {"subject.kind"})
    assert [(piece.text, piece.kind) for piece in line] == [
        ("  ", None),
        ("says", "key"),
        (":", "sign"),
        (" who, and: why", "text"),
        (" ", None),
        ("# this", "comment"),
    ]


def test_ours_is_read_in_the_order_of_the_guide(bundles: dict[str, Policy]) -> None:
    files = list(Reading(bundles["ours"], POLICIES).files.values())
    assert [file.name for file in files[:3]] == ["main.polar", "features.polar", "representatives/self.polar"]
    assert [file.sort for file in files[-2:]] == [Sort.INVARIANTS, Sort.FACTS]
    layers = [Path(file.name).stem for file in files if file.name.startswith("limits/")]
    assert layers == ["platform", "practice", "client", "grant", "item", "person"]
    assert all(file.says and "yaml-language-server" not in file.says for file in files)


@pytest.mark.parametrize("name", NAMES[1:])
def test_an_invariant_rests_on_a_rule_exactly_when_it_breaks_without_it(
    bundles: dict[str, Policy], folders: dict[str, Path], tmp_path: Path, name: str
) -> None:
    policy = bundles[name]
    reading = Reading(policy, folders[name])
    compared = 0
    for rule_id in policy.rules:
        copy = tmp_path / rule_id.replace("/", "_")
        files = {file: (folders[name] / file).read_text().split("\n") for file in reading.files}
        for passage in reversed(reading.passages(rule_id)):
            files[passage.file][passage.first - 1 : passage.last] = [""] * (passage.last - passage.first + 1)
        try:
            load_policy(write_files(copy, {file: "\n".join(lines) for file, lines in files.items()}))
            broken: set[str] = set()
        except BundleError as error:
            broken = {match[1] for match in map(BROKEN.search, map(str, error.problems)) if match}
            if not broken:
                continue  # Refused before its invariants were looked at.
        assert {invariant.id for invariant in study(policy, rule_id).resting} == broken, rule_id
        compared += 1
    assert compared


@pytest.mark.parametrize("name", ["todo", "gateway", "records"])
def test_the_suites_that_exercise_a_rule_are_those_that_reach_it(bundles: dict[str, Policy], name: str) -> None:
    policy = bundles[name]
    cases = read_cases(policy, AUTHZEN / name / "suites")
    found = exercises(policy, cases)
    alone = {rule_id for rule_id, suites in found.items() if any(suite.alone for suite in suites)}
    assert alone == run(policy, cases).coverage.alone
    for suites in found.values():
        assert all(suite.example for suite in suites if suite.alone)
        assert all(0 <= suite.alone <= suite.cells for suite in suites)


def test_a_search_needs_every_word_and_says_when_there_is_more(bundles: dict[str, Policy]) -> None:
    reading = Reading(bundles["ours"], POLICIES)
    found = reading.search("INVOICE payer", 5)
    assert found.rules
    assert all("invoice" in f"{rule.id} {rule.says}".lower() for rule in found.rules)
    assert not reading.search("invoice", 1).complete
    assert reading.search("  ", 5).complete
    assert not reading.search("  ", 5).lines
