"""What a practice sets up for many at once: kind defaults, bulk changes of grants, switches, the set-up check."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from authz_service.api.access import grant_fields
from authz_service.api.conduct import acting_of, if_match_version, read_limit
from authz_service.api.problems import ProblemError
from authz_service.api.routing import Parameter, Reply
from authz_service.commands import assignments, bulk, kind_defaults, set_up, switches
from authz_service.facts.ceilings import ceilings
from authz_service.storage.practice_rows import grants_of_practice
from models.vocabulary import AgeClass, Feature, Kind, default_toggles
from models.wire import access as access_bodies
from models.wire import set_up as wire

if TYPE_CHECKING:
    from collections.abc import Mapping

    from authz_service.api.routing import Call
    from authz_service.commands.kind_defaults import KindDefaults

GRANTS_SHOWN_MAX = 50
GRANTS_MAX = 2000
GRANTS_QUERY = (
    Parameter("kinds", "Only grants of these kinds, with commas between them."),
    Parameter("after", "The `next` of the page before."),
    Parameter("limit", "At most this many, up to 2000."),
)


def update_practice_switches(call: Call) -> Reply:
    """Turns several switches of a practice at once; If-Match (the practice's `switches_etag`) is honoured."""
    wanted = _named(call.body(access_bodies.SwitchesPatch).switches)
    found = switches.update_practice_switches(acting_of(call), call.path["practice_id"], wanted, if_match_version(call))
    return _switches_reply(found.switches, found.switches_version)


def update_client_switches(call: Call) -> Reply:
    """Turns several switches of a client at once; If-Match (the client's `switches_etag`) is honoured."""
    wanted = _named(call.body(access_bodies.SwitchesPatch).switches)
    found = switches.update_client_switches(acting_of(call), call.path["client_id"], wanted, if_match_version(call))
    return _switches_reply(found.switches, found.switches_version)


def list_kind_defaults(call: Call) -> Reply:
    """With what new grants of each kind begin."""
    practice_id = call.path["practice_id"]
    with call.service.store.reading(call.caller.practices) as rows:
        if rows.practice(practice_id) is None or not call.caller.may_reach(practice_id):
            raise ProblemError(404, "there is no such practice")
        found = kind_defaults.kind_defaults(rows, practice_id)
    return Reply({"kinds": [_kind_content(call, one) for one in found.values()]})


def update_kind_defaults(call: Call) -> Reply:
    """Chooses with what new grants of a kind begin (merge patch); If-Match is honoured where it is sent."""
    path = call.path
    found = kind_defaults.update_kind_defaults(
        acting_of(call), path["practice_id"], path["kind"], call.document, if_match_version(call)
    )
    return Reply(_kind_content(call, found), headers={"etag": f'"{found.version}"'})


def update_grants(call: Call) -> Reply:
    """Changes several grants of a practice, all or none."""
    body = call.body(wire.GrantChanges)
    entries = [change.model_dump(mode="json", by_alias=True, exclude_unset=True) for change in body.changes]
    changed = bulk.update_grants(acting_of(call), call.path["practice_id"], entries, body.reason)
    return Reply({"grants": [grant_fields(grant) for grant in changed]})


def list_grants(call: Call) -> Reply:
    """Every grant of a practice, or of some kinds, in order of id."""
    practice_id, query = call.path["practice_id"], call.query
    kinds = query["kinds"].split(",") if query.get("kinds") else list(Kind)
    if not set(kinds) <= set(Kind):
        told = f"must be some of {','.join(Kind)}, with commas between them"
        raise ProblemError(400, f"kinds {told}", fields={"kinds": told})
    limit = read_limit(call, GRANTS_MAX)
    with call.service.store.reading(call.caller.practices) as rows:
        if rows.practice(practice_id) is None or not call.caller.may_reach(practice_id):
            raise ProblemError(404, "there is no such practice")
        found = grants_of_practice(rows, practice_id, kinds, query.get("after", ""), limit + 1)
    shown = found[:limit]
    return Reply(
        {"grants": [grant_fields(grant) for grant in shown], "next": shown[-1].id if len(found) > limit else ""}
    )


def check_set_up(call: Call) -> Reply:
    """Looks for what is probably not meant."""
    practice_id = call.path["practice_id"]
    if not call.caller.may_reach(practice_id):
        raise ProblemError(404, "there is no such practice")
    found = set_up.check_set_up(call.service.store, call.serving.policy, practice_id)
    right = {dismissal.finding for dismissal in found.dismissals}
    return Reply(
        {
            "findings": [
                {
                    "id": finding.id,
                    "rule": finding.rule,
                    "client_id": finding.client_id,
                    "grant_ids": finding.grant_ids[:GRANTS_SHOWN_MAX],
                    "account_ids": [found.holders[each] for each in finding.grant_ids[:GRANTS_SHOWN_MAX]],
                    "staff_id": finding.staff_id,
                    "features": finding.features,
                    "day": finding.day,
                    "count": finding.count,
                    "dismissed": finding.id in right,
                }
                for finding in found.findings
            ],
            "dismissals": [
                {"finding": each.finding, "reason": each.reason, "by": each.by, "at": each.at}
                for each in found.dismissals
            ],
        }
    )


def put_dismissal(call: Call) -> Reply:
    """Calls a finding right."""
    reason = call.body(wire.DismissalReason).reason
    set_up.dismiss_finding(acting_of(call), call.path["practice_id"], call.path["finding"], reason)
    return Reply(status=204)


def delete_dismissal(call: Call) -> Reply:
    """Shows a finding again."""
    set_up.restore_finding(acting_of(call), call.path["practice_id"], call.path["finding"])
    return Reply(status=204)


def put_assigned(call: Call) -> Reply:
    """Assigns a client to a staff member."""
    assignments.assign_client(acting_of(call), call.path["staff_id"], call.path["client_id"], on=True)
    return Reply(status=204)


def delete_assigned(call: Call) -> Reply:
    """Ends that."""
    assignments.assign_client(acting_of(call), call.path["staff_id"], call.path["client_id"], on=False)
    return Reply(status=204)


def _named(wanted: Mapping[Feature, bool]) -> dict[str, object]:
    return {feature.value: on for feature, on in wanted.items()}


def _switches_reply(found: Mapping[Feature, bool], version: int) -> Reply:
    content: dict[Feature, bool] = dict(found)
    return Reply({"switches": content, "etag": str(version)}, headers={"etag": f'"{version}"'})


def _kind_content(call: Call, found: KindDefaults) -> dict[str, Any]:
    within = ceilings(call.serving.policy)[found.kind]
    return {
        "kind": found.kind,
        "chosen": dict(found.chosen),
        "usual": dict(default_toggles(found.kind, AgeClass.ADULT)),
        "usual_child": dict(default_toggles(found.kind, AgeClass.CHILD)),
        "usual_teen": dict(default_toggles(found.kind, AgeClass.TEEN)),
        "may": [feature for feature in Feature if feature in within],
        "etag": str(found.version),
    }
