"""Grants, switches, practices, clients and registered items: what is read and changed of the access data."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, Any

from authz_service.api.conduct import PAGE_MAX, acting_of, if_match_version, read_limit
from authz_service.api.problems import ProblemError
from authz_service.api.routing import Reply
from authz_service.commands import grants, invitations, resources, switches, withholding
from authz_service.commands.errors import InvalidError
from authz_service.facts.rows import EVERYONE
from authz_service.storage.setters import block_of, withheld_by
from authz_service.trail.changes import Origin
from models.wire import access as wire

if TYPE_CHECKING:
    from collections.abc import Iterable

    from authz_service.api.routing import Call
    from authz_service.facts.rows import Client, Grant, Practice
    from authz_service.storage.reading import Reading


def list_client_grants(call: Call) -> Reply:
    """Every grant on a client."""
    client_id = call.path["client_id"]
    with call.service.store.reading(call.caller.practices) as rows:
        _reachable_client(call, rows, client_id)
        return Reply({"grants": grants_content(rows, rows.grants_on(client_id))})


def list_account_grants(call: Call) -> Reply:
    """Every grant of an account, within the caller's practices. An unknown account has none."""
    with call.service.store.reading(call.caller.practices) as rows:
        found = [grant for grant in rows.grants_of(call.path["account_id"]) if call.caller.may_reach(grant.practice_id)]
        return Reply({"grants": grants_content(rows, found)})


def create_grant(call: Call) -> Reply:
    """Gives an account access to a client."""
    made = grants.create_grant(acting_of(call), call.path["client_id"], call.document)
    reply = _grant_reply(call, made)
    return Reply(reply.content, 201, {**reply.headers, "location": f"/v1/grants/{made.id}"})


def show_grant(call: Call) -> Reply:
    """One grant."""
    with call.service.store.reading(call.caller.practices) as rows:
        grant = rows.grant(call.path["grant_id"])
    if grant is None or not call.caller.may_reach(grant.practice_id):
        raise ProblemError(404, "there is no such grant")
    return _grant_reply(call, grant)


def update_grant(call: Call) -> Reply:
    """Changes a grant (merge patch)."""
    if call.exchange.if_match is None:
        raise ProblemError(428, "If-Match is required: send the grant's ETag, so that nobody's change is lost")
    acting, reason = acting_of(call), call.document.get("reason")
    if reason is not None and (not isinstance(reason, str) or not 0 < len(reason) <= wire.REASON_MAX):
        raise InvalidError({"reason": f"must be a text of at most {wire.REASON_MAX} letters"})
    changes = {name: value for name, value in call.document.items() if name != "reason"}
    found = grants.update_grant(acting, call.path["grant_id"], changes, if_match_version(call), reason)
    return _grant_reply(call, found)


def put_withheld(call: Call) -> Reply:
    """Keeps an item from the grant's account."""
    reason, path = call.body(wire.Reason).reason, call.path
    withholding.withhold(acting_of(call), path["grant_id"], path["type"], path["resource_id"], reason)
    return Reply(status=204)


def delete_withheld(call: Call) -> Reply:
    """Stops keeping an item from the grant's account."""
    withholding.release(acting_of(call), call.path["grant_id"], call.path["type"], call.path["resource_id"])
    return Reply(status=204)


def show_withheld(call: Call) -> Reply:
    """From whom an item of a client is kept, by whom, since when and why."""
    client_id, item = call.path["client_id"], (call.path["type"], call.path["resource_id"])
    with call.service.store.reading(call.caller.practices) as rows:
        _reachable_client(call, rows, client_id)
        found = {each: withheld_by(rows, each, client_id, item) for each in rows.withholders_of(client_id, *item)}
    everyone = found.pop(EVERYONE, None)
    accounts = [{"account_id": each, **setter.content} for each, setter in found.items() if setter is not None]
    return Reply({"everyone": None if everyone is None else everyone.content, "accounts": accounts})


def put_withheld_from_all(call: Call) -> Reply:
    """Keeps an item from everyone who represents a client."""
    reason, path = call.body(wire.Reason).reason, call.path
    withholding.withhold_from_all(acting_of(call), path["client_id"], path["type"], path["resource_id"], reason)
    return Reply(status=204)


