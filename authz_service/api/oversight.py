"""A client's disclosures and refusals out of the trail, and single records with their explanation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from authz_service.api.explanation import describe
from authz_service.api.problems import ProblemError
from authz_service.api.routing import Parameter, Reply
from authz_service.api.trail import SIX_YEARS, deciding_actor, read_microseconds
from authz_service.trail.chain import EVERYTHING
from authz_service.trail.oversight import denials, disclosures
from authz_service.trail.reading import find_record, instant_of
from authz_service.trail.situations import decision_of

if TYPE_CHECKING:
    from authz_service.api.routing import Call
    from authz_service.engine import Policy
    from authz_service.trail.oversight import Given, Refused

PERIOD = (
    Parameter("since", "From this RFC 3339 instant on; six years before `until` unless told."),
    Parameter("until", "Before this RFC 3339 instant; now unless told. At most six years after `since`."),
)


def show_entry(call: Call) -> Reply:
    """One record, explained by the policy that decided it, on the facts that were recorded."""
    with call.service.store.database.reading(EVERYTHING) as connection:
        entry = find_record(connection, call.path["entry_id"])
        practice_id = deciding_actor(call, "view")
    if entry is None or not _within_reach(call, entry, practice_id):
        raise ProblemError(404, "there is no such record")
    explanation, policy, situation = _explained(call, entry)
    content = {"entry": entry, "explanation": explanation, "policy": policy, "situation": situation}
    return Reply(content, records=[event_of(call, "trail.read", {"entry": entry["id"]})])


def list_disclosures(call: Call) -> Reply:
    """What was given of a client to others: the accounting of 45 CFR 164.528, and what helps to read it."""
    practice_id, client_id, since, until = _period(call)
    with call.service.store.database.reading(EVERYTHING) as connection:
        found, complete = disclosures(connection, practice_id, client_id, since, until)
    content = {
        "since": instant_of(since),
        "until": instant_of(until),
        "disclosures": [_disclosure(one) for one in found],
        "complete": complete,
    }
    return Reply(content, records=[event_of(call, "trail.disclosures.read", {}, client_id)])


def list_denials(call: Call) -> Reply:
    """What people were refused about a client, why, and on which legal basis."""
    practice_id, client_id, since, until = _period(call)
    with call.service.store.database.reading(EVERYTHING) as connection:
        found, complete = denials(connection, practice_id, client_id, since, until)
    told: dict[str, dict[str, Any]] = {}
    content = {
        "since": instant_of(since),
        "until": instant_of(until),
        "denials": [_denial(call, one, told) for one in found],
        "complete": complete,
    }
    return Reply(content, records=[event_of(call, "trail.denials.read", {}, client_id)])


def event_of(call: Call, action: str, details: dict[str, Any], client_id: str | None = None) -> bytes:
    """The record of a look at the trail."""
    practice_id = None
    if client_id is not None and (client := _client(call, client_id)) is not None:
        practice_id = client.practice_id
    return orjson.dumps(
        {
            "type": "event",
            "at": call.service.microseconds(),
            "request_id": call.request_id,
            "caller": call.caller.client_id,
            "action": action,
            "actor": call.exchange.actor,
            "client_id": client_id,
            "practice_id": practice_id,
            "resource": {"type": "trail", "id": None},
            "details": details,
        }
    )


def _period(call: Call) -> tuple[str, str, int, int]:
    client = _client(call, call.path["client_id"])
    if client is None:
        raise ProblemError(404, "there is no such client")
    practice_id = deciding_actor(call, "view")
    if practice_id is not None and practice_id != client.practice_id:
        raise ProblemError(404, "there is no such client")
    until = read_microseconds(call, "until")
    until = call.service.microseconds() + 1 if until is None else until
    since = read_microseconds(call, "since")
    since = until - SIX_YEARS if since is None else since
    if not 0 <= until - since <= SIX_YEARS:
        raise ProblemError(400, "since must be before until, by six years at most", fields={"since": "too early"})
    call.service.loader.catch_up()
    return client.practice_id, client.id, since, until


def _client(call: Call, client_id: str) -> Any:
    with call.service.store.reading(call.caller.practices) as rows:
        client = rows.client(client_id)
    return client if client is not None and call.caller.may_reach(client.practice_id) else None


def _within_reach(call: Call, entry: dict[str, Any], practice_id: str | None) -> bool:
    if practice_id is not None:
        return bool(entry["practice_id"] == practice_id)
    if entry["practice_id"] is None:
        return call.caller.every_practice
    return call.caller.may_reach(entry["practice_id"])


def _explained(call: Call, entry: dict[str, Any]) -> tuple[dict[str, Any] | None, str | None, list[dict[str, Any]]]:
    if entry["type"] != "decision":
        return None, None, []
    policy = call.service.bundles.policy(entry["bundle"])
    situations = entry.get("situations") or []
    # The one that allowed is the last; of those that did not, the explanation picks the nearest.
    deciding = situations[-1] if situations else {}
    if policy is None:
        return None, "unknown", [{"fact": name, "value": value} for name, value in deciding.items()]
    place = "in_service" if policy.digest == call.serving.digest else "earlier"
    return _explanation(policy, entry), place, [_fact(policy, name, value) for name, value in deciding.items()]


def _explanation(policy: Policy, entry: dict[str, Any]) -> dict[str, Any] | None:
    resource, subject = entry["resource"], entry["subject"]
    item = {
        "subject_type": subject.partition("/")[0],
        "action": entry["action"],
        "resource_type": resource["type"],
        "decision": entry["decision"],
        "grant_id": entry.get("grant_id"),
        "error": entry.get("error"),
    }
    decision = decision_of(policy, item, entry.get("situations") or [])
    if decision is None or (resource["id"] is None and decision.allowed):
        return None  # A list that was allowed has a condition for each row instead of one reason.
    told = describe(policy, decision)
    for fact in told["facts"]:
        fact["legal"] = policy.facts[fact["fact"]].legal
    return told


def _fact(policy: Policy, name: str, value: Any) -> dict[str, Any]:
    fact = policy.facts.get(name)
    if fact is None:
        return {"fact": name, "value": value}
    known = {"fact": name, "value": value, "says": fact.says, "controlled_by": fact.controlled_by.value}
    return known | {"legal": fact.legal}


def _disclosure(one: Given) -> dict[str, Any]:
    return {
        "account_id": one.account_id,
        "kinds": list(one.kinds),
        "standing": one.standing,
        "action": one.action,
        "resource": {"type": one.resource_type, "id": one.resource_id},
        "count": one.count,
        "first": instant_of(one.first),
        "last": instant_of(one.last),
        "release": one.release,
    }


def _denial(call: Call, one: Refused, told: dict[str, dict[str, Any]]) -> dict[str, Any]:
    entry = one.entry
    resource = entry["resource"]
    # One explanation serves all people and items of the same situation.
    alike = repr((entry["bundle"], entry["action"], resource["type"], entry.get("situations"), entry.get("error")))
    if alike not in told:
        told[alike] = _reason(call, entry)
    return {
        "account_id": entry["account_id"],
        "action": entry["action"],
        "resource": resource,
        "count": one.count,
        "first": instant_of(one.first),
        "last": instant_of(one.last),
        **told[alike],
    }


def _reason(call: Call, entry: dict[str, Any]) -> dict[str, Any]:
    explanation, policy, _situation = _explained(call, entry)
    if explanation is None:
        text = "the policy that decided is no longer known" if policy == "unknown" else "no rule permits it"
        return {"code": "unknown", "text": text, "rules": [], "facts": [], "legal": []}
    facts = explanation["facts"]
    legal = dict.fromkeys(fact["legal"] for fact in facts if fact["legal"])
    reason = explanation["reason_admin"]
    return {
        "code": reason["code"],
        "text": reason["text"],
        "rules": explanation["rules"],
        "facts": facts,
        "legal": list(legal),
    }
