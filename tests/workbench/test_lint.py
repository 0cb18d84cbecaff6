"""`kinguard policy lint` names what loads and is doubtful, and nothing else."""

from __future__ import annotations

import json
import os
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from authz_service.cli.policy import app
from authz_service.engine import BundleError
from authz_service.workbench.linting.conditions import Trial, parts
from authz_service.workbench.linting.declaring import unread_facts
from authz_service.workbench.linting.findings import MEANINGS, Doubt
from authz_service.workbench.mutation_testing import Laboratory
from authz_service.workbench.questions import keys_of, questions
from tests.engine.bundles import write_files
from tests.engine.random_bundles import build_bundle
from tests.workbench.brute import situations
from tests.workbench.conftest import AUTHZEN, POLICIES, ROOT
from tests.workbench.test_rules import held

if TYPE_CHECKING:
    from pathlib import Path

    from authz_service.engine.facts import Fact

BUNDLES = min(20, max(4, int(os.environ.get("KINGUARD_CASES", "1000")) // 1000))

# A bundle about which nothing is doubtful.
CLEAN = {
    "facts.yaml": """\
version: 1
subjects:
  user: {class: User}
resources:
  note: {class: Note, actions: [view, edit]}
  page: {class: Page, actions: [view]}
facts:
  subject.role:
    of: [user]
    values: [reader, writer, guest]
    says: what the person does here
  subject.locked:
    of: [user]
    values: [false, true]
    says: this person's sign-in is locked
  subject.tool(name):
    of: [user]
    parameter: [pen, brush]
    values: [false, true]
    says: the person holds this tool
  resource.owner:
    of: [note]
    values: [me, other]
    says: whose note it is
""",
    "main.polar": "allow(s, a, r) if permit(s, a, r, _) and not forbidden(s, a, r);\n"
    "forbidden(s, a, r) if forbid(s, a, r, _);\n",
    "people.polar": """\
# Readers and writers see notes.
permit(user: User, "view", _note: Note, "people.view") if
    user.role in ["reader", "writer"];

# Writers with a pen or a brush change what is theirs.
permit(user: User, "edit", note: Note, "people.edit") if
    user.role = "writer" and
    holds(user) and
    note.owner = "me";

holds(user: User) if user.tool("pen");
holds(user: User) if user.tool("brush");

# Pages are for all.
permit(_user: User, "view", _page: Page, "people.pages");
""",
    "limits.polar": """\
# Whoever is locked out reaches nothing.
forbid(user: User, _action, _resource, "limits.locked") if
    user.locked;
""",
    "invariants.yaml": """\
version: 1
invariants:
  - id: locked_reach_nothing
    says: Whoever is locked out reaches nothing.
    never: {subject: user, action: any, resource: any, when: {subject.locked: true}}
  - id: guests_change_nothing
    says: Guests change nothing.
    never: {subject: user, action: edit, resource: note, when: {subject.role: [guest, reader]}}
""",
    "suites/people.yaml": """\
version: 1
says: Each rule decides once.
usual: {subject.locked: false, subject.tool.pen: false, subject.tool.brush: false}
people:
  rita: {type: user, facts: {role: reader}}
  will: {type: user, facts: {role: writer, tool.pen: true}}
items:
  own: {type: note, facts: {owner: me}}
  page: {type: page}
cells:
  - {subject: [rita, will], action: view, resource: [own, page]}
  - {subject: will, action: edit, resource: own}
  - {subject: rita, action: view, resource: page, facts: {subject.locked: true}, expect: denied}
""",
}

ADMIN = (
    '\n# Writers see notes.\npermit(user: User, "view", _note: Note, "people.writers") if\n    user.role = "writer";\n'
)
TWIN = """
# Whoever is locked out is out.
forbid(user: User, _action, _resource, "limits.out") if user.locked = true;
"""
WALL = """
# Guests change nothing.
forbid(user: User, "edit", _note: Note, "limits.guests") if user.role = "guest";
"""
SHADOW = """
# The locked see pages.
permit(user: User, "view", page: Page, "people.locked") if user.locked and page = page;
"""
INVARIANT = "  - id: {}\n    says: Said again.\n    never: {}\n"
NARROW = INVARIANT.format("n", "{subject: user, action: view, resource: page, when: {subject.locked: true}}")
UNMET = INVARIANT.format("n", "{subject: user, action: [edit, view], resource: page, when: {subject.locked: true}}")
UNLESS = INVARIANT.format(
    "n", "{subject: user, action: edit, resource: note, when: {resource.owner: other}, unless: {resource.owner: me}}"
)
IMPOSSIBLE = "impossible:\n  - {subject.role: guest, resource.owner: me}\n"
NEVER_GUEST = INVARIANT.format(
    "n",
    "{subject: user, action: edit, resource: note, when: {subject.role: [guest, reader], resource.owner: me}}",
)
EMPTY = """\
version: 1
says: Nothing.
people: {gil: {type: user, facts: {role: guest, locked: false, tool.pen: false, tool.brush: false}}}
items: {own: {type: note, facts: {owner: me}}}
cells: []
"""


@dataclass(frozen=True, slots=True)
class Slip:
    """A change of the clean bundle (with nothing to replace: an addition), and the finding: rule, place, a piece."""

    file: str
    old: str
    new: str
    doubt: Doubt
    place: str
    piece: str


PEN = 'holds(user: User) if user.tool("pen");'
BRUSH = 'holds(user: User) if user.tool("brush");'
EDIT = 'note: Note, "people.edit") if\n    user.role = "writer" and\n    holds(user) and\n    note.owner = "me";'
ALL_EDIT = EDIT.replace("note: Note", "_note: Note").replace(' and\n    note.owner = "me"', "")
SLIPS = [
    Slip("people.polar", "", ADMIN, Doubt.REDUNDANT_RULE, "people.polar:18", "because of people.view: take it out"),
    Slip("limits.polar", "", TWIN, Doubt.SAME_CONDITION, "limits.polar:6", "exactly where limits.locked does (limits"),
    Slip("limits.polar", "", WALL, Doubt.SECOND_WALL, "limits.polar:6", "the forbid limits.guests is a second wall"),
    Slip("people.polar", "", SHADOW, Doubt.SHADOWED_PERMIT, "people.polar:18", "it holds, limits.locked forbids"),
    Slip(
        "people.polar",
        '"writer" and\n',
        '"writer" and user.role != "guest" and\n',
        Doubt.IDLE_CONDITION,
        "people.polar:7",
        'user.role != "guest" adds nothing to people.edit',
    ),
    Slip(
        "people.polar",
        PEN,
        f'holds(user: User) if user.tool("pen") and user.tool("brush");\n{PEN}',
        Doubt.IDLE_CONDITION,
        "people.polar:11",
        "adds nothing to people.edit",
    ),
    Slip(
        "people.polar",
        "user.role in",
        "user.locked = false and\n    user.role in",
        Doubt.COVERED_CONDITION,
        "people.polar:3",
        "no answer depends on user.locked = false in people.view",
    ),
    Slip("people.polar", EDIT, ALL_EDIT, Doubt.UNREAD_FACT, "facts.yaml:21", "no rule reads resource.owner"),
    Slip("people.polar", BRUSH, "", Doubt.UNREAD_PARAMETER, "facts.yaml:16", "no rule reads subject.tool with brush"),
    Slip("facts.yaml", "of: [note]", "of: [note, page]", Doubt.UNREAD_FOR_TYPE, "facts.yaml:21", "owner of page"),
    Slip("facts.yaml", "[me, other]", "[me, other, nobody]", Doubt.ALIKE_VALUES, "facts.yaml:21", "other, nobody"),
    Slip("facts.yaml", "actions: [view]", "actions: [view, print]", Doubt.DEAD_ACTION, "facts.yaml:6", "print page"),
    Slip("people.polar", PEN, f"{PEN}\nidle(_: User);", Doubt.UNUSED_HELPER, "people.polar:12", "no rule calls idle"),
    Slip("people.polar", "# Pages are for all.\n", "", Doubt.NO_COMMENT, "people.polar:14", "in the line above it"),
    Slip("limits.polar", '"limits.locked"', '"locked"', Doubt.FOREIGN_ID, "limits.polar:2", "write limits.locked"),
    Slip("facts.yaml", "    says: whose note it is\n", "", Doubt.NO_WORDS, "facts.yaml:21", "add `says`"),
    Slip("limits.polar", "", "# word\n" * 500, Doubt.LONG_FILE, "limits.polar", "split the file"),
    Slip("limits.polar", "", "# word\n" * 2_000, Doubt.LONG_BUNDLE, "limits.polar", "half an hour's reading is 3,600"),
    Slip("invariants.yaml", "", NARROW, Doubt.IMPLIED_INVARIANT, "invariants.yaml:9", "that locked_reach_nothing does"),
    Slip("invariants.yaml", "", UNMET, Doubt.EMPTY_CONDITION, "invariants.yaml:9", "action edit meets no situation"),
    Slip("invariants.yaml", "", UNLESS, Doubt.EMPTY_CONDITION, "invariants.yaml:9", "`unless` meets no situation"),
    Slip(
        "suites/people.yaml",
        "{role: writer, tool.pen: true}",
        "{role: writer}",
        Doubt.UNTESTED_RULE,
        "people.polar:6",
        "no cell of a suite depends on the permit people.edit alone",
    ),
    Slip("suites/nothing.yaml", "", EMPTY, Doubt.EMPTY_SUITE, "suites/nothing.yaml", "so it tests nothing"),
]


def run(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["lint", *map(str, arguments)])
    return result.exit_code, result.stdout, result.stderr


def found(folder: Path, files: dict[str, str]) -> list[dict[str, object]]:
    status, said, error = run("--bundle", write_files(folder, files), "--format", "json")
    assert (status in (0, 1), error) == (True, "")
    listed: list[dict[str, object]] = json.loads(said)["findings"]
    assert status == any(row["level"] == "warning" for row in listed)
    return listed


def test_nothing_is_doubtful_about_the_clean_bundle(tmp_path: Path) -> None:
    """The control of all slips below: before them, not even a note."""
    assert found(tmp_path, CLEAN) == []
    assert run("--bundle", tmp_path) == (0, "0 warnings, 0 notes\n", "")


@pytest.mark.parametrize("slip", SLIPS, ids=lambda slip: f"{slip.doubt}-{slip.file}")
def test_each_slip_is_named_with_its_place_and_the_way_out(tmp_path: Path, slip: Slip) -> None:
    text = CLEAN.get(slip.file, "")
    assert text.count(slip.old) == 1 or not slip.old
    files = CLEAN | {slip.file: text.replace(slip.old, slip.new) if slip.old else text + slip.new}
    rows = [row for row in found(tmp_path, files) if row["rule"] == slip.doubt]
    places = [f"{row['file']}:{row['line']}" if row["line"] else str(row["file"]) for row in rows]
    assert f"{tmp_path.as_posix()}/{slip.place}" in places
    assert any(slip.piece in str(row["message"]) for row in rows), rows


def test_a_value_that_cannot_occur_is_an_empty_condition(tmp_path: Path) -> None:
    """Where guests own nothing, a promise about what guests own is none."""
    files = CLEAN | {"facts.yaml": CLEAN["facts.yaml"] + IMPOSSIBLE}
    files["invariants.yaml"] += NEVER_GUEST
    messages = [str(row["message"]) for row in found(tmp_path, files) if row["rule"] == Doubt.EMPTY_CONDITION]
    assert messages == ["in the invariant n, subject.role = guest meets no situation: take it out, or correct the slip"]


def test_every_doubt_has_a_meaning_and_a_test() -> None:
    assert set(MEANINGS) == set(Doubt)
    assert {slip.doubt for slip in SLIPS} == set(Doubt)


def test_a_bundle_that_does_not_load_is_status_2(tmp_path: Path) -> None:
    files = CLEAN | {"limits.polar": CLEAN["limits.polar"].replace("user.locked", "user.lockd")}
    status, said, error = run("--bundle", write_files(tmp_path, files))
    assert (status, said) == (2, "")
    assert "limits.polar:3: " in error
    status, _, error = run("--bundle", write_files(tmp_path, CLEAN), "--suites", tmp_path / "nowhere")
    assert (status, error.count("\n")) == (2, 1)


def test_sarif_has_every_finding_and_what_each_rule_means(tmp_path: Path) -> None:
    bundle = write_files(tmp_path, CLEAN | {"limits.polar": CLEAN["limits.polar"] + TWIN})
    status, said, _ = run("--bundle", bundle, "--format", "sarif")
    log = json.loads(said)["runs"][0]
    assert (status, log["tool"]["driver"]["name"]) == (1, "kinguard policy lint")
    assert {rule["id"] for rule in log["tool"]["driver"]["rules"]} == set(Doubt)
    [result] = log["results"]
    place = result["locations"][0]["physicalLocation"]
    assert (result["ruleId"], result["level"]) == ("same-condition", "warning")
    assert place["artifactLocation"]["uri"] == f"{bundle.as_posix()}/limits.polar"
    assert place["region"] == {"startLine": 6}


@pytest.mark.parametrize(
    ("name", "warnings", "notes"), [("todo", [], 1), ("gateway", ["unread-parameter"], 1), ("records", [], 2)]
)
def test_other_bundles_are_judged_as_well(name: str, warnings: list[str], notes: int) -> None:
    """The gateway scenario declares a role that none of its rules reads; the others have notes alone."""
    status, said, _ = run("--bundle", AUTHZEN / name, "--format", "json")
    rows = json.loads(said)["findings"]
    assert [row["rule"] for row in rows if row["level"] == "warning"] == warnings
    assert sum(row["level"] == "note" for row in rows) == notes
    assert status == bool(warnings)


def test_our_own_bundle_and_suites_are_clean() -> None:
    """No warning; second walls, and conditions that other rules cover, are notes."""
    status, said, _ = run("--bundle", POLICIES, "--suites", ROOT / "policy_tests")
    assert status == 0, said
    assert said.count("[second-wall]") == 6
    assert said.splitlines()[-1].startswith("0 warnings, ")


def test_a_part_is_idle_or_covered_exactly_when_no_answer_changes_without_it(tmp_path: Path) -> None:
    """Random bundles: the trial of one part agrees with loading the whole bundle without it."""
    judged = doubted = 0
    for seed in range(BUNDLES):
        folder = tmp_path / str(seed)
        built = build_bundle(folder, random.Random(seed + 90_000))
        if built is None:
            continue
        laboratory = Laboratory(folder)
        trial = Trial(laboratory, ())
        for part in parts(laboratory):
            try:
                policy, changed = laboratory.load(part)
            except BundleError:
                continue
            finding = trial.judge(part)
            clause = laboratory.files[part.file].clauses[part.clause]
            if laboratory.touched(part, laboratory.text):
                judged += 1
                doubted += not changed
                assert (finding is not None) is (not changed), (seed, part, clause)
            if finding is not None:
                assert (finding.doubt is Doubt.IDLE_CONDITION) is is_same(laboratory, policy)
    assert judged > 10 * BUNDLES
    assert doubted


@pytest.mark.parametrize("seed", range(8))
def test_a_fact_is_unread_exactly_when_no_rule_ever_depends_on_it(tmp_path: Path, seed: int) -> None:
    """Random bundles, every situation: change one fact, and see whether the same rules hold."""
    built = build_bundle(tmp_path, random.Random(seed + 95_000))
    if built is None:
        return
    policy = built[0]
    read: set[str] = set()
    apart: set[tuple[str, object, object]] = set()
    for key in keys_of(policy):
        question = policy.question(*key)
        assert question is not None
        there = {tuple(sorted(each.items(), key=str)): held(question, each) for each in situations(key, policy)}
        for situation, rules in there.items():
            known = dict(situation)
            for name, value in situation:
                for other in policy.facts[name].values:
                    if rules != there[tuple(sorted({**known, name: other}.items(), key=str))]:
                        read.add(name)
                        apart.add((name, value, other))
    said = dict.fromkeys(Doubt, "")
    for finding in unread_facts(policy, policy._facts):
        said[finding.doubt] += finding.message + "\n"
    bases: dict[str, list[Fact]] = {}
    for fact in policy.facts.values():
        bases.setdefault(fact.base, []).append(fact)
    for base, facts in bases.items():
        unread = [fact for fact in facts if fact.name not in read]
        assert (f"no rule reads {base}: " in said[Doubt.UNREAD_FACT]) is (len(unread) == len(facts))
        some = 0 < len(unread) < len(facts)
        assert (f"no rule reads {base} with " in said[Doubt.UNREAD_PARAMETER]) is some
        first = facts[0]
        pairs = [(a, b) for i, a in enumerate(first.values) for b in first.values[i + 1 :]]
        alike = any((base, a, b) not in apart for a, b in pairs) and base in read
        assert (f"no rule tells these values of {base} apart" in said[Doubt.ALIKE_VALUES]) is alike


def is_same(laboratory: Laboratory, policy: object) -> bool:
    """Whether every rule holds where it did."""
    return all(
        old.diagrams.scratch().without(new.rule_diagrams.get(rule, False), old.impossible_diagram)
        is old.diagrams.scratch().without(old.rule_diagrams.get(rule, False), old.impossible_diagram)
        for old, new in zip(questions(laboratory.policy), questions(policy), strict=True)  # type: ignore[arg-type]
        for rule in {**old.rule_diagrams, **new.rule_diagrams}
    )
