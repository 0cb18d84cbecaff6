"""A typo planted anywhere in our own bundle fails the load and names its file and line."""

from __future__ import annotations

import os
import random
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from authz_service.engine import BundleError, load_policy
from authz_service.engine.build import Tracer, variables_of
from authz_service.engine.bundle import FACTS, INVARIANTS, read_bundle
from authz_service.engine.declarations import doubtful_declarations
from authz_service.engine.diagram import Diagrams
from authz_service.engine.facts_file import read_facts
from authz_service.engine.lint import lint
from authz_service.engine.polar import Polar
from authz_service.engine.prove import read_invariants
from authz_service.engine.tokens import EFFECTS, Kind, read_polar
from authz_service.engine.trace import Paths

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from authz_service.engine.bundle import Bundle
    from authz_service.engine.errors import Problem
    from authz_service.engine.facts import Facts
    from authz_service.engine.lint import Text
    from authz_service.engine.tokens import Clause

POLICIES = Path(__file__).parents[2] / "policies"
FULL_LOADS = 12
# A short run plants the first typo of every line and one in three of the others; a long run plants all.
EACH = 1 if int(os.environ.get("KINGUARD_CASES", "0")) >= 10_000 else 3


@dataclass(frozen=True)
class Typo:
    """A text with one word replaced on one line."""

    file: str
    line: int
    old: str
    new: str
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.old} -> {self.new}"


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return read_bundle(POLICIES)


def plant(file: str, text: str, start: int, old: str, new: str) -> Typo:
    line = text[:start].count("\n") + 1
    return Typo(file, line, old, new, text[:start] + new + text[start + len(old) :])


def misspelt(word: str) -> str:
    """The word with one letter doubled in the middle: no word of the bundle."""
    middle = len(word) // 2
    return word[:middle] + word[middle] + word[middle:]


def polar_typos(file: str, text: str, ids: dict[str, str]) -> Iterator[Typo]:
    """Each word of a rule file that a typo can hit: literals twice, near and far; facts; classes; ids as duplicates."""
    code = re.sub(r"#[^\n]*", lambda match: " " * len(match[0]), text)
    for match in re.finditer(r'"([^"\n]*)"|\.([a-z_]+)|\b([A-Z]\w+)', code):
        literal, fact, cls = match.groups()
        if literal in ids:
            other = next(rule_id for rule_id, place in ids.items() if place != ids[literal])
            yield plant(file, text, match.start(1), literal, other)
        elif literal is not None:
            yield plant(file, text, match.start(1), literal, misspelt(literal))
            yield plant(file, text, match.start(1), literal, "quince")
        elif fact is not None:
            yield plant(file, text, match.start(2), fact, misspelt(fact))
        else:
            yield plant(file, text, match.start(3), cls, misspelt(cls))


def facts_typos(text: str, used: set[str]) -> Iterator[Typo]:
    """Each word of facts.yaml that a typo can hit: keys, names, levels, and the values that a rule uses."""
    code = re.sub(r"(#|says:|legal:)[^\n]*", lambda match: match[1] + " " * (len(match[0]) - len(match[1])), text)
    code = re.sub(r"\{(store|code|member): [^}\n]*", lambda match: f"{{{match[1]}:".ljust(len(match[0])), code)
    code = re.sub(r"property: \w+", lambda match: "property:".ljust(len(match[0])), code)
    keys = "version|subjects|resources|facts|impossible|class|actions|of|values|parameter|says|legal|controlled_by|from"
    for match in re.finditer(r"[A-Za-z_][A-Za-z_.]*", code):
        word = match[0]
        fixed = re.fullmatch(
            rf"({keys}|property|store|code|match|member|platform|practice|client|grant|item|person)", word
        )
        name = word.startswith(("subject.", "resource.")) and word != "subject.id"
        if word in ("true", "false", "null") or word.startswith(("subject.id", "store.")):
            continue
        if fixed or name or word in used:
            yield plant(FACTS, text, match.start(), word, misspelt(word))