def delete_withheld_from_all(call: Call) -> Reply:
    """Stops keeping an item from everyone who represents a client."""
    path = call.path
    withholding.release_for_all(acting_of(call), path["client_id"], path["type"], path["resource_id"])
    return Reply(status=204)


def show_block(call: Call) -> Reply:
    """The safety block between the grant's account and its client."""
    with call.service.store.reading(call.caller.practices) as rows:
        grant = rows.grant(call.path["grant_id"])
        if grant is None or not call.caller.may_reach(grant.practice_id):
            raise ProblemError(404, "there is no such grant")
        found = block_of(rows, grant.account_id, grant.client_id)
    if found is None:
        raise ProblemError(404, "there is no safety block")
    return Reply(found.content)


def put_block(call: Call) -> Reply:
    """Puts a safety block between the grant's account and its client."""
    withholding.block(acting_of(call), call.path["grant_id"], call.body(wire.Block).reason)
    return Reply(status=204)


def delete_block(call: Call) -> Reply:
    """Takes the safety block away."""
    withholding.unblock(acting_of(call), call.path["grant_id"])
    return Reply(status=204)


def first_login(call: Call) -> Reply:
    """An account has signed in for the first time: its pending grants become active."""
    account_id = call.path["account_id"]
    origin = Origin(call.caller.client_id, call.request_id, f"account/{account_id}")
    found = grants.first_login(call.service.store, origin, call.caller.practices, account_id)
    return Reply({"active": [grant.id for grant in found if grant.status == "active"]})


def accept_invitation(call: Call) -> Reply:
    """An account accepts an invitation that was made for another, new one."""
    account_id, invited_as = call.path["account_id"], call.body(wire.Acceptance).invited_as
    origin = Origin(call.caller.client_id, call.request_id, f"account/{account_id}")
    store, practices = call.service.store, call.caller.practices
    return Reply({"moved": invitations.accept_invitation(store, origin, practices, account_id, invited_as)})


def show_practice(call: Call) -> Reply:
    """A practice's settings and switches."""
    practice_id = call.path["practice_id"]
    with call.service.store.reading(call.caller.practices) as rows:
        practice = rows.practice(practice_id)
    if practice is None or not call.caller.may_reach(practice_id):
        raise ProblemError(404, "there is no such practice")
    return _practice_reply(practice)


def update_practice(call: Call) -> Reply:
    """Changes a practice's settings (merge patch); If-Match is honoured where it is sent."""
    acting = acting_of(call)
    found = switches.update_practice(acting, call.path["practice_id"], call.document, if_match_version(call))
    return _practice_reply(found)


def set_practice_switch(call: Call) -> Reply:
    """Switches a feature for everyone of a practice."""
    on = call.body(wire.Switch).on
    found = switches.set_practice_switch(acting_of(call), call.path["practice_id"], call.path["feature"], on)
    return Reply(
        {
            "switches": {feature.value: is_on for feature, is_on in found.switches.items()},
            "etag": str(found.switches_version),
        }
    )


def list_clients(call: Call) -> Reply:
    """Ids of a practice's clients, in order."""
    practice_id = call.path["practice_id"]
    with call.service.store.reading(call.caller.practices) as rows:
        if rows.practice(practice_id) is None or not call.caller.may_reach(practice_id):
            raise ProblemError(404, "there is no such practice")
        ids = rows.clients(practice_id)
    limit = read_limit(call, PAGE_MAX)
    start = bisect_right(ids, call.query.get("after", ""))
    page = ids[start : start + limit]
    return Reply({"clients": page, "next": page[-1] if start + limit < len(ids) and page else ""})


def show_client(call: Call) -> Reply:
    """A client's attributes and switches."""
    with call.service.store.reading(call.caller.practices) as rows:
        client = _reachable_client(call, rows, call.path["client_id"])
    return Reply(client_content(client), headers={"etag": f'"{client.version}"'})


def client_content(client: Client) -> dict[str, Any]:
    """A client as answers show it."""
    return {
        "id": client.id,
        "practice_id": client.practice_id,
        "born": client.born,
        "self_managing": client.self_managing,
        "assent": client.assent,
        "active": client.active,
        "switches": dict(client.switches),
        "switches_etag": str(client.switches_version),
        "etag": str(client.version),
    }


