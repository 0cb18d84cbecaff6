"""How a question's resource is read: one Python function for each question, written from the shortcuts of its facts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from authz_service.engine import MISSING
from authz_service.facts.sources import property_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from authz_service.engine import Question
    from authz_service.engine.facts import Fact
    from authz_service.facts.request import Request
    from authz_service.facts.stores import Bound, ItemSource

Raw: TypeAlias = "Mapping[str, Any]"
# Takes what was sent, and what is registered to fill the gaps (None: nothing is).
# Gives the slots, and whether all that are read are known.
Read: TypeAlias = "Callable[[Bound, Request, Raw, Raw | None], tuple[tuple[Any, ...], bool]]"


@dataclass(frozen=True, slots=True)
class ItemReader:
    """How the facts of a question's resource are read: only those the answer can depend on; the rest stay MISSING."""

    read: Read  # Raises FactError.
    properties: Mapping[str, str]  # fact -> the raw property it is read from

    def explain_missing(self, facts: Iterable[str]) -> str:
        """The error for a decision that hangs on facts which are not known."""
        named = (f"{fact} (property {self.properties[fact]})" if fact in self.properties else fact for fact in facts)
        return f"the answer depends on what is not known: {', '.join(named)}"


def reader_of(question: Question, slots: Sequence[tuple[Fact, ItemSource]]) -> ItemReader:
    """The reader for one question; `slots` are those of policy.resource_slots with their sources."""
    levels = question.diagrams.levels
    used = set(question.diagrams.support(question.diagram))
    sources = [source if levels[fact.name] in used else None for fact, source in slots]
    return ItemReader(
        read=_compile(sources),
        properties={fact.name: name for fact, _ in slots if (name := property_of(fact)) is not None},
    )


def _compile(sources: Sequence[ItemSource | None]) -> Read:
    """The function that reads these slots; None is a slot that is not read."""
    scope: dict[str, Any] = {"MISSING": MISSING, "merged": _merged}
    lines = ["def read(bound, request, sent, known, MISSING=MISSING):", " complete = True"]
    for place, source in enumerate(sources):
        if source is None:
            continue
        scope[f"read{place}"] = source.read
        whole = [
            f"v{place} = read{place}(bound, request, merged(sent, known))",
            f"if v{place} is MISSING: complete = False",
        ]
        shortcut = source.shortcut
        if shortcut is None:
            lines += [f" {line}" for line in whole]
            continue
        text = shortcut.text
        for name, value in shortcut.names.items():
            scope[f"{name}{place}"] = value
            text = text.replace(name, f"{name}{place}")
        if shortcut.raw is not None:
            lines.append(f" raw = sent.get({shortcut.raw!r})")
        lines += [f" v{place} = {text}", f" if v{place} is None:", *(f"  {line}" for line in whole)]
    values = "".join("MISSING, " if source is None else f"v{place}, " for place, source in enumerate(sources))
    lines.append(f" return ({values}), complete")
    exec(compile("\n".join(lines), "<read>", "exec"), scope)  # noqa: S102 - text written above and in sources.py
    return scope["read"]  # type: ignore[no-any-return]


def _merged(sent: Raw, known: Raw | None) -> Raw:
    return sent if known is None else {**known, **sent}
