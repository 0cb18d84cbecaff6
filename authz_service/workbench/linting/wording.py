"""What a reader stumbles over: rules without a reason, ids that lead nowhere, facts without words, too much text."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING

from authz_service.workbench.linting.findings import Doubt, Finding, Level

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from authz_service.engine.facts import Facts
    from authz_service.engine.lint import Rule

BUNDLE_WORDS = 3_600
"""Half an hour's reading, at 120 words a minute."""
FILE_WORDS = 900


def wording(rules: Mapping[str, Rule], facts: Facts, sources: Mapping[str, str]) -> Iterator[Finding]:
    """Doubts about the words of a bundle; `sources` are the rules' files, by name."""
    # Where all rules stand in one file, its name says nothing about any of them.
    one_file = len({rule.file for rule in rules.values()}) == 1
    for rule in rules.values():
        if not rule.says:
            message = f"the {rule.effect} {rule.id} has no comment: say why in the line above it; explanations show it"
            yield Finding(rule.file, rule.line, Doubt.NO_COMMENT, Level.WARNING, message)
        stem = PurePath(rule.file).stem
        if not one_file and rule.id.partition(".")[0] != stem:
            message = f"the id {rule.id} does not begin with the name of its file: write {stem}.{_last(rule.id)}"
            yield Finding(rule.file, rule.line, Doubt.FOREIGN_ID, Level.WARNING, message)
    said: set[str] = set()
    for fact in facts.facts.values():
        if fact.says == fact.name and fact.base not in said:
            said.add(fact.base)
            message = f"{fact.base} has no meaning in words: add `says`; explanations show it"
            yield Finding(fact.file, fact.line, Doubt.NO_WORDS, Level.WARNING, message)
    words = {file: len(source.split()) for file, source in sources.items()}
    for file, count in words.items():
        if count > FILE_WORDS:
            message = f"{count:,} words are more than a reader takes in at once ({FILE_WORDS:,}): split the file"
            yield Finding(file, 0, Doubt.LONG_FILE, Level.WARNING, message)
    if (total := sum(words.values())) > BUNDLE_WORDS:
        longest = max(words, key=lambda file: words[file])
        message = (
            f"the rules have {total:,} words, and half an hour's reading is {BUNDLE_WORDS:,}: "
            "say the same with fewer, or in two bundles"
        )
        yield Finding(longest, 0, Doubt.LONG_BUNDLE, Level.WARNING, message)


def _last(rule_id: str) -> str:
    return rule_id.rpartition(".")[2]
