"""Who and what a search puts to the policy: everything that a question by id alone could allow, in a stable order.

An account's access always goes through a grant, and staff reach nothing in another practice, so nothing else is tried.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from authz_service.api.evaluation import reach
from authz_service.api.search_request import Sought
from authz_service.engine.plan import MissingFactsError, residual
from authz_service.engine.question import InvalidSituationError
from authz_service.facts.decision import KNOWN_BY, DeniedError
from authz_service.facts.request import Request
from authz_service.facts.sources import FactError
from authz_service.storage.surveying import Bounds
from models.vocabulary import SubjectType

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from authz_service.api.authzen import Asked
    from authz_service.api.search_request import Search
    from authz_service.facts.decision import Decider
    from authz_service.storage.surveying import Survey
    from authz_service.tokens.verification import Caller


def candidates(survey: Survey, deciders: Iterable[Decider], search: Search) -> Iterator[str]:
    """Ids (or names of actions) from where the page begins, that one of the deciders could say yes to.

    There are none for a type that is not known.
    """
    asked, sought, after = search.asked, search.sought, search.page.after
    knowing = [
        each
        for each in deciders
        if asked.subject_type in each.policy.subject_types and asked.resource_type in each.policy.resource_types
    ]
    if not knowing:
        return iter(())
    if sought is Sought.ACTION:
        actions = {name for each in knowing for name in each.policy.resource_types[asked.resource_type]}
        return _in_order(actions, after)
    if sought is Sought.SUBJECT:
        return _in_order(_subjects(survey, search.caller, asked), after)
    return _resources(survey, knowing, search)


def _subjects(survey: Survey, caller: Caller, asked: Asked) -> Iterable[str]:
    client_id, practice_id, reached = reach(survey, caller, asked)
    if not reached:
        return ()
    if asked.subject_type == SubjectType.ACCOUNT:
        return {grant.account_id for grant in survey.rows.grants_on(client_id)} if client_id is not None else ()
    practices = [practice_id] if practice_id is not None else filter(caller.may_reach, survey.rows.practices())
    return {member.id for practice in practices for member in survey.rows.staff(practice)}


def _resources(survey: Survey, deciders: Iterable[Decider], search: Search) -> Iterator[str]:
    resource_type, after = search.asked.resource_type, search.page.after
    bounds = _bounds(survey, deciders, search)
    if bounds is None:
        return iter(())
    match KNOWN_BY.get(resource_type):
        case "client_id":
            return _in_order(_clients(survey, bounds), after)
        case "practice_id":
            return _in_order([bounds.practice_id] if bounds.practice_id is not None else [], after)
    if resource_type == "grant":
        return survey.grants_in(bounds, after)
    return survey.items_in(resource_type, bounds, after)


def _bounds(survey: Survey, deciders: Iterable[Decider], search: Search) -> Bounds | None:
    """Where there can be a yes at all; None for nowhere."""
    asked, sent = search.asked, search.asked.properties.get("client_id")

    def may(properties: Mapping[str, str]) -> bool:
        return any(_may_allow(survey, each, search, properties) for each in deciders)

    if sent is not None:
        client = survey.client(sent) if type(sent) is str else None
        found = client is not None and may({"client_id": client.id})
        return Bounds(client.practice_id, (client.id,)) if client is not None and found else None
    if asked.subject_type == SubjectType.ACCOUNT:
        client_ids = tuple(each for each in survey.clients_of(asked.subject_id) if may({"client_id": each}))
        return Bounds(client_ids=client_ids) if client_ids else None
    post = survey.post(asked.subject_id)
    return Bounds(post.practice.id) if post is not None and may({"practice_id": post.practice.id}) else None


def _may_allow(survey: Survey, decider: Decider, search: Search, properties: Mapping[str, str]) -> bool:
    """Whether some item there could be allowed: a refusal by kind, switch or toggle needs no look at the items."""
    asked = search.asked
    question = decider.policy.question(asked.subject_type, asked.action, asked.resource_type)
    if question is None:
        return False
    subject = (asked.subject_type, asked.subject_id)
    request = Request(*subject, asked.action, asked.resource_type, None, asked.at or search.now, authn=asked.authn)
    try:
        seats = decider.seats(survey, request, properties)
        return any(residual(question, seat.subject) is not False for seat in seats)
    except (DeniedError, FactError):
        return False
    except (MissingFactsError, InvalidSituationError):  # It hangs on what only the item tells.
        return True


def _clients(survey: Survey, bounds: Bounds) -> Iterable[str]:
    if bounds.client_ids is not None:
        return bounds.client_ids
    return survey.rows.clients(bounds.practice_id) if bounds.practice_id is not None else ()


def _in_order(names: Iterable[str], after: str | None) -> Iterator[str]:
    return (name for name in sorted(names) if after is None or name > after)