class QuickLoad:
    """The stages of a load up to tracing, which runs only the rules that reach a changed clause."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self.facts = read_facts(bundle.facts)
        self.files = {file: read_polar(text, file) for file, text in bundle.polar.items()}

    def problems(self, typo: Typo) -> list[Problem]:
        """What a load would find, each stage only if those before it do not name the line yet."""
        files, facts = dict(self.files), self.facts
        if typo.file == FACTS:
            facts = read_facts(typo.text)
        else:
            files[typo.file] = read_polar(typo.text, typo.file)
        found = list(facts.problems)
        if named(typo, found):
            return found
        text = lint(list(files.values()), facts)
        found += text.problems
        if typo.file == FACTS and self.bundle.invariants is not None and not found:
            found += read_invariants(self.bundle.invariants, facts, INVARIANTS)[1]
        if not found:
            found = self.traced(typo, text, facts)
        return found + (doubtful_declarations(found, list(files.values()), facts) if found else [])

    def traced(self, typo: Typo, text: Text, facts: Facts) -> list[Problem]:
        sources = self.bundle.polar | ({typo.file: typo.text} if typo.file != FACTS else {})
        try:
            polar = Polar(facts, sources)
        except BundleError as error:
            return error.problems
        tracer = Tracer(facts, text, polar, Paths(facts))
        if typo.file == FACTS:
            word = typo.old.rpartition(".")[2]
            reaching = {rule_id for rule_id in text.rules if uses(word, text.reach(rule_id))}
        else:
            changed = [clause for clause in text.clauses if clause.file == typo.file and clause.line <= typo.line][-1]
            reaching = {rule_id for rule_id in text.rules if changed in text.reach(rule_id)}
        text.rules = {rule_id: rule for rule_id, rule in text.rules.items() if rule_id in reaching}
        found: list[Problem] = []
        for rule in list(text.rules.values()):
            text.rules = {rule.id: rule}
            found += tracer.trace_all(Diagrams(variables_of(facts)))[1]
            if any((problem.file, problem.line) == (typo.file, typo.line) for problem in found):
                break
        return found


def uses(word: str, clauses: list[Clause]) -> bool:
    return any(token.text == word for clause in clauses for token in (*clause.head, *clause.body))


def named(typo: Typo, problems: list[Problem]) -> bool:
    return any((problem.file, problem.line) == (typo.file, typo.line) for problem in problems)


def rule_ids(bundle: Bundle) -> dict[str, str]:
    return {
        str(clause.parameters[3].literal): file
        for file, text in bundle.polar.items()
        for clause in read_polar(text, file).clauses
        if clause.predicate in EFFECTS
    }


def thinned(typos: Iterable[Typo]) -> list[Typo]:
    kept, lines = [], set()
    for number, typo in enumerate(typos):
        if (typo.file, typo.line) not in lines or number % EACH == 0:
            kept.append(typo)
            lines.add((typo.file, typo.line))
    return kept


def all_polar_typos(bundle: Bundle) -> list[Typo]:
    ids = rule_ids(bundle)
    return thinned(typo for file, text in bundle.polar.items() for typo in polar_typos(file, text, ids))


def all_facts_typos(bundle: Bundle) -> list[Typo]:
    used = {
        token.text
        for file, text in bundle.polar.items()
        for token in read_polar(text, file).tokens
        if token.kind is Kind.TEXT or token.text[0].isupper()
    }
    return thinned(facts_typos(bundle.facts, used))


def test_a_typo_in_any_word_of_a_rule_is_refused_at_its_line(bundle: Bundle) -> None:
    quick = QuickLoad(bundle)
    typos = all_polar_typos(bundle)
    lines = {(typo.file, typo.line) for typo in typos}
    assert len(lines) > 350
    assert [str(typo) for typo in typos if not named(typo, quick.problems(typo))] == []


def test_a_typo_in_any_line_of_facts_yaml_is_refused_at_its_line(bundle: Bundle) -> None:
    quick = QuickLoad(bundle)
    typos = all_facts_typos(bundle)
    lines = bundle.facts.splitlines()
    refused = {typo for typo in typos if named(typo, quick.problems(typo))}
    assert len({typo.line for typo in refused}) > 300
    assert {typo.line for typo in typos} == {typo.line for typo in refused}
    # What is declared and named by no rule, as an action permitted only as one of all, differs from nothing.
    unnamed = [typo for typo in typos if typo not in refused]
    assert all(re.search(r"actions:|values:", lines[typo.line - 1]) for typo in unnamed)
    assert len(unnamed) < len(typos) // 20


def test_a_whole_load_refuses_at_the_same_line(bundle: Bundle, tmp_path: Path) -> None:
    draw = random.Random(20260615)
    typos = draw.sample(all_polar_typos(bundle), FULL_LOADS) + draw.sample(all_facts_typos(bundle), FULL_LOADS // 2)
    for typo in typos:
        folder = tmp_path / "bundle"
        shutil.copytree(POLICIES, folder)
        (folder / typo.file).write_text(typo.text, encoding="utf-8")
        with pytest.raises(BundleError) as caught:
            load_policy(folder)
        assert named(typo, caught.value.problems), (str(typo), str(caught.value))
        shutil.rmtree(folder)


def test_the_bundle_without_a_typo_has_no_problem(bundle: Bundle) -> None:
    text = bundle.polar["main.polar"]
    assert QuickLoad(bundle).problems(Typo("main.polar", 3, "", "", text)) == []
