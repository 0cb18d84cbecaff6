"""Coming changes and the past: what will change by itself, and who could see what then."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING, Any

from authz_service.api.authzen import read_instant
from authz_service.api.conduct import acting_of
from authz_service.api.problems import ProblemError
from authz_service.api.routing import Parameter, Reply
from authz_service.api.what_if import instant_asked, what_if_record
from authz_service.commands.coming import coming_changes
from authz_service.commands.past import who_could
from authz_service.facts.code import rfc3339

if TYPE_CHECKING:
    from authz_service.api.routing import Call
    from authz_service.commands.past import Person

COMING_QUERY = (Parameter("until", "The last day to look at, such as 2026-09-13; without it 90 days from today."),)
PAST_QUERY = (
    Parameter("at", "The instant, such as 2026-05-03T12:00:00Z."),
    Parameter("type", "Only about one item: its type."),
    Parameter("id", "Its id."),
)


def list_coming_changes(call: Call) -> Reply:
    """What will change by itself, with how much each day changes."""
    practice_id, until = call.path["practice_id"], None
    if "until" in call.query:
        try:
            until = date.fromisoformat(call.query["until"])
        except ValueError as error:
            message = "until must be a day such as 2026-09-13"
            raise ProblemError(400, message, fields={"until": "a day such as 2026-09-13"}) from error
    acting = acting_of(call)
    events = coming_changes(acting, call.serving.comparison, call.now, practice_id, until)
    with call.service.store.reading(call.caller.practices) as rows:
        practice = rows.practice(practice_id)
    record = what_if_record(call, practice_id, "coming_changes", {"results": len(events)})
    zone = "" if practice is None else practice.zone
    return Reply({"zone": zone, "changes": [asdict(each) for each in events]}, records=[record])


def show_past(call: Call) -> Reply:
    """Who could do what with a client's items at an instant, and who had set what."""
    if "at" not in call.query:
        raise ProblemError(400, "at is required: the instant to look at", fields={"at": "is required"})
    if ("type" in call.query) is not ("id" in call.query):
        raise ProblemError(400, "type and id name one item together", fields={"type": "goes with id"})
    at = instant_asked(call, "at", read_instant(call.query["at"], "at")) or call.now
    item = (call.query["type"], call.query["id"]) if "type" in call.query else None
    acting, client_id = acting_of(call), call.path["client_id"]
    found = who_could(acting, call.serving.comparison, call.now, client_id, at=at, item=item)
    content = {
        "people": [_person(each) for each in found.people],
        "settings": [{**asdict(each), "set_at": rfc3339(each.set_at)} for each in found.settings],
        "context": {"what_if": rfc3339(at)},
    }
    details: dict[str, Any] = {"what_if": rfc3339(at), "client_id": client_id}
    if item is not None:
        details |= {"type": item[0], "id": item[1]}
    record = what_if_record(call, acting.client(client_id).practice_id, "past", details, client_id)
    return Reply(content, records=[record])


def _person(person: Person) -> dict[str, Any]:
    return {
        "account_id": person.account_id,
        "grants": [
            {"id": each.id, "kind": each.kind, "status": each.status, "from": each.starts, "until": each.until}
            for each in person.grants
        ],
        "rights": [right._asdict() for right in person.rights],
    }
