"""Who and what a search puts to the policy: everything that a question by id alone could allow, in a stable order.

An account's access always goes through a grant, and staff reach nothing in another practice, so nothing else is tried.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from authz_service.api.evaluation import reach
from authz_service.api.search_request import Sought
from authz_service.facts.decision import KNOWN_BY
from authz_service.storage.surveying import Bounds
from models.vocabulary import SubjectType

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from authz_service.api.authzen import Asked
    from authz_service.api.search_request import Search
    from authz_service.engine import Policy
    from authz_service.storage.surveying import Survey
    from authz_service.tokens.verification import Caller


def candidates(survey: Survey, policy: Policy, search: Search) -> Iterator[str]:
    """Ids (or names of actions) from where the page begins; none for a type that is not known."""
    asked, sought, after = search.asked, search.sought, search.page.after
    if asked.subject_type not in policy.subject_types or asked.resource_type not in policy.resource_types:
        return iter(())
    if sought is Sought.ACTION:
        return _in_order(policy.resource_types[asked.resource_type], after)
    if sought is Sought.SUBJECT:
        return _in_order(_subjects(survey, search.caller, asked), after)
    return _resources(survey, asked, after)


def _subjects(survey: Survey, caller: Caller, asked: Asked) -> Iterable[str]:
    client_id, practice_id, reached = reach(survey, caller, asked)
    if not reached:
        return ()
    if asked.subject_type == SubjectType.ACCOUNT:
        return {grant.account_id for grant in survey.rows.grants_on(client_id)} if client_id is not None else ()
    practices = [practice_id] if practice_id is not None else filter(caller.may_reach, survey.rows.practices())
    return {member.id for practice in practices for member in survey.rows.staff(practice)}


def _resources(survey: Survey, asked: Asked, after: str | None) -> Iterator[str]:
    bounds = _bounds(survey, asked)
    if bounds is None:
        return iter(())
    match KNOWN_BY.get(asked.resource_type):
        case "client_id":
            return _in_order(_clients(survey, bounds), after)
        case "practice_id":
            return _in_order([bounds.practice_id] if bounds.practice_id is not None else [], after)
    if asked.resource_type == "grant":
        return survey.grants_in(bounds, after)
    return survey.items_in(asked.resource_type, bounds, after)


def _bounds(survey: Survey, asked: Asked) -> Bounds | None:
    sent = asked.properties.get("client_id")
    if sent is not None:
        client = survey.client(sent) if type(sent) is str else None
        return None if client is None else Bounds(client.practice_id, (client.id,))
    if asked.subject_type == SubjectType.ACCOUNT:
        return Bounds(client_ids=survey.clients_of(asked.subject_id))
    post = survey.post(asked.subject_id)
    return None if post is None else Bounds(post.practice.id)


def _clients(survey: Survey, bounds: Bounds) -> Iterable[str]:
    if bounds.client_ids is not None:
        return bounds.client_ids
    return survey.rows.clients(bounds.practice_id) if bounds.practice_id is not None else ()


def _in_order(names: Iterable[str], after: str | None) -> Iterator[str]:
    return (name for name in sorted(names) if after is None or name > after)
