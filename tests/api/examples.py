"""A well-formed request about the cast for each endpoint, so that what is refused is refused for another reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.api.conftest import question

if TYPE_CHECKING:
    from authz_service.api.routing import Endpoint

BODIES: dict[str, Any] = {
    "/access/v1/evaluation": question("rosa", "view", "invoice", "inv_rosa_1", client_id="rosa", state="open"),
    "/access/v1/evaluations": {
        "subject": {"type": "account", "id": "dana"},
        "options": {"evaluations_semantic": "execute_all"},
        "evaluations": [{"action": {"name": "view"}, "resource": {"type": "document", "id": "doc_mia_school"}}],
    },
    "/v1/explain": {**question("sam", "view", "thread", "thr_dana_ken"), "context": {"at": "2026-06-16T00:00:00Z"}},
    "/v1/plan": question("staff/ken", "view", "document", "any"),
    "/v1/plans": {
        "subject": {"type": "staff", "id": "ken"},
        "plans": [{"action": {"name": "view"}, "resource": {"type": "document"}}],
        "context": {"at": "2026-06-16T00:00:00Z"},
    },
    "/access/v1/search/subject": {**question("x", "view", "invoice", "inv_rosa_1"), "page": {"limit": 1}},
    "/access/v1/search/resource": {**question("staff/ken", "view", "document", "x"), "page": {"limit": 2}},
    "/access/v1/search/action": {**question("dana", "x", "document", "doc_mia_school"), "page": {"token": ""}},
    "/v1/clients/{client_id}/grants": {"account_id": "new", "kind": "payer", "toggles": {"forms": True}},
    "/v1/accounts/{account_id}/accept": {"invited_as": "new"},
    "/v1/grants/{grant_id}": {"toggles": {"forms": True}, "until": "2027-01-01"},
    "/v1/grants/{grant_id}/withheld/{type}/{resource_id}": {"reason": "x"},
    "/v1/grants/{grant_id}/block": {"reason": "x"},
    "/v1/clients/{client_id}": {"born": "2014-05-05", "self_managing": "yes", "assent": "given", "active": True},
    "/v1/clients/{client_id}/merge": {"into": "rosa", "reason": "x"},
    "/v1/clients/{client_id}/withheld/{type}/{resource_id}": {"reason": "x"},
    "/v1/clients/{client_id}/emergency-accesses": {"reason": "x", "minutes": 15},
    "/v1/emergency-accesses/{access_id}/review": {"note": "x"},
    "/v1/practices/{practice_id}": {"plan_audience": "nobody", "teen_from": 12},
    "/v1/practices/{practice_id}/switches/{feature}": {"on": True},
    "/v1/practices/{practice_id}/switches": {"switches": {"forms": True, "documents": False}},
    "/v1/practices/{practice_id}/clients": {"id": "new", "born": "2014-05-05", "self_managing": "no"},
    "/v1/practices/{practice_id}/accounts/{account_id}/lock": {"reason": "x"},
    "/v1/practices/{practice_id}/accounts/{account_id}/merge": {"into": "dana", "reason": "x"},
    "/v1/practices/{practice_id}/staff": {"id": "new", "roles": ["therapist"], "assigned": ["mia"]},
    "/v1/practices/{practice_id}/grants": {
        "changes": [{"id": "g_sam_mia", "etag": "1", "toggles": {"forms": True}}],
        "reason": "x",
    },
    "/v1/practices/{practice_id}/kind-defaults/{kind}": {"toggles": {"forms": True, "documents": None}},
    "/v1/practices/{practice_id}/check/{finding}/dismissal": {"reason": "x"},
    "/v1/practices/{practice_id}/imports": {
        "key": "x",
        "dry_run": True,
        "differing": "take",
        "practice": {"teen_from": 13, "switches": {"forms": True}},
        "clients": [{"id": "mia", "born": "2014-05-05", "switches": {"forms": True}}],
        "grants": [{"account_id": "new", "client_id": "mia", "kind": "payer", "from": "2026-07-01"}],
        "withheld": [{"account_id": "sam", "client_id": "mia", "type": "invoice", "id": "inv_mia_1"}],
        "blocks": [{"account_id": "sam", "client_id": "mia", "reason": "x"}],
        "assigned": [{"staff_id": "ken", "client_id": "mia"}],
    },
    "/v1/staff/{staff_id}": {"roles": ["therapist"], "state": "active", "assigned": ["mia"], "available": True},
    "/v1/clients/{client_id}/switches/{feature}": {"on": True},
    "/v1/clients/{client_id}/switches": {"switches": {"forms": True}},
    "/v1/resources": {"resources": [{"type": "invoice", "id": "i", "properties": {"client_id": "mia"}}]},
    "/v1/resources/{type}/{resource_id}": {"client_id": "mia", "state": "open"},
    "/v1/what-if": {"practice_id": "northgate", "changes": [{"grant": "g_sam_mia", "toggles": {"forms": True}}]},
    "/v1/practices/{practice_id}/hand-overs/preview": {"from_account": "dana", "to_account": "x", "on": "2026-07-01"},
    "/v1/practices/{practice_id}/hand-overs": {
        "from_account": "dana",
        "to_account": "new",
        "on": "2026-07-01",
        "clients": ["mia"],
    },
    "/v1/policy/versions/{version}/diagrams/{subject_type}/{action}/{resource_type}/path": {
        "facts": {"subject.kind": "payer", "resource.addressee": "me"},
        "part": "permit",
    },
    "/v1/policy/versions/{version}/proofs": {
        "invariants": "version: 1\ninvariants:\n"
        "  - {id: x, says: x, never: {subject: account, action: pay, resource: any, when: {subject.kind: self}}}\n"
    },
    "/v1/policy/playground": {
        "files": {"facts.yaml": "version: 1", "main.polar": "allow(_, _, _);"},
        "against": "serving",
        "ask": {"subject_type": "account", "action": "view", "resource_type": "invoice", "facts": {}},
    },
    "/v1/policy/versions": {"files": {"facts.yaml": "version: 1", "main.polar": "allow(_, _, _);"}, "note": "a try"},
    "/v1/policy/versions/{version}/shadow": {"on": True},
    "/v1/policy/versions/{version}/deploy": {"serving": "0" * 64, "reason": "it is better"},
    "/v1/policy/rollback": {"serving": "0" * 64, "reason": "it is not"},
    "/v1/policy/replays": {"version": "serving", "since": "2026-06-14T00:00:00Z", "limit": 10},
    "/v1/trail": {"events": [{"action": "x", "details": {"a": 1}}]},
}
PLACES = {
    "client_id": "mia",
    "account_id": "sam",
    "grant_id": "g_sam_mia",
    "practice_id": "northgate",
    "staff_id": "ken",
    "type": "invoice",
    "resource_id": "inv_mia_1",
    "feature": "invoices",
    "kind": "guardian",
    "subject_type": "account",
    "action": "view",
    "resource_type": "invoice",
    "version": "serving",
    "name": "limits~item.polar",
    "rule_id": "item.withheld",
    # Nothing has these: what they name is made by other requests.
    "access_id": "x",
    "entry_id": "decisions:1:0:0",
    "finding": "x",
    "hand_over_id": "x",
}
QUERIES = {
    "/v1/clients/{client_id}/past": "?at=2026-06-14T12:00:00Z",
    "/v1/policy/differences": "?old=serving&new=serving",
}


def path_of(endpoint: Endpoint) -> str:
    """The endpoint's path about the cast, with the query that it cannot do without."""
    return endpoint.path.format(**PLACES) + QUERIES.get(endpoint.path, "")
