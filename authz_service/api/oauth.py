"""`/oauth/token`, `/oauth/revoke` and the key set: how a calling system gets its access token, and gives it back."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

import structlog

from authz_service.api.routing import FORM_TYPE, Reply
from authz_service.tokens.issuing import ClientRefusedError, ScopeRefusedError
from authz_service.tokens.signatures import TokenError

if TYPE_CHECKING:
    from authz_service.api.routing import Call

_GRANT = "client_credentials"
_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_PARAMETERS_MAX = 20

_log = structlog.get_logger()


class _FormError(Exception):
    """`error` is a code of RFC 6749, section 5.2."""

    def __init__(self, error: str, text: str) -> None:
        super().__init__(text)
        self.error = error


def issue_token(call: Call) -> Reply:
    """An access token for a client that signed an assertion."""
    try:
        form = _read_form(call, grant_type=_GRANT)
        client = call.service.issuer.authenticate(_assertion(form))
        token = call.service.issuer.issue(client, _words(form.get("scope")), _words(form.get("practices")))
    except _FormError as error:
        return _refused(error.error, str(error))
    except ClientRefusedError as error:
        _log.warning("client_refused", request_id=call.request_id, reason=str(error))
        return _refused("invalid_client", str(error), 401)
    except ScopeRefusedError as error:
        return _refused("invalid_scope", str(error))
    return Reply(
        {
            "access_token": token.text,
            "token_type": "Bearer",
            "expires_in": token.seconds,
            "scope": " ".join(sorted(token.scopes)),
        }
    )


def revoke_token(call: Call) -> Reply:
    """Takes back a token of the client that asks (RFC 7009); a token that is none is no error."""
    try:
        form = _read_form(call)
        client = call.service.issuer.authenticate(_assertion(form))
        now = call.now.timestamp()
        caller = call.service.verifier.verify(b"Bearer " + form.get("token", "").encode("utf-8"), now)
    except _FormError as error:
        return _refused(error.error, str(error))
    except ClientRefusedError as error:
        return _refused("invalid_client", str(error), 401)
    except TokenError:
        return Reply({})
    if caller.client_id == client.id:
        call.service.clients.revoke(caller.token_id, caller.expires, int(now))
    return Reply({})


def show_keys(call: Call) -> Reply:
    """The public keys of the access tokens."""
    return Reply(call.service.signing.jwks)


def _read_form(call: Call, **required: str) -> dict[str, str]:
    content_type = call.exchange.content_type.split(b";")[0].strip().lower().decode("latin-1")
    if content_type != FORM_TYPE:
        raise _FormError("invalid_request", f"Content-Type must be {FORM_TYPE}")
    try:
        text = call.exchange.body.decode("ascii")
        pairs = parse_qsl(text, strict_parsing=bool(text), max_num_fields=_PARAMETERS_MAX, errors="strict")
    except ValueError as error:
        raise _FormError("invalid_request", "the body is not a form") from error
    form = dict(pairs)
    if len(form) != len(pairs):
        raise _FormError("invalid_request", "a parameter is given twice")
    for name, value in required.items():
        if form.get(name) != value:
            raise _FormError(f"unsupported_{name}", f"{name} must be {value}")
    return form


def _assertion(form: dict[str, str]) -> str:
    if form.get("client_assertion_type") != _ASSERTION or not form.get("client_assertion"):
        raise _FormError("invalid_request", f"client_assertion and client_assertion_type {_ASSERTION} are required")
    return form["client_assertion"]


def _words(text: str | None) -> frozenset[str] | None:
    return None if text is None else frozenset(text.split())


def _refused(error: str, text: str, status: int = 400) -> Reply:
    return Reply({"error": error, "error_description": text}, status)
