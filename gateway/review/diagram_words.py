"""A diagram in words: its tests, and every way through it to an answer."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from gateway.review.diagram_layout import shown
from gateway.web.language import _, ngettext

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

LISTED_MAX = 200  # ways to one answer, written out
_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True, slots=True)
class Ways:
    """Every way to one answer: the first ones as (fact, values) each, and how many there are."""

    answer: bool
    title: str
    listed: list[list[tuple[str, str]]]
    total: int

    @property
    def more(self) -> int:
        """How many are not written out."""
        return self.total - len(self.listed)


@dataclass(frozen=True, slots=True)
class EndWords:
    """What the two answers of a drawn part are called."""

    yes: str
    no: str

    def of(self, to: Any) -> str:
        """The words of an answer, or of what is folded."""
        if to == "folded":
            return _("Folded")
        return self.yes if to else self.no


def end_words(part: str) -> EndWords:
    """The words for the answers of a part."""
    if part == "permit":
        return EndWords(_("Permitted"), _("No permit"))
    if part == "forbid":
        return EndWords(_("Forbidden"), _("No forbid"))
    if part.startswith("rule:"):
        return EndWords(_("Holds"), _("Does not hold"))
    return EndWords(_("Allowed"), _("Denied"))


def ways_to(diagram: Mapping[str, Any], answer: bool, words: EndWords) -> Ways:
    """The ways to an answer, in the order of the tests."""
    tests = {test["number"]: test for test in diagram["tests"]}
    listed = [
        [(fact, ", ".join(map(shown, values))) for fact, values in path]
        for path in islice(_paths(tests, diagram["root"], answer, _counted(tests, answer)), LISTED_MAX)
    ]
    return Ways(answer, words.of(answer), listed, _count(_counted(tests, answer), diagram["root"], answer))


def summary(diagram: Mapping[str, Any], yes: Ways, no: Ways, words: EndWords) -> str:
    """The diagram in two sentences; ways are only counted where all of it is drawn."""
    tests = len(diagram["tests"]) + diagram["folded"]
    if not tests:
        return _("No fact matters: the answer is always “%(answer)s”.", answer=words.of(diagram["root"]))
    facts = len({test["fact"] for test in diagram["tests"]})
    size = _(
        "%(tests)s of %(facts)s.",
        tests=ngettext("%(num)s test", "%(num)s tests", tests),
        facts=ngettext("%(num)s fact", "%(num)s facts", facts),
    )
    if diagram["folded"]:
        return _("%(size)s It is too large to be drawn whole.", size=size)
    ways = ngettext("%(num)s way leads to", "%(num)s ways lead to", yes.total)
    return _(
        "%(size)s %(ways)s “%(yes)s” (%(share)s of the situations that can occur), %(others)s to “%(no)s”.",
        size=size,
        ways=ways,
        yes=words.yes,
        share=diagram["share"],
        others=many(no.total),
        no=words.no,
    )


def many(count: int) -> str:
    """A count that may have forty digits: `1,234`, or `1.23 · 10¹⁵`."""
    if count < 10_000_000:
        return f"{count:,}"
    digits, _plus, exponent = f"{float(count):.2e}".partition("e+")
    return f"{digits} · 10{str(int(exponent)).translate(_SUPERSCRIPTS)}"


def _counted(tests: Mapping[int, Mapping[str, Any]], answer: bool) -> dict[int, int]:
    """How many ways lead from each test to the answer; a test's branches lead to later ones."""
    found: dict[int, int] = {}
    for number in sorted(tests, reverse=True):
        found[number] = sum(_count(found, branch["to"], answer) for branch in tests[number]["branches"])
    return found


def _count(found: Mapping[int, int], to: Any, answer: bool) -> int:
    if isinstance(to, bool):
        return int(to is answer)
    return 0 if to == "folded" else found[to]


def _paths(
    tests: Mapping[int, Mapping[str, Any]], at: Any, answer: bool, counted: Mapping[int, int]
) -> Iterator[list[tuple[str, Sequence[bool | str]]]]:
    if isinstance(at, bool):
        if at is answer:
            yield []
        return
    if at == "folded" or not counted[at]:
        return
    for branch in tests[at]["branches"]:
        for rest in _paths(tests, branch["to"], answer, counted):
            yield [(tests[at]["fact"], branch["values"]), *rest]
