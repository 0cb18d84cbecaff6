"""Refusals of a request, as RFC 9457 problem bodies (AuthZEN's own endpoints answer with a plain message instead)."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import orjson

PROBLEM_TYPE = "application/problem+json"


class ProblemError(Exception):
    """The request is refused. `detail` is one sentence; `fields` names what in the body is wrong, and how.

    `more` are further members of the body.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        fields: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        more: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.fields = fields or {}
        self.headers = headers or {}
        self.more = more or {}

    def body(self) -> bytes:
        """The problem as JSON."""
        document: dict[str, Any] = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
        }
        if self.fields:
            document["field"] = next(iter(self.fields))
            document["errors"] = [{"field": name, "message": message} for name, message in self.fields.items()]
        return orjson.dumps(document | self.more)

    def message(self) -> bytes:
        """The problem as AuthZEN wants it: a message string."""
        return orjson.dumps(self.detail)


def unauthorized(detail: str) -> ProblemError:
    """401 with the challenge that RFC 6750 asks for."""
    return ProblemError(401, detail, headers={"www-authenticate": 'Bearer realm="kinguard", error="invalid_token"'})


def lacks_scope(scope: str) -> ProblemError:
    """403 that names the scope."""
    challenge = f'Bearer realm="kinguard", error="insufficient_scope", scope="{scope}"'
    return ProblemError(403, f"the token lacks the scope {scope}", headers={"www-authenticate": challenge})
