"""`GET /v1/forward-auth`: a proxy asks about the request it has at hand, and reads the answer from the status.

200 is the only yes. The proxy proves itself by its token, and is trusted to say who the person is and what they asked
for; whatever of that is missing, doubled or contradictory is a no.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from authz_service.api.authzen import Asked
from authz_service.api.evaluations import decision_record, evaluate_all
from authz_service.api.problems import PROBLEM_TYPE, ProblemError
from authz_service.api.routing import Parameter, Reply
from authz_service.facts.request import NO_AUTHN
from models.ids import is_id

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from authz_service.api.forward_routes import ForwardRoute
    from authz_service.api.routing import Call

_log = structlog.get_logger()
_FAMILIES = ((b"x-original-method", b"x-original-uri"), (b"x-forwarded-method", b"x-forwarded-uri"))
_SUBJECT = b"kinguard-subject"
_READ = frozenset({name for family in _FAMILIES for name in family} | {_SUBJECT})
HEADERS = (
    Parameter("Kinguard-Subject", "Who the person is, as `account/dana`; set by the proxy alone."),
    Parameter("X-Original-Method", "The method of the request in question; or `X-Forwarded-Method`."),
    Parameter("X-Original-URI", "Its path, with or without query; or `X-Forwarded-Uri`."),
)


def forward_auth(call: Call) -> Reply:
    """200 when the person may, 403 otherwise; ProblemError 404 where no route table is set."""
    routes = call.service.forward_routes
    if routes is None:
        raise ProblemError(404, "forward authentication is not set up: KINGUARD_FORWARD_ROUTES names no route table")
    headers = _read_headers(call.headers)
    method, uri = _read_request(headers)
    subject_type, subject_id = _read_subject(headers)
    found = routes.find(method, uri)
    if found is None:
        return _refused()
    asked = _question(subject_type, subject_id, *found)
    service, caller = call.service, call.caller
    try:
        (outcome,) = evaluate_all(service, call.exchange, caller, (asked,), call.now)
    except Exception as error:
        # Proxies are told to expect 200, 401, 403 and 503 from here, and nothing else.
        _log.exception("forward_auth_failed", request_id=call.request_id)
        raise ProblemError(503, "denied: nothing can be decided right now") from error
    call.exchange.decision = outcome.allowed
    service.metrics.note_decisions(outcome.allowed, not outcome.allowed)
    reply = Reply(b"", 200, {"Kinguard-Decision": "allow"}, "text/plain") if outcome.allowed is True else _refused()
    reply.records = [decision_record(call.exchange, caller, call.now, [outcome.item])]
    return reply


def _refused() -> Reply:
    # The proxy may hand this to the person: it reads the same whatever the reason is.
    problem = ProblemError(403, "this is not allowed")
    return Reply(problem.body(), 403, {"Kinguard-Decision": "deny"}, PROBLEM_TYPE)


def _question(subject_type: str, subject_id: str, route: ForwardRoute, ids: Mapping[str, str]) -> Asked:
    client_id = ids.get("client_id")
    properties = {} if client_id is None else {"client_id": client_id}
    resource_id = ids.get("id", client_id)
    return Asked(
        subject_type,
        subject_id,
        route.action,
        route.resource_type,
        resource_id,
        properties,
        NO_AUTHN,
        None,
        explain=False,
    )


def _read_headers(raw: Sequence[tuple[bytes, bytes]]) -> dict[bytes, str]:
    found: dict[bytes, str] = {}
    for name, value in raw:
        if name not in _READ:
            continue
        if name in found:
            raise _unclear(f"the header {name.decode()} is given twice")
        if not value.isascii():
            raise _unclear(f"the header {name.decode()} is not ASCII")
        found[name] = value.decode("ascii")
    return found


def _read_request(headers: Mapping[bytes, str]) -> tuple[str, str]:
    """Method and path of the request in question. Both families of headers may be there only if they say the same."""
    said = {(headers.get(method), headers.get(uri)) for method, uri in _FAMILIES if method in headers or uri in headers}
    if len(said) > 1:
        raise _unclear(
            "X-Original-... and X-Forwarded-... say different things; the proxy must set one and drop the other"
        )
    ((method, uri),) = said or {(None, None)}
    if method is None or uri is None:
        raise _unclear("X-Original-Method and X-Original-URI (or X-Forwarded-Method and -Uri) are required")
    return method, uri


def _read_subject(headers: Mapping[bytes, str]) -> tuple[str, str]:
    subject_type, _, subject_id = headers.get(_SUBJECT, "").partition("/")
    if not is_id(subject_type) or not is_id(subject_id):
        raise _unclear("Kinguard-Subject must name the person, as account/dana")
    return subject_type, subject_id


def _unclear(detail: str) -> ProblemError:
    return ProblemError(403, f"denied: {detail}", headers={"Kinguard-Decision": "deny"})
