"""Plans and searches that were just answered, put to the bundle that shadows, on the same rows and at the same instant.

Single questions are put to it where they are decided (`Evaluator.evaluate`).
"""

from __future__ import annotations

from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, NoReturn

from authz_service.api.evaluation import reach
from authz_service.api.planning import Planning
from authz_service.api.search_candidates import candidates
from authz_service.api.search_request import FIELDS
from authz_service.engine.condition_difference import compare_conditions
from authz_service.engine.plan import PlanKind
from authz_service.facts.request import Request
from models.vocabulary import LiveQuestion, WouldBe

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from authz_service.api.authzen import Asked
    from authz_service.api.planning import Part
    from authz_service.api.routing import Call
    from authz_service.api.search_request import Found, Search
    from authz_service.engine.condition_difference import Difference
    from authz_service.facts.decision import Decider
    from authz_service.storage.surveying import Survey

# So that no answer waits for long. What goes beyond is counted as not compared: of a search, as far as the last figure.
CLIENTS_MAX = 500
CANDIDATES_MAX = 200
COUNTED_MAX = 2000
_VERDICTS = {
    (False, False): WouldBe.SAME,
    (True, False): WouldBe.MORE,
    (False, True): WouldBe.LESS,
    (True, True): WouldBe.OTHER,
}


def shadow_plan(call: Call, answered: Planning) -> None:
    """Count whether the bundle's plan would let through the same items; raises nothing."""
    shadow = call.serving.evaluator.shadow
    if shadow is None or answered.asked.at is not None or not answered.reached:
        return
    was = any(part.plan.kind is not PlanKind.ALWAYS_DENIED for part in answered.parts)
    request = answered.request
    compare = partial(compare_plans, answered, shadow.decider)
    shadow.note(compare, request, call.request_id, was=was, asked=LiveQuestion.PLAN)


def shadow_search(call: Call, survey: Survey, search: Search, found: Found) -> None:
    """Count what the bundle says of each candidate of a page; raises nothing.

    What only the bundle's rules make a candidate is one too.
    """
    shadow, asked = call.serving.evaluator.shadow, search.asked
    if shadow is None or asked.at is not None:
        return
    names = frozenset(found.names)
    note = partial(shadow.note, request_id=call.request_id, asked=LiveQuestion.SEARCH)
    try:
        each = candidates(survey, (call.serving.decider, shadow.decider), search)
        tried = each if found.complete else _up_to(each, found.last, search.page.after)
        for place, name in enumerate(islice(tried, CANDIDATES_MAX + COUNTED_MAX)):
            changed: dict[str, Any] = {FIELDS[search.sought]: name}
            candidate = asked._replace(**changed)
            if not reach(survey, search.caller, candidate)[2]:
                continue
            request, was = _request(candidate, search.now), name in names
            if place < CANDIDATES_MAX:
                shadow.compare(survey, request, call.request_id, was=was, asked=LiveQuestion.SEARCH)
            else:
                note(_not_compared, request, was=was)
    except Exception as error:  # noqa: BLE001 (the answer is there already)
        note(partial(_fail, error), _request(asked, search.now), was=bool(names))


def _fail(error: Exception) -> NoReturn:
    raise error


def _not_compared() -> WouldBe:
    return WouldBe.NOT_COMPARED


def _up_to(names: Iterator[str], last: str | None, after: str | None) -> Iterator[str]:
    if last == after:  # The page ended before its first candidate.
        return
    for name in names:
        yield name
        if name == last:
            return


def _request(asked: Asked, now: datetime) -> Request:
    question = (asked.subject_type, asked.subject_id, asked.action, asked.resource_type, asked.resource_id)
    return Request(*question, now, asked.properties, asked.authn)


def compare_plans(answered: Planning, decider: Decider) -> WouldBe:
    """What another policy's plan would let through, compared with the one that was answered.

    Raises what keeps it from being made: ProblemError, PlanError, MissingFactsError, ValueError.
    """
    was = answered.parts
    would = Planning(decider, answered.caller, answered.asked, answered.now, answered.rows)
    found = None if answered.asked_each else would.plan_at_once()
    if found is None:
        practice = answered.practice
        if practice is None or len(answered.rows.rows.clients(practice)) > CLIENTS_MAX:
            return WouldBe.NOT_COMPARED
        if not answered.asked_each:
            again = Planning(answered.decider, answered.caller, answered.asked, answered.now, answered.rows)
            was = again.plan_for_each()
        found = would.plan_for_each()
    if len(was) > CLIENTS_MAX:
        return WouldBe.NOT_COMPARED
    return _VERDICTS[_differ(was, found)]


def _differ(was: Sequence[Part], would: Sequence[Part]) -> tuple[bool, bool]:
    """Whether more is allowed somewhere, and whether less is; clients' items are apart, so each is compared alone."""
    known: dict[tuple[str, str], Difference] = {}
    more = less = False
    for one, other in zip(was, would, strict=True):
        conditions = one.plan.whole, other.plan.whole
        said = repr(conditions[0]), repr(conditions[1])
        difference = known.get(said)
        if difference is None:
            difference = known[said] = compare_conditions(*conditions)
        more, less = more or difference.more, less or difference.less
    return more, less
