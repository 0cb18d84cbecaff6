"""`POST /access/v1/search/...`: which subjects, resources or actions a single question would be answered yes for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from authz_service.api.evaluation import reach
from authz_service.api.evaluations import check_at
from authz_service.api.routing import Reply
from authz_service.api.search_candidates import candidates
from authz_service.api.search_request import (
    FIELDS,
    RESULTS_MAX,
    Found,
    Search,
    Sought,
    read_page,
    read_search,
    what_stays,
)
from authz_service.api.shadowing import shadow_search
from authz_service.facts.code import rfc3339
from models.vocabulary import SubjectType

if TYPE_CHECKING:
    from authz_service.api.authzen import Asked
    from authz_service.api.evaluation import Evaluator
    from authz_service.api.routing import Call
    from authz_service.storage.surveying import Survey

# A page that would have to try more than this ends earlier, so that it is answered in time; its token goes on there.
TRIED_MAX = 2000


def search_subjects(call: Call) -> Reply:
    """Who may do this to that."""
    return _search(call, Sought.SUBJECT)


def search_resources(call: Call) -> Reply:
    """To which items of a type somebody may do this."""
    return _search(call, Sought.RESOURCE)


def search_actions(call: Call) -> Reply:
    """What somebody may do to that."""
    return _search(call, Sought.ACTION)


def find(survey: Survey, evaluator: Evaluator, search: Search) -> Found:
    """Put each candidate to the very function that answers single questions, until the page is full."""
    page, field = search.page, FIELDS[search.sought]
    asked = search.asked._replace(explain=False)
    limit = RESULTS_MAX if page.limit is None else min(page.limit, RESULTS_MAX)
    names: list[str] = []
    last = page.after
    for tried, candidate in enumerate(candidates(survey, (evaluator.decider,), search)):
        if tried == TRIED_MAX:
            return Found(names, complete=False, last=last)
        changed: dict[str, Any] = {field: candidate}
        if evaluator.evaluate(survey, search.caller, asked._replace(**changed), search.now).allowed:
            if len(names) == limit:
                return Found(names, complete=False, last=last)
            names.append(candidate)
        last = candidate
    return Found(names, complete=True, last=last)


def _search(call: Call, sought: Sought) -> Reply:
    service, caller, document = call.service, call.caller, call.document
    asked = read_search(document, sought)
    check_at(caller, asked)
    stays = what_stays(document, sought, caller.client_id)
    search = Search(caller, asked, sought, read_page(document, service.page_tokens, stays), call.now)
    with service.store.surveying(caller.practices, asked.at) as survey:
        found = find(survey, call.serving.evaluator, search)
        record = _record(call, search, found, survey)
        shadow_search(call, survey, search, found)
    content: dict[str, Any] = {}
    if search.page.stated or not found.complete:
        token = "" if found.complete else service.page_tokens.write(search.page.limit, found.last, stays)
        content["page"] = {"next_token": token}
    content["results"] = [_result(asked, sought, name) for name in found.names]
    if asked.at is not None:
        content["context"] = {"what_if": rfc3339(asked.at)}
    return Reply(content, records=[record])


def _result(asked: Asked, sought: Sought, name: str) -> dict[str, str]:
    if sought is Sought.ACTION:
        return {"name": name}
    return {"type": asked.subject_type if sought is Sought.SUBJECT else asked.resource_type, "id": name}


def _record(call: Call, search: Search, found: Found, survey: Survey) -> bytes:
    """The trail's record: what was asked, and how many results this page had."""
    asked, sought = search.asked, search.sought
    about = asked._replace(resource_id=None) if sought is Sought.RESOURCE else asked
    client_id, practice_id, _ = reach(survey, call.caller, about)
    subject_id = None if sought is Sought.SUBJECT else asked.subject_id
    if practice_id is None and subject_id is not None and asked.subject_type == SubjectType.STAFF:
        post = survey.post(subject_id)
        practice_id = None if post is None else post.practice.id
    details: dict[str, Any] = {"results": len(found.names), "complete": found.complete}
    if sought is not Sought.ACTION:
        details["action"] = asked.action
    if sought is Sought.SUBJECT:
        details["subject_type"] = asked.subject_type
    if asked.at is not None:
        details["what_if"] = rfc3339(asked.at)
    return orjson.dumps(
        {
            "type": "event",
            "at": int(call.now.timestamp() * 1_000_000),
            "request_id": call.request_id,
            "caller": call.caller.client_id,
            "bundle": call.serving.digest,
            "action": f"search.{sought}",
            "actor": None if subject_id is None else f"{asked.subject_type}/{subject_id}",
            "account_id": subject_id if asked.subject_type == SubjectType.ACCOUNT else None,
            "client_id": client_id,
            "practice_id": practice_id,
            "resource": {"type": asked.resource_type, "id": about.resource_id},
            "details": details,
        }
    )