def set_client_switch(call: Call) -> Reply:
    """Switches a feature for everyone of a client."""
    on = call.body(wire.Switch).on
    found = switches.set_client_switch(acting_of(call), call.path["client_id"], call.path["feature"], on)
    return Reply(
        {
            "switches": {feature.value: is_on for feature, is_on in found.switches.items()},
            "etag": str(found.switches_version),
        }
    )


def put_resource(call: Call) -> Reply:
    """Registers the facts of one item; the body is its raw properties."""
    try:
        _register(call, [resources.Registration(call.path["type"], call.path["resource_id"], call.document)])
    except InvalidError as error:  # The body is the properties themselves.
        fields = {
            name.removeprefix("resources.0.").removeprefix("properties."): text for name, text in error.fields.items()
        }
        raise InvalidError(fields) from error
    return Reply(status=204)


def post_resources(call: Call) -> Reply:
    """Registers the facts of several items, all or none."""
    entries = call.body(wire.NewResources).resources
    _register(call, [resources.Registration(entry.type, entry.id, entry.properties) for entry in entries])
    return Reply({"registered": len(entries)})


def delete_resource(call: Call) -> Reply:
    """Takes the facts of an item back."""
    origin = _system_origin(call)
    path = call.path
    resources.remove_resource(call.service.store, origin, call.caller.practices, path["type"], path["resource_id"])
    return Reply(status=204)


def _register(call: Call, entries: list[resources.Registration]) -> None:
    decider = call.serving.decider
    resources.register_resources(call.service.store, decider, _system_origin(call), call.caller.practices, entries)


def _system_origin(call: Call) -> Origin:
    return Origin(call.caller.client_id, call.request_id, f"system/{call.caller.client_id}")


def _reachable_client(call: Call, rows: Reading, client_id: str) -> Client:
    client = rows.client(client_id)
    if client is None or not call.caller.may_reach(client.practice_id):
        raise ProblemError(404, "there is no such client")
    return client


def grants_content(rows: Reading, found: Iterable[Grant]) -> list[dict[str, Any]]:
    """Grants as answers show them."""
    return [grant_content(rows, grant) for grant in found]


def grant_content(rows: Reading, grant: Grant) -> dict[str, Any]:
    """A grant as answers show it."""
    relation = rows.relation(grant.account_id, grant.client_id)
    return {
        **grant_fields(grant),
        "withheld": [
            {"type": kind, "id": item} for kind, item in rows.withheld_from(grant.account_id, grant.client_id)
        ],
        "blocked": relation is not None and relation.blocked,
        "locked": relation is not None and relation.account is not None and relation.account.state == "locked",
    }


def grant_fields(grant: Grant) -> dict[str, Any]:
    """What a grant says by itself: as answers about many show it."""
    return {
        "id": grant.id,
        "account_id": grant.account_id,
        "client_id": grant.client_id,
        "practice_id": grant.practice_id,
        "kind": grant.kind,
        "status": grant.status,
        "from": grant.starts,
        "until": grant.until,
        "proof": grant.proof,
        "toggles": dict(grant.toggles),
        "etag": str(grant.version),
    }


def _grant_reply(call: Call, grant: Grant) -> Reply:
    with call.service.store.reading(call.caller.practices) as rows:
        content = grant_content(rows, rows.grant(grant.id) or grant)
    return Reply(content, headers={"etag": f'"{content["etag"]}"'})


def _practice_reply(practice: Practice) -> Reply:
    return Reply(
        {
            "id": practice.id,
            "zone": practice.zone,
            "teen_from": practice.teen_from,
            "adult_from": practice.adult_from,
            "plan_audience": practice.plan_audience,
            "contacts_allowed": practice.contacts_allowed,
            "card_processing": practice.card_processing,
            "second_factor": practice.second_factor,
            "staff_second_factor": practice.staff_second_factor,
            "notice_hours": practice.notice_hours,
            "switches": dict(practice.switches),
            "switches_etag": str(practice.switches_version),
            "etag": str(practice.version),
        },
        headers={"etag": f'"{practice.version}"'},
    )
